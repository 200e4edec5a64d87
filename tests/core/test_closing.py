"""Closing a tenant: the window, the undo, and an erasure that a kill cannot spoil."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from webchatagent.core import closing, rights
from webchatagent.core.db.base import Base
from webchatagent.core.db.chats import ChatSession, Contact
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.errors import Conflict, Forbidden, NotFound
from webchatagent.core.hookspecs import hookimpl
from webchatagent.core.privacy import ErasureReport
from webchatagent.core.registry import Registry
from webchatagent.core.tenancy import TenantOwned, system_scope
from webchatagent.core.tenants import load_tenant, operator_tenant
from webchatagent.jobs import schedule
from webchatagent.testing.fakes import embedding_plugin


def rows_of(tenant_id, platform):
    """How many rows a tenant has anywhere, its audit trail and its people included."""
    models = [m.class_ for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)]
    with system_scope("count what is left"), platform.database.read() as db:
        counts = {
            m.__name__: db.scalar(select(func.count()).select_from(m).where(m.tenant_id == tenant_id))
            for m in (*models, Membership)
        }
        counts["TenantRow"] = db.scalar(select(func.count()).where(TenantRow.id == tenant_id))
    return {name: n for name, n in counts.items() if n}


def receipts(platform):
    """The operator's entries of erased tenants."""
    with operator_tenant(platform).read() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == "tenant.erased")))


def end_the_window(tenant):
    """Thirty days later."""
    with system_scope("let time pass"), tenant.platform.database.write() as db:
        row = db.get(TenantRow, tenant.id)
        row.erase_at -= timedelta(days=closing.DAYS)


@pytest.fixture
def furnished(bot, foreign_bot, add_texts):
    """The first tenant with something in every store, beside a second one that has as much."""
    for one in (bot, foreign_bot):
        add_texts(one, {"a": "The canary sleeps in the cage.", "b": "The shop opens at nine."})
        with one.tenant.write() as db:
            db.add(Contact(name="Canary", email=f"canary@{one.tenant.slug}.example.org"))
            db.add(ChatSession(bot_id=one.id, key_hash=f"{one.id}".rjust(64, "0")))
        one.tenant.platform.blobs.put(one.tenant.id, b"canary")
    return bot.tenant


@pytest.mark.seed("SR-180")
def test_a_closed_tenant_is_erased_after_thirty_days_and_not_before(platform, furnished, globex, run_jobs):
    other, stats = rows_of(globex.id, platform), platform.chunks.stats(globex.id)
    until = closing.close_tenant(furnished)
    with system_scope("read it"), platform.database.read() as db:
        row = db.get(TenantRow, furnished.id)
        assert until - row.closed_at == timedelta(days=30)
    assert closing.close_tenant(furnished) == until, "closing it again does not begin anew"
    schedule.tick(platform)
    run_jobs()
    assert load_tenant(platform, slug="acme").erase_at == until and not receipts(platform)
    end_the_window(furnished)
    schedule.tick(platform)
    schedule.tick(platform)
    run_jobs()
    with pytest.raises(NotFound):
        load_tenant(platform, slug="acme")
    assert rows_of(furnished.id, platform) == {}
    assert not platform.chunks._files.exists(furnished.id)
    assert not (platform.settings.folder / "blobs" / str(furnished.id)).exists()
    assert rows_of(globex.id, platform) == {**other, "BackgroundJob": rows_of(globex.id, platform)["BackgroundJob"]}
    assert platform.chunks.stats(globex.id) == stats
    (receipt,) = receipts(platform)
    assert receipt.target == "acme"
    assert (
        receipt.detail["core bot"] == 1 and receipt.detail["core contact"] == 1 and receipt.detail["core chunks"] == 2
    )


@pytest.mark.seed("SR-180")
def test_closing_can_be_undone_until_its_date(platform, furnished, run_jobs):
    before = rows_of(furnished.id, platform)
    closing.close_tenant(furnished)
    closing.reopen_tenant(furnished)
    assert load_tenant(platform, slug="acme").erase_at is None
    run_jobs()
    after = rows_of(furnished.id, platform)
    assert after == {**before, "AuditEntry": before["AuditEntry"] + 2}
    closing.close_tenant(furnished)
    end_the_window(furnished)
    with pytest.raises(Conflict) as caught:
        closing.reopen_tenant(furnished)
    assert caught.value.code == "tenant_erasing"


def test_a_job_that_is_late_leaves_a_reopened_tenant_alone(platform, furnished, run_jobs):
    closing.close_tenant(furnished)
    end_the_window(furnished)
    closing.queue_erasures(platform)
    with system_scope("the operator puts the date off"), platform.database.write() as db:
        row = db.get(TenantRow, furnished.id)
        row.erase_at = row.closed_at = None
    run_jobs()
    assert load_tenant(platform, slug="acme").erase_at is None
    assert platform.chunks.stats(furnished.id).chunks == 2


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_erasure_goes_on_after_a_kill(platform, furnished, monkeypatch, step):
    """Killed before the files, between files and rows, and between rows and the second look at the files."""
    closing.close_tenant(furnished)
    end_the_window(furnished)
    calls, real = [], platform.blobs.delete_tenant

    def dying(tenant_id):
        calls.append(tenant_id)
        if len(calls) == step:
            raise Killed
        real(tenant_id)
        if step == 3 and len(calls) == 1:
            platform.blobs.put(tenant_id, b"a job that was still running wrote this")

    monkeypatch.setattr(platform.blobs, "delete_tenant", dying)
    operator = operator_tenant(platform)
    for _ in range(3):
        try:
            closing.erase_when_due(operator, furnished.id)
        except Killed:
            continue
    assert rows_of(furnished.id, platform) == {} and len(receipts(platform)) == 1
    assert not (platform.settings.folder / "blobs" / str(furnished.id)).exists()
    assert receipts(platform)[0].detail["core contact"] == 1


def keeper(fail):
    """A plugin that keeps something at a provider, which does not always answer."""
    module = embedding_plugin()
    left = {"orders": 3}

    def tenant_erase(tenant):
        if fail and fail.pop():
            raise ConnectionError("the provider does not answer")
        n, left["orders"] = left["orders"], 0
        return ErasureReport({"orders": n})

    module.tenant_erase = hookimpl(tenant_erase)
    return module


def test_plugins_erase_first_and_core_waits_until_they_have(platform, furnished, monkeypatch):
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["embeddings_local"] = (known.manifests["embeddings_local"], keeper([True]))
    platform.registry = Registry(plugins, known._always)
    closing.close_tenant(furnished)
    end_the_window(furnished)
    operator = operator_tenant(platform)
    with pytest.raises(Exception, match="embeddings_local: ConnectionError"):
        closing.erase_when_due(operator, furnished.id)
    assert rows_of(furnished.id, platform)["Contact"] == 1, "what the plugin needs to try again is still here"
    erased = rights.erase_tenant
    monkeypatch.setattr(rights, "erase_tenant", lambda tenant: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        closing.erase_when_due(operator, furnished.id)
    monkeypatch.setattr(rights, "erase_tenant", erased)
    closing.erase_when_due(operator, furnished.id)
    assert receipts(platform)[0].detail["embeddings_local orders"] == 3, "the receipt survives the kill"


def test_a_plugin_that_is_off_erases_too(platform, furnished):
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["llm_openai"] = (known.manifests["llm_openai"], keeper([]))
    platform.registry = Registry(plugins, known._always)
    assert "llm_openai" not in load_tenant(platform, slug="acme").enabled
    assert closing.erase_now(furnished)["llm_openai"].done == {"orders": 3}
    assert rows_of(furnished.id, platform) == {}


def test_the_operators_own_tenant_cannot_be_closed(platform):
    with pytest.raises(Forbidden):
        closing.close_tenant(operator_tenant(platform))
    with pytest.raises(Forbidden):
        closing.erase_now(operator_tenant(platform))

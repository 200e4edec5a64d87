"""Backup and restore: everything into another installation and database, one tenant where it was erased."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import func, select

from webchatagent.admin.accounts import create_user
from webchatagent.app import prepare_database
from webchatagent.core.apikeys import authenticate, create_key
from webchatagent.core.backup import rows
from webchatagent.core.backup.making import make_backup, snapshot
from webchatagent.core.backup.restoring import restore_backup
from webchatagent.core.bots import create_bot, find_bot
from webchatagent.core.db.chats import ChatSession, Message
from webchatagent.core.db.sources import Document
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.retrieval import search
from webchatagent.core.rights import erase_tenant
from webchatagent.core.sources import upload_file
from webchatagent.core.tenants import create_tenant, load_tenant
from webchatagent.jobs.worker import Worker
from webchatagent.testing.postgres import FolderDatabases

KEY = "one master key of tests, long enough"
WALRUS = b"The walrus sleeps on the ice until noon. It eats shells in the afternoon."


@pytest.fixture
def installations(tmp_path, make_platform, request):
    """A function `(name, kind)` that makes an installation on `sqlite` or `postgresql`."""

    def make(name, kind, key=KEY):
        url = ""
        if kind == "postgresql":
            databases: FolderDatabases = request.getfixturevalue("_folder_databases")
            request.addfinalizer(lambda: databases.drop_below(tmp_path))
            url = databases.url(tmp_path / name)
        else:
            url = f"sqlite:///{tmp_path / name}.sqlite"
        platform = make_platform(name, master_key=key, database_url=url, rate_limits="off")
        prepare_database(platform)
        return platform

    return make


def fill(platform, slug):
    tenant = create_tenant(platform, slug, slug.title())
    bot = create_bot(tenant, "help", f"{slug} help")
    upload_file(tenant, bot.id, "walrus.txt", WALRUS)
    work(platform)
    with tenant.write() as db:
        session = ChatSession(bot_id=bot.id, key_hash=f"{slug:0<64}", language="en")
        db.add(session)
        db.flush()
        for n in range(3):
            db.add(Message(session_id=session.id, role="visitor", text=f"{slug} ✓ {n}", language="en"))
    create_user(platform, f"owner@{slug}.example.org", tenant=tenant, role="owner", password="long enough secret")
    return bot


def work(platform):
    worker = Worker(platform)
    while worker.run_due():
        pass


def content(platform, tenant_id=None):
    """Every row of the database by table, without what a restore adds or leaves behind."""
    found = {}
    with snapshot(platform.database) as connection:
        for table in rows.read_tables(connection):
            if table.name in ("background_job", "audit_entry") or (tenant_id and "tenant_id" not in table.c):
                continue
            lines = [rows.parse_row(table, line) for line in rows.read_rows(connection, table, tenant_id)]
            for line in lines:
                for changing in ("blob", "searchable_at", "changed_at"):
                    line.pop(changing, None)
            found[table.name] = lines
    return found


def answers(platform, bot):
    live = find_bot(platform, bot.public_id)
    found = search(live.tenant, live.id, "When does the walrus sleep?")
    return [ranked.chunk.text for ranked in found]


PAIRS = [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql"), ("postgresql", "sqlite")]


@pytest.mark.seed("SR-181")
@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_everything_is_the_same_in_another_installation(old, new, installations, tmp_path, figures):
    first, second = installations("first", old), installations("second", new)
    bots = [fill(first, slug) for slug in ("acme", "globex")]
    key = create_key(bots[0].tenant, "sync", ["sources:read"], actor="test")
    made = make_backup(first, tmp_path / "all.zip")
    assert stat.S_IMODE((tmp_path / "all.zip").stat().st_mode) == 0o600
    done = restore_backup(second, tmp_path / "all.zip")
    assert (done.blobs, done.documents, made.blobs) == (2, 2, 2)
    assert sum(done.rows.values()) == sum(made.rows.values())
    work(second)
    assert content(second) == content(first)
    for bot in bots:
        assert any("until noon" in text for text in answers(second, bot))
    assert authenticate(second, key.secret).tenant.slug == "acme"
    newest = create_bot(load_tenant(second, slug="acme"), "more", "More")
    assert newest.id > max(b.id for b in bots)
    figures.count(f"Backup on {old}, restored on {new}", rows=sum(made.rows.values()), files=made.blobs)


@pytest.mark.seed("SR-181")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_one_tenant_comes_back_and_the_other_is_not_touched(kind, installations, tmp_path):
    platform = installations("one", kind)
    bots = [fill(platform, slug) for slug in ("globex", "acme")]
    acme, globex = bots[1].tenant, bots[0].tenant
    before, other = content(platform, acme.id), content(platform, globex.id)
    make_backup(platform, tmp_path / "acme.zip", acme)
    erase_tenant(acme)
    fill_more(globex, bots[0])
    other = content(platform, globex.id)
    done = restore_backup(platform, tmp_path / "acme.zip")
    work(platform)
    assert done.unknown_people == []
    after = content(platform, acme.id)
    assert {n: len(r) for n, r in after.items()} == {n: len(r) for n, r in before.items()}
    assert [m["text"] for m in after["message"]] == [m["text"] for m in before["message"]]
    assert content(platform, globex.id) == other
    with acme.read() as db:
        mine = db.scalars(select(Message.session_id).distinct()).all()
        assert mine == db.scalars(select(ChatSession.id)).all()
    assert any("until noon" in text for text in answers(platform, bots[1]))


def fill_more(tenant, bot):
    """Rows of another tenant that take the numbers which became free."""
    with tenant.write() as db:
        session = ChatSession(bot_id=bot.id, key_hash=f"{'more':0<64}", language="en")
        db.add(session)
        db.flush()
        db.add_all(Message(session_id=session.id, role="visitor", text="new", language="en") for _ in range(5))


def test_a_member_without_an_account_is_named_and_nobody_else_gets_the_seat(installations, tmp_path):
    platform = installations("one", "sqlite")
    bot = fill(platform, "acme")
    fill(platform, "globex")
    make_backup(platform, tmp_path / "acme.zip", bot.tenant)
    erase_tenant(bot.tenant)
    with platform.database.engine.begin() as connection:
        connection.exec_driver_sql("update ab_user set email = 'other@example.org' where email like 'owner@acme%'")
    done = restore_backup(platform, tmp_path / "acme.zip")
    assert done.unknown_people == ["owner@acme.example.org"]
    with platform.database.engine.connect() as connection:
        assert not connection.exec_driver_sql(f"select 1 from membership where tenant_id = {bot.tenant.id}").all()


def refused(code, platform, path):
    before = content(platform)
    with pytest.raises(WebChatAgentError) as error:
        restore_backup(platform, path)
    assert error.value.code == code and error.value.cure
    assert content(platform) == before


def test_what_cannot_be_restored_is_said_and_changes_nothing(installations, tmp_path):
    platform, other = installations("one", "sqlite"), installations("two", "sqlite", "another master key of tests")
    bot = fill(platform, "acme")
    path = tmp_path / "all.zip"
    make_backup(platform, path)
    refused("not_empty", platform, path)
    refused("backup_key", other, path)
    (tmp_path / "half.zip").write_bytes(path.read_bytes()[:-200])
    refused("backup_broken", installations("three", "sqlite"), tmp_path / "half.zip")
    make_backup(platform, tmp_path / "acme.zip", bot.tenant)
    refused("tenant_exists", platform, tmp_path / "acme.zip")
    with pytest.raises(WebChatAgentError, match="already"):
        make_backup(platform, path)


def test_a_restore_that_breaks_in_the_middle_leaves_nothing_behind(installations, tmp_path, monkeypatch):
    first, second = installations("first", "sqlite"), installations("second", "sqlite")
    fill(first, "acme")
    make_backup(first, tmp_path / "all.zip")
    monkeypatch.setattr(rows, "move_sequences", lambda *_: (_ for _ in ()).throw(OSError("the disk is gone")))
    with pytest.raises(OSError, match="gone"):
        restore_backup(second, tmp_path / "all.zip")
    with second.database.engine.connect() as connection:
        assert connection.exec_driver_sql("select slug from tenant").scalars().all() == ["platform"]
    kept = second.settings.folder / "blobs"
    assert not [p for p in kept.rglob("*") if p.is_file()]


def test_documents_are_counted_as_they_are(installations, tmp_path):
    first, second = installations("first", "sqlite"), installations("second", "sqlite")
    bot = fill(first, "acme")
    blob = next(p for p in (first.settings.folder / "blobs").rglob("*") if p.is_file())
    blob.unlink()
    made = make_backup(first, tmp_path / "all.zip")
    assert (made.blobs, made.gone) == (0, 1)
    restore_backup(second, tmp_path / "all.zip")
    work(second)
    tenant = load_tenant(second, slug=bot.tenant.slug)
    with tenant.read() as db:
        assert db.scalar(select(func.count()).select_from(Document).where(Document.state == "broken")) == 1

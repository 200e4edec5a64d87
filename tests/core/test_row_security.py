"""The second wall: what the database itself shows and takes, whatever statement is sent."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from webchatagent.app import build_platform, prepare_database
from webchatagent.core.bots import create_bot
from webchatagent.core.db.row_security import WRITERS, check_wall
from webchatagent.core.db.tenants import Bot
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.settings import load_settings
from webchatagent.core.tenancy import system_scope, tenant_scope, tenant_tables
from webchatagent.doctor import look

pytestmark = pytest.mark.usefixtures("on_postgres")


@pytest.fixture
def raw(platform, bot, foreign_bot, add_texts):
    """A connection as the role of the platform, without its events; both tenants have rows."""
    add_texts(bot, {"a": "The walrus sleeps on the ice until noon."})
    add_texts(foreign_bot, {"b": "Das Walross schläft bis zum Mittag."})
    engine = create_engine(platform.settings.database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def be(connection, tenant="", scope=""):
    connection.execute(text("select set_config('webchatagent.tenant', :t, true)"), {"t": str(tenant)})
    connection.execute(text("select set_config('webchatagent.scope', :s, true)"), {"s": scope})


def tables(connection):
    """Every table with a tenant's rows, by the catalogue of the database."""
    found = connection.execute(
        text(
            "select table_name from information_schema.columns"
            " where column_name = 'tenant_id' and table_schema = 'public' order by 1"
        )
    )
    return [name for (name,) in found]


@pytest.mark.seed("SR-121")
def test_without_a_tenant_no_row_of_any_table_is_seen(raw, figures):
    names = tables(raw)
    assert {t.name for t in tenant_tables()} <= set(names)
    seen = {name: raw.execute(text(f"select count(*) from {name}")).scalar() for name in names}
    assert not any(seen.values()), seen
    be(raw, scope="system")
    kept = {name: raw.execute(text(f"select count(*) from {name}")).scalar() for name in names}
    assert sum(1 for n in kept.values() if n) >= 8, kept
    figures.count(
        "Row-level security, by a bare connection without a tenant",
        tables=len(names),
        rows_there=sum(kept.values()),
        rows_seen=sum(seen.values()),
    )


@pytest.mark.seed("SR-121")
def test_a_tenant_sees_and_changes_its_own_rows_only(raw, acme, globex):
    for name in tables(raw):
        be(raw, acme.id)
        foreign = text(f"select count(*) from {name} where tenant_id <> {acme.id}")
        assert raw.execute(foreign).scalar() == 0, name
        assert raw.execute(text(f"delete from {name} where tenant_id = {globex.id}")).rowcount == 0, name
        assert raw.execute(text(f"update {name} set tenant_id = tenant_id where tenant_id = {globex.id}")).rowcount == 0


@pytest.mark.seed("SR-121")
def test_a_row_of_another_tenant_is_refused_also_when_it_is_moved(raw, acme, globex):
    be(raw, acme.id)
    make = (
        "insert into plugin_switch (tenant_id, plugin, enabled, config, changed_at) values (:t, 'x', true, '{}', now())"
    )
    with pytest.raises(DBAPIError, match="row-level security"), raw.begin_nested():
        raw.execute(text("update bot set tenant_id = :t"), {"t": globex.id})
    with pytest.raises(DBAPIError, match="row-level security"), raw.begin_nested():
        raw.execute(text(make), {"t": globex.id})


def test_the_setting_ends_with_its_transaction(make_platform, acme, globex):
    platform = acme.platform
    create_bot(acme, "one", "One")
    with tenant_scope(acme.id), platform.database.engine.connect() as connection:
        assert connection.execute(text("select count(*) from bot")).scalar() == 1
        pid = connection.execute(text("select pg_backend_pid()")).scalar()
    with platform.database.engine.connect() as connection:
        assert connection.execute(text("select pg_backend_pid()")).scalar() == pid
        assert connection.execute(text("select count(*) from bot")).scalar() == 0
    with tenant_scope(globex.id), platform.database.engine.connect() as connection:
        assert connection.execute(text("select count(*) from bot")).scalar() == 0


def test_a_rolled_back_savepoint_does_not_take_the_tenant_along(acme, bot):
    with tenant_scope(acme.id), acme.platform.database.engine.connect() as connection:
        with connection.begin_nested() as inner:
            assert connection.execute(text("select count(*) from bot")).scalar() == 1
            inner.rollback()
        assert connection.execute(text("select count(*) from bot")).scalar() == 1


def test_tenants_that_alternate_on_one_connection_never_mix(acme, globex, bot, foreign_bot):
    platform = acme.platform
    for _ in range(250):
        for tenant, own in ((acme, bot.id), (globex, foreign_bot.id)):
            with tenant_scope(tenant.id), platform.database.engine.connect() as connection:
                assert connection.execute(text("select id from bot")).scalars().all() == [own]


def test_writers_of_one_tenant_wait_for_each_other_and_not_for_another(acme, globex):
    look = text("select count(*) from pg_locks where locktype = 'advisory' and classid = :c and not granted")
    done = []

    def write():
        with acme.write() as db:
            db.execute(select(Bot.id))
            done.append("second")

    with acme.write() as first:
        first.execute(select(Bot.id))
        second = threading.Thread(target=write)
        second.start()
        with globex.write() as db:
            db.execute(select(Bot.id))
        with system_scope("see who waits"), acme.platform.database.read() as db:
            limit = time.monotonic() + 4
            while not db.execute(look, {"c": WRITERS}).scalar():
                assert time.monotonic() < limit
        assert not done
        done.append("first")
    second.join(10)
    assert done == ["first", "second"]


@pytest.mark.parametrize("how", ["superuser", "bypassrls"])
def test_a_role_that_bypasses_the_wall_is_refused(how, platform, postgres_server, monkeypatch):
    role = f"strong_{how}"
    postgres_server.execute(f"drop role if exists {role}", f"create role {role} login {how}")
    name = platform.settings.database_url.rsplit("/", 1)[1]
    strong = load_settings({}, data=platform.settings.data, database_url=postgres_server.url(name, role))
    other = build_platform(strong)
    with pytest.raises(WebChatAgentError) as refused:
        prepare_database(other)
    assert (refused.value.code, role in str(refused.value)) == ("database_role", True)
    other.database.close()


def test_a_table_without_the_wall_is_named_and_migrate_repairs_it(platform, postgres_server):
    name = platform.settings.database_url.rsplit("/", 1)[1]
    postgres_server.execute("alter table bot no force row level security", database=name)
    with pytest.raises(WebChatAgentError, match="bot") as refused:
        check_wall(platform.database.engine)
    assert refused.value.code == "database_wall"
    assert [(r.state, "bot" in r.message) for r in look(platform) if r.name == "database"] == [("down", True)]
    prepare_database(platform)
    check_wall(platform.database.engine)


def test_a_new_table_with_tenants_rows_gets_the_wall(platform, postgres_server):
    with platform.database.engine.begin() as connection:
        connection.execute(text("create table of_a_plugin (id int primary key, tenant_id int not null)"))
    prepare_database(platform)
    with system_scope("fill it"), platform.database.engine.begin() as connection:
        connection.execute(text("insert into of_a_plugin values (1, 7)"))
    with platform.database.engine.connect() as connection:
        assert connection.execute(text("select count(*) from of_a_plugin")).scalar() == 0


def test_a_slow_statement_and_a_long_lock_end(platform, acme, bot):
    with acme.platform.database.engine.connect() as connection:
        known = {n: connection.execute(text(f"show {n}")).scalar() for n in ("statement_timeout", "lock_timeout")}
        assert known == {"statement_timeout": "15s", "lock_timeout": "5s"}
        connection.execute(text("set local statement_timeout = 50"))
        with pytest.raises(OperationalError, match="statement timeout"):
            connection.execute(text("select pg_sleep(10)"))
    with system_scope("lock a row"), platform.database.engine.connect() as first:
        first.execute(text("select id from bot for update"))
        with platform.database.engine.connect() as second:
            second.execute(text("set local lock_timeout = 50"))
            with pytest.raises((OperationalError, ProgrammingError), match="lock timeout"):
                second.execute(text("select id from bot for update"))

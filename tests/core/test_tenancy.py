"""The guard: every access shape through the session sees and writes one tenant's rows, and nothing without a scope."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload, selectinload, subqueryload

from webchatagent.core.db.base import Base
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.db.tenants import Bot, TenantRow
from webchatagent.core.tenancy import (
    NoTenant,
    TenantOwned,
    TenantViolation,
    insert_row,
    system_scope,
    tenant_scope,
    update_row,
)

GLOBAL_TABLES = {
    "tenant": "names the tenants themselves",
    "account_link": "is the way to an account, before there is a tenant",
    "membership": "is read to find the tenant, before there is a scope",
}


@pytest.fixture
def rows(acme, globex, bot, foreign_bot):
    """A source and a document of each tenant; gives (own source, own document, foreign source, foreign document)."""
    out = []
    for b in (bot, foreign_bot):
        with b.tenant.write() as db:
            source = Source(bot_id=b.id, kind="file", target="t", title=b.tenant.slug)
            db.add(source)
            db.flush()
            document = Document(source_id=source.id, bot_id=b.id, external_id="d", title=f"{b.tenant.slug}-doc")
            db.add(document)
            db.flush()
            out += [source.id, document.id]
    return out


@pytest.fixture
def db(platform, globex):
    """A session in the scope of the second tenant."""
    with tenant_scope(globex.id), platform.database.read() as session:
        yield session
        session.rollback()


def test_every_table_is_tenant_owned_or_says_why_not():
    for mapper in Base.registry.mappers:
        if not issubclass(mapper.class_, TenantOwned):
            assert mapper.local_table.name in GLOBAL_TABLES


def test_every_foreign_key_between_tenant_tables_holds_the_tenant():
    for mapper in Base.registry.mappers:
        for constraint in mapper.local_table.foreign_key_constraints:
            if constraint.referred_table.name != "tenant":
                assert constraint.column_keys[0] == "tenant_id", (mapper.local_table.name, constraint.column_keys)


READS = {
    "entity": lambda r: select(Document.tenant_id),
    "column": lambda r: select(Document.tenant_id).where(Document.title.like("%doc")),
    "aliased": lambda r: select(aliased(Document).tenant_id),
    "join": lambda r: select(Document.tenant_id).join(Source, Source.id == Document.source_id),
    "subquery": lambda r: select(select(Document.tenant_id).subquery()),
    "cte": lambda r: select(select(Document.tenant_id).cte()),
    "in a sub-select": lambda r: select(TenantRow.id).where(TenantRow.id.in_(select(Document.tenant_id))),
    "exists on a global table": lambda r: select(TenantRow.id).where(
        exists().where(Document.tenant_id == TenantRow.id)
    ),
    "union": lambda r: union_all(select(Document.tenant_id), select(Source.tenant_id)),
}


@pytest.mark.parametrize("shape", READS)
@pytest.mark.seed("SR-121")
def test_reading_gives_own_rows_only(shape, rows, db, globex):
    found = set(db.execute(READS[shape](rows)).scalars())
    assert found == {globex.id}


COUNTS = {
    "count(id)": lambda: select(func.count(Document.id)),
    "count(*) from": lambda: select(func.count()).select_from(Document),
    "scalar sub-select": lambda: select(select(func.count(Document.id)).scalar_subquery()),
}


@pytest.mark.parametrize("shape", COUNTS)
def test_counting_counts_own_rows_only(shape, rows, db):
    assert db.scalar(COUNTS[shape]()) == 1


def test_foreign_rows_do_not_exist(rows, db):
    _, foreign_document, *_ = rows
    assert db.get(Document, foreign_document) is None
    assert db.scalar(select(exists().where(Document.id == foreign_document))) is False
    assert db.scalar(select(literal(1)).where(exists().where(Document.id == foreign_document))) is None
    assert db.query(Document).filter(Document.id == foreign_document).first() is None


@pytest.mark.parametrize("option", [None, joinedload, selectinload, subqueryload])
def test_a_relation_never_loads_a_foreign_row(option, rows, platform, globex):
    own_source, _, _, document = rows
    with system_scope("plant a wrong row"), platform.database.write() as session:
        planted = session.get(Document, document)
    with tenant_scope(globex.id), platform.database.read() as session:
        query = select(Document).where(Document.id == planted.id)
        found = session.scalars(query.options(option(Document.source)) if option else query).one()
        assert found.source.tenant_id == globex.id
    assert own_source != found.source.id


def test_the_database_itself_refuses_a_foreign_parent(rows, platform, globex):
    foreign_source = rows[0]
    with pytest.raises(Exception, match=r"(?i)foreign key"), system_scope("try"), platform.database.write() as session:
        session.add(Document(tenant_id=globex.id, source_id=foreign_source, bot_id=1, external_id="x"))


def test_a_row_left_by_another_scope_is_not_handed_out(rows, platform, acme, globex):
    with platform.database.read() as session:
        with tenant_scope(acme.id):
            assert session.get(Document, rows[1]) is not None
        with tenant_scope(globex.id):
            assert session.get(Document, rows[1]) is None


REFUSED = {
    "core select": lambda: select(Document.__table__.c.title),
    "text": lambda: text("select title from document"),
    "core insert": lambda: Source.__table__.insert().values(kind="file", target="x", tenant_id=1, bot_id=1),
    "core update": lambda: Source.__table__.update().values(title="x"),
    "core delete": lambda: Source.__table__.delete(),
    "insert for another tenant": lambda: insert(Source).values(kind="f", target="x", tenant_id=1, bot_id=1),
    "changing the tenant": lambda: update(Source).values(tenant_id=1),
}


@pytest.mark.parametrize("statement", REFUSED)
def test_a_statement_that_could_cross_is_refused(statement, rows, db):
    with pytest.raises(TenantViolation):
        db.execute(REFUSED[statement]())


def test_bulk_inserts_of_another_tenant_are_refused(rows, db, acme):
    with pytest.raises(TenantViolation):
        db.execute(insert(Source), [{"kind": "file", "target": "x", "tenant_id": acme.id, "bot_id": 1}])
    for method in (db.bulk_save_objects, db.bulk_insert_mappings, db.bulk_update_mappings):
        with pytest.raises(TenantViolation):
            method([])


def test_updates_and_deletes_touch_own_rows_only(rows, platform, acme, globex):
    with globex.write() as session:
        assert session.execute(update(Document).values(title="mine")).rowcount == 1
        assert session.execute(delete(Document).where(Document.id == rows[1])).rowcount == 0
    with acme.read() as session:
        assert session.get(Document, rows[1]).title == "acme-doc"


WRITES = {
    "a row of another tenant": lambda r, acme: Source(kind="f", target="x", bot_id=1, tenant_id=acme.id),
    "a merge onto a foreign key": lambda r, acme: Document(
        id=r[1], title="merged", external_id="d", source_id=r[0], bot_id=1
    ),
    "a foreign parent": lambda r, acme: Document(external_id="y", bot_id=1, source_id=r[0]),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_write_that_crosses_is_refused(what, rows, globex, acme):
    with pytest.raises(Exception), globex.write() as session:  # noqa: B017 (the guard, or the database behind it)
        session.merge(WRITES[what](rows, acme))


def test_new_rows_are_stamped(globex, foreign_bot):
    with globex.write() as session:
        source = Source(bot_id=foreign_bot.id, kind="file", target="new")
        session.add(source)
        session.flush()
        assert source.tenant_id == globex.id


def test_moving_a_row_to_another_tenant_is_refused(rows, globex, acme):
    with pytest.raises(TenantViolation), globex.write() as session:
        session.get(Document, rows[3]).tenant_id = acme.id


def test_nothing_works_outside_of_a_scope(rows, platform):
    with platform.database.read() as session:
        for statement in (select(Document), select(func.count()).select_from(Document), text("select 1 from document")):
            with pytest.raises(NoTenant):
                session.execute(statement)
        session.add(Source(kind="file", target="x", bot_id=1))
        with pytest.raises(NoTenant):
            session.flush()


def test_global_tables_are_readable_outside_of_a_scope(acme, platform):
    with platform.database.read() as session:
        assert session.scalar(select(TenantRow.slug).where(TenantRow.id == acme.id)) == "acme"


def test_alternating_scopes_never_share_a_cached_statement(rows, platform, acme, globex):
    for n in range(100):
        tenant = (acme, globex)[n % 2]
        with tenant_scope(tenant.id), platform.database.read() as session:
            assert set(session.scalars(select(Bot.tenant_id))) == {tenant.id}


def test_a_system_scope_wants_a_reason():
    with pytest.raises(ValueError, match="reason"), system_scope(""):
        pass


# -- the short way of writing ---------------------------------------------------------------------------------------


def test_insert_row_stamps_the_row_with_the_scope(rows, db, globex):
    made = insert_row(db, Source, bot_id=rows_bot(db), kind="file", target="u", title="quick")
    assert db.get(Source, made).tenant_id == globex.id


def test_insert_row_takes_no_tenant_from_its_caller(db, acme):
    with pytest.raises(TenantViolation):
        insert_row(db, Source, tenant_id=acme.id, bot_id=1, kind="file", target="t")


def test_insert_row_under_a_foreign_parent_fails(rows, db):
    with pytest.raises(IntegrityError):
        insert_row(db, Document, source_id=rows[0], bot_id=1, external_id="d", title="stolen")


def test_insert_row_needs_a_scope(platform):
    with platform.database.read() as session, pytest.raises(NoTenant):
        insert_row(session, Source, bot_id=1, kind="file", target="t")


def test_update_row_changes_own_rows_only(rows, db):
    own, foreign = rows[2], rows[0]
    assert update_row(db, Source, own, title="mine")
    assert not update_row(db, Source, foreign, title="stolen")
    with pytest.raises(TenantViolation):
        update_row(db, Source, own, tenant_id=1)


def rows_bot(db):
    """The id of a bot in the session's scope."""
    return db.scalar(select(Bot.id))

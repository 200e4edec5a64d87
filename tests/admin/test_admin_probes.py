"""The 57 probes: none shows or changes a row of the other tenant, or ties an own row to a foreign one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.core.apikeys import SCOPES, create_key
from webchatagent.core.bots import create_bot
from webchatagent.core.db.base import Base
from webchatagent.core.tenancy import TenantOwned
from webchatagent.web.app import create_public

from . import conftest
from .probes import GONE, REST, SCREENS, Probe, RestProbe

MARK, OWN = conftest.SECRET_A, conftest.SECRET_B
TABLE = "admin: probes of Flask-AppBuilder"
NUMBERS = count(1)
OWNED = sorted((m for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)), key=lambda m: m.class_.__name__)


@pytest.fixture(scope="module")
def mallory(house: Any) -> Any:
    """The owner of the other tenant."""
    return house.browser("owner@example.net")


@pytest.fixture(scope="module")
def api(house: Any) -> Any:
    """The management API, and the header with a key of the other tenant that may do everything."""
    key = create_key(house.globex, "probe", sorted(SCOPES), actor="test").secret
    return create_public(house.platform).test_client(), {"Authorization": f"Bearer {key}"}


def snapshot(tenant: Any) -> dict[tuple[str, int], dict[str, Any]]:
    """Every row of a tenant."""
    with tenant.read() as db:
        return {
            (m.class_.__name__, n): {c.key: getattr(row, c.key) for c in m.columns}
            for m in OWNED
            for n, row in enumerate(db.scalars(select(m.class_).order_by(*m.primary_key)))
        }


def crossings(house: Any) -> list[tuple[Any, ...]]:
    """Rows of one tenant that point to a row of another."""
    found = []
    with house.platform.database.engine.connect() as db:
        for table in {m.local_table for m in OWNED}:
            for key in table.foreign_keys:
                other = key.column.table
                if "tenant_id" in other.c and other is not table:
                    tied = select(table.c.tenant_id, other.c.tenant_id).join(other, key.parent == key.column)
                    rows = db.execute(tied.where(table.c.tenant_id != other.c.tenant_id)).all()
                    found += [(table.name, *row) for row in rows]
    return found


def spare(tenant: Any, ids: dict[str, Any], mark: str) -> tuple[int, str]:
    """A fresh document of a tenant: its id, and its name in its source."""
    name = f"spare-{next(NUMBERS)}"
    with tenant.write() as db:
        row = conftest.Document(
            source_id=ids["source"], bot_id=ids["bot"], external_id=name, title=f"{mark}-{name}", state="searchable"
        )
        db.add(row)
        db.flush()
        return int(row.id), name


def names(house: Any, attacked: str) -> dict[str, Any]:
    """What stands in the addresses of a probe: the attacked ids, and the attacker's own."""
    number, taken = spare(house.acme, house.ids["acme"], MARK)
    foreign = {**house.ids["acme"], "document": number, "taken": taken, "bot_id": house.bot.public_id}
    number, taken = spare(house.globex, house.ids["globex"], OWN)
    own = {**house.ids["globex"], "document": number, "taken": taken, "bot_id": house.foreign_bot.public_id}
    throwaway = create_bot(house.globex, f"spare-{next(NUMBERS)}", OWN).id
    foreign["spare_bot"], own["spare_bot"] = foreign["bot"], throwaway
    aimed = foreign if attacked == "acme" else own
    mark = "ACME" if attacked == "acme" else "GLOBEX"
    return {**aimed, **{f"own_{name}": value for name, value in own.items()}, "mark": mark, "n": next(NUMBERS)}


def fill(value: Any, with_: dict[str, Any]) -> Any:
    """Put the ids into a text, or into the texts of a list or a form."""
    if isinstance(value, dict):
        return {key: fill(v, with_) for key, v in value.items()}
    if isinstance(value, list):
        return [fill(v, with_) for v in value]
    return value.format(**with_) if isinstance(value, str) else value


def send(browser: Any, probe: Probe, with_: dict[str, Any]) -> Any:
    """Send a probe."""
    path = fill(probe.path, with_)
    return browser.get(path) if probe.method == "GET" else browser.post(path, fill(probe.form, with_))


def judge(house: Any, figures: Any, before: Any, answers: list[Any]) -> None:
    """Fail when a probe got through, and count it."""
    shown = [a for a in answers if MARK in a.text]
    changed = snapshot(house.acme) != before
    tied = crossings(house)
    figures.count(TABLE, probes=1, leaks=int(bool(shown or changed or tied)))
    assert not shown and not changed and not tied
    assert all(a.status_code < 500 for a in answers)


@pytest.mark.seed("SR-166")
@pytest.mark.parametrize("probe", SCREENS, ids=lambda p: p.name)
def test_a_probe_through_a_screen(house: Any, mallory: Any, figures: Any, probe: Probe) -> None:
    mallory.get("/")
    theirs = names(house, "acme")
    before, rows = snapshot(house.acme), snapshot(house.globex)
    conftest.TOUCHED.clear()
    answer = send(mallory, probe, theirs)
    judge(house, figures, before, [answer])
    assert not conftest.TOUCHED
    assert not probe.oracle or snapshot(house.globex) != rows, "the value is taken only over there"
    mine = names(house, "globex")
    rows = snapshot(house.globex)
    answer = send(mallory, probe, mine)
    if probe.absent:
        assert answer.status_code in GONE and snapshot(house.globex) == rows
    elif probe.oracle:
        assert snapshot(house.globex) == rows
    else:  # the same on an own row does something, so the probe reaches what it aims at
        assert OWN in answer.text or conftest.TOUCHED or snapshot(house.globex) != rows


@pytest.mark.seed("SR-166")
@pytest.mark.parametrize("probe", REST, ids=lambda p: p.name)
def test_a_probe_through_rest(house: Any, mallory: Any, api: Any, figures: Any, probe: RestProbe) -> None:
    client, header = api
    mallory.get("/")
    with_ = names(house, "acme")
    before = snapshot(house.acme)
    body = fill(probe.json, with_)
    browser = {"X-CSRFToken": mallory.token}
    by_fab = mallory.client.open(fill(probe.fab, with_), method=probe.method, json=body, headers=browser)
    ours = client.open("/api/v1" + fill(probe.path, with_), method=probe.method, json=body, headers=header)
    judge(house, figures, before, [by_fab, ours])
    assert by_fab.status_code in GONE
    assert ours.status_code not in (401, 403)


def test_there_are_35_and_22_probes() -> None:
    every = [*SCREENS, *REST]
    assert len({(type(p), p.name) for p in every}) == len(every) == 35 + 22


def test_a_probe_that_gets_through_is_noticed(house: Any) -> None:
    """The checks above can fail: a changed row and a tie across tenants are both seen."""
    before = snapshot(house.acme)
    with house.acme.write() as db:
        row = db.get(conftest.Document, house.ids["acme"]["document"])
        title, row.title = row.title, "PWNED"
    assert snapshot(house.acme) != before
    with house.acme.write() as db:
        db.get(conftest.Document, house.ids["acme"]["document"]).title = title
    update = "update document set source_id = ? where id = ?"
    ids, file = house.ids["globex"], house.platform.database.engine.url.database
    with closing(sqlite3.connect(file)) as db:  # a bare connection: ours refuses such a tie by its foreign key
        db.execute(update, (house.ids["acme"]["source"], ids["document"]))
        db.commit()
        assert crossings(house)
        db.execute(update, (ids["source"], ids["document"]))
        db.commit()
    assert not crossings(house)

"""What bots took: questions, tokens, cost, time and errors by day and by model, summed from the rows of turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, cast, func, literal, select, union_all
from sqlalchemy.types import String

from .caps import CAPPED
from .clock import now
from .db.chats import TurnRow
from .tenancy import TenantSession
from .tenants import Tenant

ENDED = ("done", "cut")
LONGEST = 366
"""Days in one view."""


@dataclass
class Sum:
    """Sums over turns. Each ended turn is answered, refused (no answer in the sources), failed, or beyond a cap.

    `cost` is in micro-units by currency. `p50`, `p95` are milliseconds to the end of an answer, `first_p50` to its
    first word; None where nothing was answered.
    """

    turns: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    capped: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: dict[str, int] = field(default_factory=dict)
    p50: int | None = None
    p95: int | None = None
    first_p50: int | None = None

    def add(self, row: Any) -> None:
        """Add a group of turns."""
        for name in ("turns", "answered", "refused", "failed", "capped", "tokens_in", "tokens_out"):
            setattr(self, name, getattr(self, name) + int(getattr(row, name) or 0))
        if row.cost:
            self.cost[row.currency] = self.cost.get(row.currency, 0) + int(row.cost)


@dataclass(frozen=True)
class Group:
    """The turns of one bot, day and model."""

    day: date
    bot_id: int
    provider: str
    model: str
    sum: Sum


@dataclass(frozen=True)
class Statistics:
    """Sums of a time: of each day (those without a turn too), of each model, and of all; errors by code."""

    days: Mapping[date, Sum]
    models: Mapping[tuple[str, str], Sum]
    total: Sum
    errors: Mapping[str, int]
    groups: Sequence[Group]


def read_statistics(tenant: Tenant, days: int = 30, bot_id: int = 0) -> Statistics:
    """The statistics of the last days, of all bots or of one. Deleted conversations are not in them."""
    last = now().date()
    first = last - timedelta(days=max(1, min(days, LONGEST)) - 1)
    wanted: list[ColumnElement[bool]] = [
        TurnRow.created_at >= datetime.combine(first, time(), UTC),
        TurnRow.state.in_(ENDED),
    ]
    if bot_id:
        wanted.append(TurnRow.bot_id == bot_id)
    with tenant.read() as db:
        groups, times = _groups(db, wanted), _times(db, wanted)
        failed = (*wanted, TurnRow.error.not_in(("", CAPPED)))
        errors = db.execute(select(TurnRow.error, func.count(TurnRow.id)).where(*failed).group_by(TurnRow.error)).all()
    by_day = {first + timedelta(days=n): Sum() for n in range((last - first).days + 1)}
    models: dict[tuple[str, str], Sum] = {}
    total = Sum()
    for row in groups:
        key = (row.provider, row.model)
        for one in (by_day.setdefault(_day(row.day), Sum()), models.setdefault(key, Sum()), total):
            one.add(row)
    _place(times, by_day, models, total)
    return Statistics(
        by_day,
        dict(sorted(models.items(), key=lambda item: -item[1].turns)),
        total,
        dict(sorted(((code, n) for code, n in errors), key=lambda e: -e[1])),
        [_group(row) for row in groups],
    )


def _day(value: Any) -> date:
    """A day as SQLite (text) and others (date) give it."""
    return date.fromisoformat(str(value)[:10])


def _group(row: Any) -> Group:
    one = Sum()
    one.add(row)
    return Group(_day(row.day), row.bot_id, row.provider, row.model, one)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _groups(db: TenantSession, wanted: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
    day = func.date(TurnRow.created_at)
    key = (day.label("day"), TurnRow.bot_id, TurnRow.provider, TurnRow.model, TurnRow.currency)
    done = (TurnRow.state == "done") & (TurnRow.error == "")
    return db.execute(
        select(
            *key,
            func.count(TurnRow.id).label("turns"),
            _count(done & ~TurnRow.refused).label("answered"),
            _count(done & TurnRow.refused).label("refused"),
            _count(TurnRow.state == "cut").label("failed"),
            _count((TurnRow.state == "done") & (TurnRow.error != "")).label("capped"),
            func.sum(TurnRow.tokens_in).label("tokens_in"),
            func.sum(TurnRow.tokens_out).label("tokens_out"),
            func.sum(TurnRow.cost).label("cost"),
        )
        .where(*wanted)
        .group_by(*key)
        .order_by(*key)
    ).all()


def _times(db: TenantSession, wanted: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
    """Percentiles by the nearest rank of stored answers, by day, by model and of all, in one statement."""
    day, model = cast(func.date(TurnRow.created_at), String), TurnRow.provider + " " + TurnRow.model
    return db.execute(
        union_all(
            *(_percentiles(name, key, wanted) for name, key in (("day", day), ("model", model), ("all", literal(""))))
        )
    ).all()


def _percentiles(name: str, key: ColumnElement[str], wanted: Sequence[ColumnElement[bool]]) -> Any:
    part: Any = {"partition_by": key}
    ranked = (
        select(
            key.label("key"),
            TurnRow.total_ms.label("ms"),
            TurnRow.first_ms.label("first"),
            func.row_number().over(**part, order_by=TurnRow.total_ms).label("rank"),
            func.row_number()
            .over(**part, order_by=(TurnRow.first_ms.is_not(None), TurnRow.first_ms))
            .label("first_rank"),
            func.count().over(**part).label("all"),
        )
        .where(*wanted, TurnRow.state == "done", TurnRow.error == "", TurnRow.total_ms.is_not(None))
        .subquery()
    )
    c = ranked.c
    return select(
        literal(name).label("name"),
        c.key,
        func.min(case((c.rank * 2 >= c.all, c.ms))).label("p50"),
        func.min(case((c.rank * 100 >= c.all * 95, c.ms))).label("p95"),
        func.min(case((c.first_rank * 2 >= c.all, c.first))).label("first_p50"),
    ).group_by(c.key)


def _place(times: Sequence[Any], days: Mapping[date, Sum], models: Mapping[tuple[str, str], Sum], total: Sum) -> None:
    for name, key, p50, p95, first in times:
        if name == "all":
            one: Sum | None = total
        elif name == "day":
            one = days.get(_day(key))
        else:
            provider, _, model = key.partition(" ")
            one = models.get((provider, model))
        if one is not None:
            one.p50, one.p95, one.first_p50 = p50, p95, first


@dataclass(frozen=True)
class Heard:
    """How a model answered last: when, and the code of its error, empty when all went well."""

    at: datetime
    error: str


def last_heard(tenant: Tenant) -> Mapping[str, Heard]:
    """How each model answered last, within thirty days, by its id. Visitors who left say nothing about a model."""
    newest = (
        select(func.max(TurnRow.id))
        .where(
            TurnRow.created_at >= now() - timedelta(days=30),
            TurnRow.state.in_(ENDED),
            TurnRow.model != "",
            TurnRow.error.not_in(("left", CAPPED)),
        )
        .group_by(TurnRow.model)
    )
    with tenant.read() as db:
        rows = db.execute(select(TurnRow.model, TurnRow.updated_at, TurnRow.error).where(TurnRow.id.in_(newest)))
        return {model: Heard(at, error) for model, at, error in rows}

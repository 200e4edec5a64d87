"""What a tenant sees first: questions a day, and what needs a hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import func, literal, select, union_all

from .clock import now
from .db.records import BackgroundJob, UsageRow
from .db.sources import Source
from .tenants import Tenant

Kind = Literal["source", "job"]


@dataclass(frozen=True)
class Day:
    """Questions of one day: all of them, and those that the sources could not answer."""

    day: date
    asked: int
    refused: int

    @property
    def answered(self) -> int:
        """Questions with an answer."""
        return max(0, self.asked - self.refused)


@dataclass(frozen=True)
class Alert:
    """Something that stays broken until somebody looks: how many, and of which bot (0: of all)."""

    kind: Kind
    count: int
    bot_id: int = 0


def daily_questions(tenant: Tenant, days: int = 14) -> Sequence[Day]:
    """The last days, oldest first, days without a question included."""
    today = now().date()
    first = today - timedelta(days=days - 1)
    with tenant.read() as db:
        rows = db.execute(
            select(UsageRow.day, UsageRow.meter, func.sum(UsageRow.amount))
            .where(UsageRow.day >= first, UsageRow.meter.in_(("messages", "refused")))
            .group_by(UsageRow.day, UsageRow.meter)
        )
        found = {(day, meter): int(amount) for day, meter, amount in rows}
    all_days = [first + timedelta(days=n) for n in range(days)]
    return [Day(d, found.get((d, "messages"), 0), found.get((d, "refused"), 0)) for d in all_days]


def list_alerts(tenant: Tenant) -> Sequence[Alert]:
    """Sources that could not be read, by bot, and jobs that failed for good in the last week."""
    sources = (
        select(literal("source"), Source.bot_id, func.count(Source.id))
        .where(Source.state == "failed")
        .group_by(Source.bot_id)
    )
    failed = select(literal("job"), literal(0), func.count(BackgroundJob.id)).where(
        BackgroundJob.state == "failed", BackgroundJob.finished_at >= now() - timedelta(days=7)
    )
    with tenant.read() as db:
        rows = db.execute(union_all(sources, failed))
        return [Alert("source" if kind == "source" else "job", count, bot) for kind, bot, count in rows if count]

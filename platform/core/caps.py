"""Caps: how much a bot and a tenant may use, and whether one more question fits.

A question that is being answered is its own reservation: its turn row holds an estimate until the answer is stored,
and what was really used is counted in the same transaction. A turn whose process died holds nothing after
`STALE_SECONDS`, so no reservation is ever left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import bindparam, case, func, literal, or_, select, union_all

from .clock import now
from .db.chats import Message, TurnRow
from .db.records import UsageRow
from .errors import WebChatAgentError
from .tenancy import TenantSession, current_tenant_id

if TYPE_CHECKING:
    from .bots import LiveBot
    from .tenants import Tenant

STALE_SECONDS = 15.0
"""A turn that nobody wrote to for this long is cut: its process is gone (a live one writes every second or beats)."""
FEWEST_TOKENS = 10_000
"""The smallest cap of tokens: one question may need a few thousand, and a cap below that would let none through."""
LIVE = ("accepted", "streaming")
ENDED_EARLY = ("left", "crashed")
"""Errors of turns that asked a model, whether it had said a word or not."""
ASKED = ("messages", "cut")
"""The meters of questions that a model was asked."""
TOKENS = ("tokens_in", "tokens_out")


class QuotaExceeded(WebChatAgentError):
    """A cap is reached; `retry_after` is the time until it begins anew."""

    status, code = 402, "quota_exceeded"


class Caps(BaseModel):
    """The most that may be used; 0 is no cap. Money is in micro-units of the currency of the price table.

    `at_limit`: a visitor reads a polite refusal (`refuse`), or is answered by the models that cost nothing (`offline`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    session_messages: int = Field(0, ge=0, le=10**6, description="Questions of one conversation a day.")
    day_messages: int = Field(0, ge=0, le=10**9)
    month_messages: int = Field(0, ge=0, le=10**9)
    day_tokens: int = Field(0, ge=0, le=10**12)
    month_tokens: int = Field(0, ge=0, le=10**12)
    month_money: int = Field(0, ge=0, le=10**15)
    at_limit: Literal["refuse", "offline"] = "refuse"

    @field_validator("day_tokens", "month_tokens")
    @classmethod
    def _enough(cls, value: int) -> int:
        if 0 < value < FEWEST_TOKENS:
            raise ValueError(f"a cap of tokens is at least {FEWEST_TOKENS}")
        return value

    @property
    def limits(self) -> dict[str, int]:
        """The caps that are set."""
        return {name: value for name in NAMES if (value := getattr(self, name))}


NAMES = ("session_messages", "day_messages", "month_messages", "day_tokens", "month_tokens", "month_money")
NO_CAPS = Caps.model_validate({})


@dataclass(frozen=True)
class Need:
    """What one question may use at most: an estimate that is replaced by what it really used."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost: int = 0


@dataclass(frozen=True)
class Level:
    """One cap: whose it is (`bot` or `tenant`), its name, what is used and held, and the most."""

    whose: str
    name: str
    used: int
    most: int


def are_set(bot: LiveBot) -> bool:
    """Whether a question to a bot must be counted before it is taken."""
    return bool(bot.caps.limits or bot.tenant.caps.limits)


def estimate(bot: LiveBot, message: str, past: Sequence[Message]) -> Need:
    """What a question may use: two signs a token, so that other scripts than Latin fit too, and the longest answer."""
    # Here, since the modules of the turn know bots and tenants, which know caps.
    from .prompting import HISTORY, RULES
    from .retrieval import BUDGET

    settings = bot.settings
    signs = len(RULES) + len(settings.instructions) + BUDGET + len(message) + sum(len(m.text) for m in past[-HISTORY:])
    tokens_in, tokens_out = signs // 2, settings.max_tokens
    models = [m for m in (settings.chat_model, *settings.fallback_models) if m]
    return Need(tokens_in, tokens_out, bot.tenant.prices.highest(models, tokens_in, tokens_out))


def reached(db: TenantSession, bot: LiveBot, session_id: int, need: Need) -> Level | None:
    """The first cap that one more question would exceed, or None. In the transaction that then writes its turn.

    Questions of a tenant are looked at one after another: SQLite has one writer, and PostgreSQL one for each tenant
    (`db.row_security`).
    """
    asks = {"messages": 1, "tokens": need.tokens_in + need.tokens_out, "money": need.cost}
    for level in levels(db, bot, session_id):
        if level.used + asks[level.name.split("_")[1]] > level.most:
            return level
    return None


def levels(db: TenantSession, bot: LiveBot, session_id: int = 0) -> Iterator[Level]:
    """Every cap of a bot and its tenant with what is used and held; that of a conversation only for one."""
    return _levels(db, bot.tenant, bot.id, bot.caps, session_id)


def tenant_levels(tenant: Tenant) -> list[Level]:
    """Every cap of a tenant with what all its bots use and hold."""
    if not tenant.caps.limits:
        return []
    with tenant.read() as db:
        return list(_levels(db, tenant, 0, NO_CAPS, 0))


NEAR = 0.8
"""The share of a cap from which somebody should look."""


def near_limits(tenant: Tenant, bots: Sequence[LiveBot]) -> list[tuple[LiveBot | None, Level]]:
    """The caps that are nearly or wholly used, of the bots and of the tenant (None); no statement where none is set."""
    found: list[tuple[LiveBot | None, Level]] = [(None, level) for level in tenant_levels(tenant)]
    for bot in bots:
        if bot.caps.limits:
            with tenant.read() as db:
                found += [(bot, level) for level in levels(db, bot) if level.whose == "bot"]
    return [(bot, level) for bot, level in found if level.used >= NEAR * level.most]


def _levels(db: TenantSession, tenant: Tenant, bot_id: int, own: Caps, session_id: int) -> Iterator[Level]:
    today = now().date()
    counted = _counted(db, today, tenant, bot_id)
    for whose, caps in (("bot", own), ("tenant", tenant.caps)):
        for name, most in caps.limits.items():
            period, kind = name.split("_")
            if period != "session":
                yield Level(whose, name, counted[whose, period, kind], most)
            elif session_id:
                yield Level(whose, name, _of_session(db, session_id, today), most)


def _counted(db: TenantSession, today: date, tenant: Tenant, own: int) -> Mapping[tuple[str, str, str], int]:
    """What the meters of this month and today say, and what running questions hold, by whose, period and kind.

    In one statement: between two of them a question could end, and be neither counted nor held.
    """
    money = f"cost_{tenant.prices.currency}"
    kinds = {**dict.fromkeys(ASKED, "messages"), **dict.fromkeys(TOKENS, "tokens"), money: "money"}
    known = {
        "whose": current_tenant_id(),
        "today": today,
        "first": today.replace(day=1),
        "meters": list(kinds),
        "fresh": now() - timedelta(seconds=STALE_SECONDS),
    }
    out = dict.fromkeys(product(("bot", "tenant"), ("day", "month"), ("messages", "tokens", "money")), 0)
    for meter, bot_id, first, second, third in db.connection().execute(_COUNTED, known):
        for whose in ("tenant", "bot") if bot_id == own else ("tenant",):
            if meter:
                out[whose, "month", kinds[meter]] += int(first)
                out[whose, "day", kinds[meter]] += int(second)
                continue
            for period in ("day", "month"):
                for kind, held in (("messages", first), ("tokens", second), ("money", third)):
                    out[whose, period, kind] += int(held)
    return out


def _counted_statement() -> Any:
    """Meter, bot, amount of the month, amount of today; and with an empty meter: bot, questions, tokens, money.

    Built once, for every question to a bot with caps passes here; both halves name the tenant of the scope.
    """
    used: Any = UsageRow.__table__.c
    turn: Any = TurnRow.__table__.c
    meters = (
        select(
            used.meter,
            used.bot_id,
            func.sum(used.amount),
            func.sum(case((used.day == bindparam("today"), used.amount), else_=0)),
            literal(0),
        )
        .where(
            used.tenant_id == bindparam("whose"),
            used.day >= bindparam("first"),
            used.meter.in_(bindparam("meters", expanding=True)),
        )
        .group_by(used.meter, used.bot_id)
    )
    running = (
        select(
            literal(""),
            turn.bot_id,
            func.count(turn.id),
            func.sum(turn.tokens_in + turn.tokens_out),
            func.sum(turn.cost),
        )
        .where(
            turn.tenant_id == bindparam("whose"),
            turn.state.in_(LIVE),
            turn.updated_at > bindparam("fresh"),
            turn.error == "",
        )
        .group_by(turn.bot_id)
    )
    return union_all(meters, running)


_COUNTED = _counted_statement()


def _of_session(db: TenantSession, session_id: int, today: date) -> int:
    """Questions of a conversation today that a model was asked, or is being asked."""
    begin = now().replace(hour=0, minute=0, second=0, microsecond=0)
    fresh = TurnRow.updated_at > now() - timedelta(seconds=STALE_SECONDS)
    running = TurnRow.state.in_(LIVE) & fresh
    asked = or_(TurnRow.state == "done", TurnRow.tokens_out > 0, TurnRow.error.in_(ENDED_EARLY), running)
    found = db.scalar(
        select(func.count(TurnRow.id)).where(
            TurnRow.session_id == session_id, TurnRow.created_at >= begin, asked, TurnRow.error != CAPPED
        )
    )
    return int(found or 0)


CAPPED = "quota_exceeded"
"""The error of a turn that a cap kept from a model."""


def begins_anew(name: str, at: datetime) -> int:
    """Seconds until a cap begins anew: tomorrow, or on the first of the next month (UTC)."""
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    first = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    return int(((first if name.startswith("month") else today + timedelta(days=1)) - at).total_seconds()) + 1


def refuse(level: Level) -> QuotaExceeded:
    """The error for a program."""
    return QuotaExceeded(
        "This assistant has reached its limit for now.",
        "try again later, or raise the limit",
        retry_after=begins_anew(level.name, now()),
    )

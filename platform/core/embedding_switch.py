"""Switching the embedding model: a new space is filled beside the old one, then answers move over in one step.

While it fills, questions are ranked in the old space, and new documents get vectors in both. What is filled is what has
no vector yet, so a killed job goes on where it was.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import select, update

from . import audit, jobs
from .clock import now
from .db.records import BackgroundJob
from .db.sources import Document, EmbeddingChoice
from .errors import Conflict, Forbidden, NotFound
from .models import ModelFailed, Region
from .prices import MICRO
from .spaces import Choice, Judged, is_allowed, offered_model, offered_models, read_choice
from .tenancy import TenantSession
from .tenants import Tenant

log = logging.getLogger(__name__)
GRACE_DAYS = 7
"""How long the old space is kept after a switch, to go back to it."""
SLICE_SECONDS = 20.0
"""A job that fills a space lets others go first after so long."""
BATCH_HERE, BATCH_REMOTE = 16, 64
"""Chunks in one call: of a model in this process, and of a provider."""
DELETED_AT_ONCE = 5000
BYTES_PER_TOKEN = 4
"""A rough mean over English, German and Hindi for the tokenizers of today's models."""
AGAIN_AFTER = timedelta(hours=1)
State = Literal["active", "filling", "stopped", "kept", "offered", "forbidden"]


@dataclass(frozen=True)
class SpaceView:
    """One embedding model as a person chooses it. `cost` is in micro-units of the tenant's price table,
    None when it holds no price for the model.
    `done` of `total` passages have vectors in its space; `tokens` and `cost` are an estimate for the rest.
    """

    space: str
    plugin: str
    region: Region
    local: bool
    dimensions: int
    state: State
    done: int
    total: int
    tokens: int
    cost: int | None


@dataclass(frozen=True)
class SwitchView:
    """All of them, and how the switch stands. `active_offered`: whether the space that answers has its model."""

    spaces: list[SpaceView]
    choice: Choice
    active_offered: bool
    spent: int | None
    """What filling has cost so far, by the estimate."""


def estimate_tokens(size: int) -> int:
    """About how many tokens so many bytes of text are."""
    return -(-size // BYTES_PER_TOKEN)


def cost_of(price: int | None, tokens: int) -> int | None:
    """What tokens cost at a price for a million of them."""
    return None if price is None else -(-price * tokens // MICRO)


def describe_switch(tenant: Tenant) -> SwitchView:
    """The models a tenant may choose, with what a switch to each would take, and how a running one stands."""
    choice, stats = read_choice(tenant), tenant.platform.chunks.stats(tenant.id)
    offered = offered_models(tenant)
    active = choice.space or next((m.space.id for m in offered if is_allowed(tenant, m)), "")
    spaces = []
    for model in offered:
        lacking = tenant.platform.chunks.lacking(tenant.id, model.space.id)
        tokens = estimate_tokens(lacking.size)
        spaces.append(
            SpaceView(
                model.space.id,
                model.plugin,
                model.region,
                model.local,
                model.space.dimensions,
                _state(tenant, model, choice, active),
                stats.chunks - lacking.chunks,
                stats.chunks,
                tokens,
                cost_of(model.price, tokens),
            )
        )
    filling = next((m for m in offered if m.space.id == choice.next), None)
    known = any(m.space.id == active for m in offered)
    return SwitchView(spaces, choice, known, cost_of(filling.price, choice.tokens) if filling else None)


def _state(tenant: Tenant, model: Judged, choice: Choice, active: str) -> State:
    if not is_allowed(tenant, model):
        return "forbidden"
    if model.space.id == active:
        return "active"
    if model.space.id == choice.next:
        return "stopped" if choice.error else "filling"
    return "kept" if model.space.id == choice.kept else "offered"


# -- what a person does -------------------------------------------------------------------------------------------


def choose_space(tenant: Tenant, space_id: str) -> None:
    """Begin to fill a space, or go on with it; answers move over when it is complete.

    Raises NotFound, Forbidden when a bot's rule of residency is against it, Conflict when it answers already.
    """
    model = next((m for m in offered_models(tenant) if m.space.id == space_id), None)
    if model is None:
        raise NotFound("There is no such embedding model.", "switch its plugin on", code="embedder_not_found")
    if not is_allowed(tenant, model):
        raise Forbidden(
            "A bot's rule of residency does not allow this embedding model.",
            "change the rule, or choose a model inside of it",
            code="embedder_forbidden",
        )
    pin_space(tenant)
    with tenant.write() as db:
        row = _row(db)
        if row.space == space_id:
            raise Conflict("This embedding model is in use already.", code="embedder_in_use")
        left = row.next_space if row.next_space != space_id else ""
        if row.next_space != space_id:
            row.next_space, row.tokens, row.started_at = space_id, 0, now()
            audit.record(db, audit.current_actor(), "embedding.chosen", space_id)
        row.error = ""
        ring = [*_queue_fill_once(db, space_id), *_queue_drop(db, row, left)]
    tenant.forget("embedding")
    tenant.platform.ring(ring)


def cancel_switch(tenant: Tenant) -> None:
    """Stop filling; what was filled is deleted, and answers stay where they are. Raises Conflict when nothing fills."""
    with tenant.write() as db:
        row = _row(db)
        left = row.next_space
        if not left:
            raise Conflict("No embedding model is being switched to.", code="no_switch")
        row.next_space, row.error, row.started_at = "", "", None
        audit.record(db, audit.current_actor(), "embedding.cancelled", left)
        ring = _queue_drop(db, row, left)
    tenant.platform.ring(ring)


def roll_back(tenant: Tenant) -> None:
    """Answer from the kept space again, at once; what came since is filled in. Raises Conflict when none is kept."""
    kept = read_choice(tenant).kept
    if not kept or offered_model(tenant, kept) is None:
        raise Conflict(
            "There is no embedding model to go back to.", "choose one, its space is filled anew", code="nothing_kept"
        )
    with tenant.write() as db:
        row = _row(db)
        if row.kept_space != kept:
            raise Conflict("The choice was changed meanwhile.", "look again", code="nothing_kept")
        left = row.next_space
        row.space, row.kept_space, row.kept_until = kept, row.space, now() + timedelta(days=GRACE_DAYS)
        row.next_space, row.error = "", ""
        audit.record(db, audit.current_actor(), "embedding.rolled_back", kept)
        ring = [_queue_fill(db, kept), *_queue_drop(db, row, left)]
    tenant.forget("embedding")
    tenant.platform.ring(ring)


def discard_kept(tenant: Tenant) -> None:
    """Delete the kept space. Raises Conflict when none is kept."""
    with tenant.write() as db:
        row = _row(db)
        left = row.kept_space
        if not left:
            raise Conflict("No old embedding space is kept.", code="nothing_kept")
        row.kept_space, row.kept_until = "", None
        audit.record(db, audit.current_actor(), "embedding.discarded", left)
        ring = _queue_drop(db, row, left)
    tenant.platform.ring(ring)


# -- the row ------------------------------------------------------------------------------------------------------


def _row(db: TenantSession) -> EmbeddingChoice:
    """The tenant's row, held until the transaction ends; made when it is missing."""
    row = db.scalar(select(EmbeddingChoice).with_for_update())
    if row is None:
        row = EmbeddingChoice(space="", next_space="", kept_space="", tokens=0, error="")
        db.add(row)
        db.flush()
    return row


def pin_space(tenant: Tenant) -> None:
    """Write down which space answers, the first time that there are vectors: a plugin that is switched on later must
    not take its place."""
    if read_choice(tenant).space:
        return
    model = next((m for m in offered_models(tenant) if is_allowed(tenant, m)), None)
    if model is not None:
        with tenant.write() as db:
            row = _row(db)
            row.space = row.space or model.space.id
        tenant.forget("embedding")


def _queue_fill(db: TenantSession, space_id: str, delay: float = 0.0) -> str:
    return jobs.add_job(db, jobs.FILL, f"fill:{space_id}"[:100], delay=delay, space_id=space_id)


def _queue_fill_once(db: TenantSession, space_id: str) -> list[str]:
    """The job of a space, unless one waits or runs: two at once would send every text twice."""
    known = (BackgroundJob.key == f"fill:{space_id}"[:100], BackgroundJob.state.in_(("queued", "running")))
    return [] if db.scalar(select(BackgroundJob.id).where(*known)) else [_queue_fill(db, space_id)]


def _queue_drop(db: TenantSession, row: EmbeddingChoice, *left: str) -> list[str]:
    """Jobs that delete spaces nobody wants any more."""
    gone = {space for space in left if space not in ("", row.space, row.next_space, row.kept_space)}
    return [jobs.add_job(db, jobs.DROP, f"drop:{space}"[:100], space_id=space) for space in sorted(gone)]


# -- jobs ---------------------------------------------------------------------------------------------------------


def fill_space(tenant: Tenant, space_id: str) -> None:
    """Give every chunk a vector in a space, for some seconds; then let other jobs go first and go on.

    Ends with the switch when nothing is missing any more. Safe to repeat and to be killed. Raises ModelFailed.
    """
    end = time.monotonic() + SLICE_SECONDS
    while True:
        jobs.stop_if_cancelled()
        choice = read_choice(tenant)
        if space_id not in (choice.space, choice.next):
            drop_space(tenant, space_id)
            return
        model = offered_model(tenant, space_id)
        if model is None:
            stop_filling(tenant, space_id, "model_gone")
            return
        try:
            more = _fill_batch(tenant, model)
        except ModelFailed as error:
            if error.trouble != "busy":
                raise
            _go_on(tenant, space_id, delay=max(5.0, float(error.retry_after or 0)))
            return
        if not more:
            _complete(tenant, space_id)
            return
        if time.monotonic() >= end:
            _go_on(tenant, space_id)
            return


def _fill_batch(tenant: Tenant, model: Judged) -> bool:
    """One call to the model; False when nothing was missing."""
    store, space_id = tenant.platform.chunks, model.space.id
    store.ensure_space(model.space)
    missing = store.missing_vectors(tenant.id, space_id, BATCH_HERE if model.local else BATCH_REMOTE)
    if not missing:
        return False
    texts = [text for _, text in missing]
    store.put_vectors(tenant.id, space_id, [ref for ref, _ in missing], model.embed_masked(texts))
    tokens = estimate_tokens(sum(len(text.encode()) for text in texts))
    with tenant.write() as db:
        db.execute(
            update(EmbeddingChoice)
            .where(EmbeddingChoice.next_space == space_id)
            .values(tokens=EmbeddingChoice.tokens + tokens, error="")
        )
    return True


def _go_on(tenant: Tenant, space_id: str, delay: float = 0.0) -> None:
    with tenant.write() as db:
        job = _queue_fill(db, space_id, delay)
    tenant.platform.ring([job])


def _complete(tenant: Tenant, space_id: str) -> None:
    """Move answers over to a filled space, in one transaction; or count anew when it is the one that answers."""
    with tenant.write() as db:
        row = _row(db)
        if space_id not in (row.space, row.next_space):  # cancelled in this moment
            return
        ring: list[str] = []
        if row.next_space == space_id:
            left, old = row.kept_space, row.space
            row.space, row.next_space, row.kept_space, row.error = space_id, "", old, ""
            row.kept_until = now() + timedelta(days=GRACE_DAYS) if old else None
            audit.record(db, audit.current_actor(), "embedding.switched", space_id, tokens=row.tokens)
            ring = _queue_drop(db, row, left)
        db.execute(update(Document).where(Document.state == "searchable").values(vectors=Document.chunks))
    tenant.forget("embedding")
    tenant.platform.ring(ring)


def stop_filling(tenant: Tenant, space_id: str, error: str) -> None:
    """Say why a space is not being filled any more; it can be gone on with."""
    with tenant.write() as db:
        db.execute(update(EmbeddingChoice).where(EmbeddingChoice.next_space == space_id).values(error=error))


def drop_space(tenant: Tenant, space_id: str) -> None:
    """Delete the vectors of a space, as long as nobody wants it. Safe to repeat.

    Each step holds the tenant's row, so that a space that is chosen again in this moment loses nothing.
    """
    while True:
        with tenant.write() as db:
            row = _row(db)
            if space_id in (row.space, row.next_space, row.kept_space):
                return
            gone = tenant.platform.chunks.delete_vectors(tenant.id, space_id, DELETED_AT_ONCE)
        if not gone:
            return


def look_after_spaces(tenant: Tenant) -> None:
    """By the clock: delete a kept space whose time is over, go on with a switch that stopped, and begin one inside the
    house when the model that answered is gone."""
    choice = read_choice(tenant)
    if choice == Choice():
        return
    if choice.kept and choice.kept_until and choice.kept_until <= now():
        with audit.acting("system"):
            discard_kept(tenant)
    if choice.next:
        _resume(tenant, choice)
    elif choice.space and offered_model(tenant, choice.space) is None:
        here = next((m for m in offered_models(tenant) if m.local), None)
        if here is not None:
            log.warning("tenant %s: the embedding model is gone; switching to %s", tenant.slug, here.space.id)
            choose_space(tenant, here.space.id)


def _resume(tenant: Tenant, choice: Choice) -> None:
    """Queue the job of a switch that has none, an hour after it failed at the earliest."""
    if choice.error and choice.changed_at and choice.changed_at > now() - AGAIN_AFTER:
        return
    with tenant.write() as db:
        ring = _queue_fill_once(db, choice.next)
    tenant.platform.ring(ring)

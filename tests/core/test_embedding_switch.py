"""Switching the embedding model while questions are answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import embedding_switch as switch
from webchatagent.core.bots import change_settings
from webchatagent.core.clock import now
from webchatagent.core.db.records import AuditEntry, BackgroundJob
from webchatagent.core.db.sources import Document, EmbeddingChoice
from webchatagent.core.errors import Conflict, Forbidden, NotFound
from webchatagent.core.ingest import embed_missing
from webchatagent.core.models import ModelFailed
from webchatagent.core.prices import MICRO, Price, Prices
from webchatagent.core.registry import Registry
from webchatagent.core.retrieval import retrieve
from webchatagent.core.spaces import embedding_model, read_choice
from webchatagent.core.tenants import change_prices, load_tenant
from webchatagent.jobs.schedule import tick
from webchatagent.jobs.worker import Worker
from webchatagent.testing.fakes import RemoteVectors, WordVectors, embedding_plugin

from ..elastic_node.opened import url_of

WORDS, REMOTE = WordVectors.space.id, "remote@1"
TEXTS = {f"text {n}": f"Shelf {n} holds the {word} lamps." for n, word in enumerate(["blue", "green", "red"])}


def fresh(tenant):
    """The tenant as the next request sees it."""
    return load_tenant(tenant.platform, slug=tenant.slug)


def vectors(tenant):
    return dict(tenant.platform.chunks.stats(tenant.id).vectors)


def offer(platform, *models):
    """Let the plugin offer exactly these models."""
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["embeddings_local"] = (known.manifests["embeddings_local"], embedding_plugin(*models))
    platform.registry = Registry(plugins, known._always)


def failed_now(tenant, kind="fill_space"):
    """Let every job of a kind be due now."""
    with tenant.write() as db:
        db.execute(update(BackgroundJob).where(BackgroundJob.kind == kind).values(run_at=now()))


@pytest.fixture(params=["sqlite", pytest.param("elasticsearch", marks=pytest.mark.service)])
def platform(request, make_platform, tmp_path):
    """A platform over each of the stores."""
    if request.param == "sqlite":
        return make_platform(rate_limits="off")
    request.getfixturevalue("elastic_node")
    return make_platform(rate_limits="off", elasticsearch_url=url_of(tmp_path))


@pytest.fixture
def taught(bot, foreign_bot, remote_vectors, add_texts):
    """A bot with three texts, another tenant's with one, both in the space of words."""
    add_texts(bot, TEXTS)
    add_texts(foreign_bot, {"foreign": "Globex keeps its lamps in the cellar."})
    return bot


def test_the_first_vectors_pin_the_space_that_answers(taught, platform):
    assert read_choice(taught.tenant).space == WORDS
    offer(platform, RemoteVectors("another@1"), WordVectors())  # would come first now
    assert embedding_model(fresh(taught.tenant)).space.id == WORDS


def test_a_space_is_filled_beside_and_answers_move_over(taught, globex, remote_vectors, run_jobs):
    before = retrieve(fresh(taught.tenant), taught.id, "Where are the green lamps?")
    switch.choose_space(taught.tenant, REMOTE)
    assert embedding_model(fresh(taught.tenant)).space.id == WORDS
    run_jobs()
    choice = read_choice(taught.tenant)
    assert (choice.space, choice.next, choice.kept) == (REMOTE, "", WORDS)
    assert embedding_model(fresh(taught.tenant)).space.id == REMOTE
    assert vectors(taught.tenant) == {WORDS: 3, REMOTE: 3}
    after = retrieve(fresh(taught.tenant), taught.id, "Where are the green lamps?")
    assert before.ranked[0].chunk.text == after.ranked[0].chunk.text and "dense" in after.ranked[0].legs
    assert vectors(globex) == {WORDS: 1} and read_choice(globex).space == WORDS
    assert not any("Globex" in text for text in remote_vectors.seen)
    with taught.tenant.read() as db:
        assert list(db.scalars(select(AuditEntry.action).where(AuditEntry.action.like("embedding.%")))) == [
            "embedding.chosen",
            "embedding.switched",
        ]


def test_every_question_is_ranked_in_one_space_while_it_fills(taught, platform, monkeypatch):
    asked = []
    search = type(platform.chunks).search

    def noting(self, tenant_id, bot_id, legs, limit):
        asked.append((legs.space, len(legs.vector)))
        return search(self, tenant_id, bot_id, legs, limit)

    monkeypatch.setattr(type(platform.chunks), "search", noting)
    monkeypatch.setattr(switch, "BATCH_REMOTE", 1)
    monkeypatch.setattr(switch, "SLICE_SECONDS", 0.0)
    switch.choose_space(taught.tenant, REMOTE)
    worker, states = Worker(platform), []
    while worker.run_due():
        states.append(vectors(taught.tenant).get(REMOTE, 0))
        found = retrieve(fresh(taught.tenant), taught.id, "Where are the red lamps?")
        assert found.ranked[0].chunk.text == "Shelf 2 holds the red lamps."
    assert states == [1, 2, 3, 3]
    assert asked == [(WORDS, 64)] * 3 + [(REMOTE, 32)]


def test_what_comes_meanwhile_is_in_both(taught, add_texts, platform, monkeypatch):
    monkeypatch.setattr(switch, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(switch, "BATCH_REMOTE", 1)
    switch.choose_space(taught.tenant, REMOTE)
    Worker(platform).run_due()
    add_texts(taught, {"late": "Shelf 9 holds the yellow lamps."}, "late")
    assert vectors(taught.tenant) == {WORDS: 4, REMOTE: 4} and read_choice(taught.tenant).space == REMOTE


def test_progress_and_cost_are_known_before_and_while(taught, platform, monkeypatch):
    monkeypatch.setattr(switch, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(switch, "BATCH_REMOTE", 1)
    price = 500_000 * MICRO  # so dear that three texts cost something
    change_prices(taught.tenant, Prices(models={REMOTE: Price(tokens_in=price)}))

    def row():
        return next(s for s in switch.describe_switch(fresh(taught.tenant)).spaces if s.space == REMOTE)

    before = row()
    assert (before.state, before.done, before.total) == ("offered", 0, 3)
    assert before.tokens > 15 and before.cost == before.tokens * 500_000
    switch.choose_space(taught.tenant, REMOTE)
    Worker(platform).run_due()
    seen = switch.describe_switch(fresh(taught.tenant))
    assert (row().state, row().done) == ("filling", 1) and 0 < row().tokens < before.tokens
    assert 0 < seen.spent < before.cost


def test_a_cancelled_switch_leaves_nothing(taught, platform, run_jobs, monkeypatch):
    monkeypatch.setattr(switch, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(switch, "BATCH_REMOTE", 1)
    switch.choose_space(taught.tenant, REMOTE)
    Worker(platform).run_due()
    switch.cancel_switch(taught.tenant)
    run_jobs()
    assert vectors(taught.tenant) == {WORDS: 3} and read_choice(taught.tenant).wanted == {WORDS}
    with pytest.raises(Conflict):
        switch.cancel_switch(taught.tenant)


def test_going_back_is_at_once_and_fills_what_came_since(taught, add_texts, run_jobs):
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    add_texts(taught, {"late": "Shelf 9 holds the yellow lamps."}, "late")
    assert vectors(taught.tenant) == {WORDS: 3, REMOTE: 4}
    switch.roll_back(taught.tenant)
    assert embedding_model(fresh(taught.tenant)).space.id == WORDS
    run_jobs()
    assert vectors(taught.tenant) == {WORDS: 4, REMOTE: 4} and read_choice(taught.tenant).kept == REMOTE


def test_the_old_space_goes_by_hand_or_after_its_time(taught, run_jobs, platform):
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    with taught.tenant.write() as db:
        db.execute(update(EmbeddingChoice).values(kept_until=now() - timedelta(seconds=1)))
    tick(platform)
    run_jobs()
    assert vectors(taught.tenant) == {REMOTE: 3} and read_choice(taught.tenant).kept == ""
    with pytest.raises(Conflict):
        switch.roll_back(taught.tenant)
    switch.choose_space(taught.tenant, WORDS)
    run_jobs()
    switch.discard_kept(taught.tenant)
    run_jobs()
    assert vectors(taught.tenant) == {WORDS: 3}


@pytest.mark.parametrize(("rule", "region"), [("house", "eu"), ("eu", "world"), ("house", "world")])
def test_a_rule_of_residency_forbids_a_model_outside_of_it(taught, remote_vectors, rule, region, run_jobs):
    remote_vectors.region = region
    change_settings(taught.tenant, taught.id, residency=rule)
    with pytest.raises(Forbidden):
        switch.choose_space(fresh(taught.tenant), REMOTE)
    assert {s.space: s.state for s in switch.describe_switch(fresh(taught.tenant)).spaces}[REMOTE] == "forbidden"
    run_jobs()
    assert remote_vectors.seen == []


def test_a_rule_that_comes_later_ends_every_call(taught, add_texts, remote_vectors, run_jobs, platform):
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    switch.discard_kept(taught.tenant)
    change_settings(taught.tenant, taught.id, residency="house")
    remote_vectors.seen.clear()
    add_texts(taught, {"late": "Shelf 9 holds the yellow lamps."}, "late")
    found = retrieve(fresh(taught.tenant), taught.id, "Where are the yellow lamps?")
    assert found.ranked[0].chunk.text.startswith("Shelf 9") and remote_vectors.seen == []
    tick(platform)  # the model in the house takes over
    run_jobs()
    assert read_choice(taught.tenant).space == WORDS and remote_vectors.seen == []


def test_a_provider_that_is_busy_is_waited_for(taught, remote_vectors, run_jobs):
    remote_vectors.failures = [ModelFailed("busy", "Busy.", retry_after=120)]
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    with taught.tenant.read() as db:
        waiting = db.scalar(
            select(BackgroundJob).where(BackgroundJob.kind == "fill_space", BackgroundJob.state == "queued")
        )
    assert timedelta(seconds=100) < waiting.run_at - now() < timedelta(seconds=121)
    failed_now(taught.tenant)
    run_jobs()
    assert read_choice(taught.tenant).space == REMOTE


def test_a_provider_that_fails_stops_the_switch_and_it_can_go_on(taught, remote_vectors, run_jobs):
    remote_vectors.failures = [ModelFailed("key", "The key is refused.") for _ in range(3)]
    switch.choose_space(taught.tenant, REMOTE)
    for _ in range(3):
        run_jobs()
        failed_now(taught.tenant)
    choice = read_choice(taught.tenant)
    assert (choice.space, choice.next, choice.error) == (WORDS, REMOTE, "model_failed")
    assert retrieve(fresh(taught.tenant), taught.id, "Where are the red lamps?").relevant
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    assert read_choice(taught.tenant).space == REMOTE


def test_a_model_that_is_gone_is_followed_by_one_in_the_house(taught, platform, run_jobs):
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    switch.discard_kept(taught.tenant)
    offer(platform, WordVectors())
    assert embedding_model(fresh(taught.tenant)) is None
    assert retrieve(fresh(taught.tenant), taught.id, "Where are the red lamps?").ranked
    tick(platform)
    run_jobs()
    assert embedding_model(fresh(taught.tenant)).space.id == WORDS and vectors(taught.tenant)[WORDS] == 3


def test_what_cannot_be_chosen(taught, globex):
    with pytest.raises(NotFound):
        switch.choose_space(taught.tenant, "nobody@1")
    with pytest.raises(Conflict):
        switch.choose_space(taught.tenant, WORDS)
    with pytest.raises(Conflict):
        switch.roll_back(globex)


def test_choosing_twice_is_one_switch_and_another_takes_its_place(taught, platform, run_jobs):
    third = RemoteVectors("third@1", 16)
    offer(platform, WordVectors(), RemoteVectors(), third)
    switch.choose_space(taught.tenant, REMOTE)
    switch.choose_space(taught.tenant, REMOTE)
    with taught.tenant.read() as db:
        assert len(list(db.scalars(select(BackgroundJob).where(BackgroundJob.kind == "fill_space")))) == 1
    switch.choose_space(taught.tenant, "third@1")
    run_jobs()
    assert vectors(taught.tenant) == {WORDS: 3, "third@1": 3} and read_choice(taught.tenant).space == "third@1"


def test_after_a_switch_every_document_counts_as_complete(taught, run_jobs):
    switch.choose_space(taught.tenant, REMOTE)
    run_jobs()
    with taught.tenant.read() as db:
        assert {(d.chunks, d.vectors) for d in db.scalars(select(Document))} == {(1, 1)}
    assert embed_missing(fresh(taught.tenant)) == []

"""Websites are read anew by the clock, and when they say that they were published."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import sources
from webchatagent.core.clock import now
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Source
from webchatagent.core.plugin_jobs import start_regular_jobs
from webchatagent.core.plugins import configure
from webchatagent.core.tenants import load_tenant
from webchatagent.jobs import handlers
from webchatagent.web.app import create_public

KEY = "a key of thirty-two characters 01"


def website(bot, hours: float) -> int:
    """A website that was read so long ago."""
    source_id = sources.ensure_source(bot.tenant, bot.id, "website", f"https://{bot.tenant.slug}.example/")
    with bot.tenant.write() as db:
        db.execute(update(Source).where(Source.id == source_id).values(synced_at=now() - timedelta(hours=hours)))
    return source_id


def queued(tenant) -> list[int]:
    """The sources that wait to be read."""
    with tenant.read() as db:
        rows = db.scalars(select(BackgroundJob.arguments).where(BackgroundJob.kind == "sync_source"))
        return [row["source_id"] for row in rows]


def by_the_clock(tenant) -> None:
    """What the schedule and a worker do."""
    handlers.run(load_tenant(tenant.platform, slug=tenant.slug), "website.refresh", {})


def test_only_what_is_old_is_read_anew_and_only_once(bot, foreign_bot):
    old, foreign = website(bot, 25), website(foreign_bot, 23)
    by_the_clock(bot.tenant)
    by_the_clock(bot.tenant)
    by_the_clock(foreign_bot.tenant)
    assert queued(bot.tenant) == [old] and queued(foreign_bot.tenant) == [] and foreign


def test_one_that_fails_is_tried_again_a_day_later_and_not_in_a_quarter_of_an_hour(bot):
    source_id = website(bot, 25)
    by_the_clock(bot.tenant)
    for hours, expected in ((1, 1), (25, 2)):
        with bot.tenant.write() as db:
            db.execute(update(BackgroundJob).values(state="failed", created_at=now() - timedelta(hours=hours)))
        by_the_clock(bot.tenant)
        assert queued(bot.tenant) == [source_id] * expected


@pytest.mark.parametrize(("hours", "expected"), [(0, 0), (48, 0), (2, 1)])
def test_a_tenant_says_how_often(bot, hours, expected):
    website(bot, 25)
    configure(bot.tenant, "website", {"refresh_hours": hours})
    by_the_clock(bot.tenant)
    assert len(queued(bot.tenant)) == expected


def test_the_clock_starts_it(bot):
    start_regular_jobs(bot.tenant)
    with bot.tenant.read() as db:
        assert "website.refresh" in set(db.scalars(select(BackgroundJob.kind)))


@pytest.fixture
def publish(platform, bot, foreign_bot):
    configure(bot.tenant, "website", {"publish_key": KEY})
    client = create_public(platform).test_client()

    def send(slug: str = "acme", key: str = KEY):
        return client.post(f"/x/website/{slug}/published", headers={"Authorization": f"Bearer {key}"})

    return send


def test_a_site_that_was_published_is_read_at_once(bot, publish):
    source_id = website(bot, 1)
    first, again = publish(), publish()
    assert (first.status_code, first.json, again.json) == (202, {"queued": 1}, {"queued": 0})
    assert queued(bot.tenant) == [source_id]


@pytest.mark.parametrize(("slug", "key"), [("acme", "wrong"), ("acme", ""), ("globex", KEY), ("globex", "")])
def test_without_the_tenants_own_key_nothing_is_read(bot, foreign_bot, publish, slug, key):
    website(bot, 1), website(foreign_bot, 1)
    answer = publish(slug, key)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "key_wrong")
    assert queued(bot.tenant) == queued(foreign_bot.tenant) == []

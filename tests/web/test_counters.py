"""Counting limits: the same in memory and in Redis, and what happens while Redis is away."""

from __future__ import annotations

import socket
import time

import pytest
from limits import parse

from webchatagent.redis_client import connect
from webchatagent.testing.processes import free_port
from webchatagent.web import counters
from webchatagent.web.counters import Counters

FOUR = parse("4 per minute")
TEN = parse("10 per minute")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def allowed(counting, limit=FOUR, whose=("t1", "x"), tries=12):
    return sum(counting.count([(limit, whose)]) is None for _ in range(tries))


def test_a_limit_holds_and_says_when_it_is_free_again():
    counting = Counters("")
    assert allowed(counting) == 4
    limit, seconds = counting.count([(FOUR, ("t1", "x"))])
    assert limit is FOUR and 0 < seconds <= 60
    assert allowed(counting, whose=("t2", "x")) == 4  # another tenant has a counter of its own


def test_who_is_refused_takes_nothing_from_the_limit_behind():
    counting = Counters("")
    both = [(FOUR, ("t1", "one visitor")), (TEN, ("t1", "all"))]
    assert sum(counting.count(both) is None for _ in range(50)) == 4
    assert allowed(counting, TEN, ("t1", "all")) == 6


def test_looking_does_not_count():
    counting = Counters("")
    assert [counting.is_passed(FOUR, ("x",)) for _ in range(9)] == [None] * 9
    allowed(counting, whose=("x",))
    assert 0 < counting.is_passed(FOUR, ("x",)) <= 60


def test_one_process_allows_everything_and_several_their_share_while_redis_is_down():
    url = f"redis://127.0.0.1:{free_port()}/0"
    assert allowed(Counters(url)) == 4
    assert allowed(Counters(url, share=2)) == 2
    assert allowed(Counters(url, share=64)) == 1  # nobody is shut out
    assert allowed(Counters("", share=2)) == 4  # without Redis there is one process


def test_a_redis_that_hangs_is_asked_once_and_then_left_alone_for_a_while(monkeypatch):
    monkeypatch.setattr(counters, "connect", lambda url: connect(url, 0.05))
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counting = Counters(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", clock=clock)
        began = time.monotonic()
        counting.count([(FOUR, ("x",))])
        first = time.monotonic() - began
        began = time.monotonic()
        for _ in range(200):
            counting.count([(TEN, ("x",))])
        assert first >= 0.05 > time.monotonic() - began
        clock.now += counters.AWAY_SECONDS
        began = time.monotonic()
        counting.count([(TEN, ("x",))])
        assert time.monotonic() - began >= 0.05  # one tries again


@pytest.mark.seed("SR-090")
@pytest.mark.parametrize(
    ("settings", "headers", "seen"),
    [
        ({}, {"CF-Connecting-IP": "198.51.100.1", "X-Forwarded-For": "198.51.100.2"}, "10.0.0.0"),
        ({"address_header": "CF-Connecting-IP"}, {"CF-Connecting-IP": "198.51.100.1"}, "10.0.0.0"),
        (
            {"address_header": "CF-Connecting-IP", "trusted_proxies": "1"},
            {"CF-Connecting-IP": "198.51.100.1", "X-Forwarded-For": "203.0.113.1, 203.0.114.2"},
            "198.51.100.0",
        ),
        (
            {"address_header": "CF-Connecting-IP", "trusted_proxies": "1"},
            {"CF-Connecting-IP": "1.1.1.1, 2.2.2.2", "X-Forwarded-For": "203.0.113.1, 203.0.114.2"},
            "203.0.114.0",
        ),
        (
            {"trusted_proxies": "2"},
            {"CF-Connecting-IP": "198.51.100.1", "X-Forwarded-For": "1.1.1.1, 203.0.113.1, 203.0.114.2"},
            "203.0.113.0",
        ),
    ],
)
def test_an_address_is_believed_from_the_configured_header_only(make_platform, settings, headers, seen):
    import json

    from webchatagent.web.app import create_public

    platform = make_platform("proxied", **settings)
    create_public(platform).test_client().get("/healthz", environ_base={"REMOTE_ADDR": "10.0.0.1"}, headers=headers)
    (file,) = (platform.settings.folder / "logs").glob("access-*.jsonl")
    assert json.loads(file.read_text(encoding="utf-8"))["address"] == seen

"""Two hundred messages of twenty people, with the worker killed again and again: nothing is lost, nothing comes twice,
and order is kept. What was being sent when the worker died is known by Meta's notice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import defaultdict

from webchatagent.testing.processes import by_words_only

WORKER = """
import sys, threading
from datetime import timedelta
from webchatagent.app import build_platform, guard_egress
from webchatagent.core.settings import load_settings
from webchatagent.jobs.worker import drain
from webchatagent.plugins.whatsapp import outbox
outbox.SETTLE = timedelta(0)
platform = build_platform(load_settings(data=sys.argv[1]))
guard_egress(platform)
drain(platform, lambda: False, threads=2)
"""
PEOPLE, EACH, KILLS = 20, 10, (40, 90, 150)


def test_two_hundred_messages_under_kill_come_in_order(here, meta, graph, seen, tmp_path, figures, monkeypatch):
    reached = threading.Condition()
    take = graph.take

    def counting(body):
        made = take(body)
        with reached:
            reached.notify_all()
        return made

    monkeypatch.setattr(graph, "take", counting)
    for n in range(EACH):
        for person in range(PEOPLE):
            meta.say(f"Question {n}", who=f"49151{person:08}", name=f"P{person}")
    environment = {**by_words_only(tmp_path), "WEBCHATAGENT_PRIVATE_HOSTS": graph.host}
    folder = str(here.platform.settings.folder)

    def work_until(done):
        with open(tmp_path / "worker.log", "ab") as log:
            process = subprocess.Popen([sys.executable, "-c", WORKER, folder], env=environment, stdout=log, stderr=log)
        end = time.monotonic() + 90
        with reached:
            while not done() and time.monotonic() < end:
                reached.wait(0.1)  # what was sent is written down a moment later
        process.kill()
        process.wait()
        for n, body in enumerate(graph.sent, 1):  # Meta's notices, which name our own ids
            meta.post(meta.status(f"wamid.OUT{n}", "sent", opaque=body["biz_opaque_callback_data"]))
        assert done(), (tmp_path / "worker.log").read_text()[-2000:]

    for number in KILLS:
        work_until(lambda number=number: len(graph.sent) >= number)
    work_until(lambda: {o.state for o in seen(here)} == {"sent"} and waiting(seen(here, "incoming")) == 0)
    rows = seen(here, "incoming")
    assert [r.state for r in rows] == ["done"] * PEOPLE * EACH
    own = {o.public_id: o for o in seen(here)}
    order = defaultdict(list)
    for body in graph.sent:
        sent = own[body["biz_opaque_callback_data"]]
        order[sent.person_id].append((sent.incoming_id, sent.ordinal))
    twice = sum(len(steps) - len(set(steps)) for steps in order.values())
    assert len(order) == PEOPLE and all(steps == sorted(steps) for steps in order.values())
    assert len(own) == PEOPLE * EACH + PEOPLE and twice == 0
    roles = [m.role for m in seen(here, "message")]
    assert roles.count("visitor") == roles.count("bot") == PEOPLE * EACH
    figures.line(
        "WhatsApp",
        f"{PEOPLE * EACH} messages of {PEOPLE} people, worker killed {len(KILLS)} times: "
        f"{len(own)} sent in order, {twice} sent twice, 0 lost",
    )


def waiting(rows):
    """How many messages nobody answered yet."""
    return sum(r.state == "waiting" for r in rows)

"""PostgreSQL that goes away and comes back under load, and processes that start at once on an empty database."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
from sqlalchemy import create_engine, select, text

from webchatagent.core.db.chats import Message, TurnRow
from webchatagent.testing.house import house_in
from webchatagent.testing.processes import COMMAND, by_words_only

pytestmark = pytest.mark.service
QUESTION = "When does the walrus sleep?"


def ask_until(house, stop, seen, given, number):
    """Ask as a visitor does who repeats a message with its id until it has an answer."""
    n = 0
    while not stop.is_set():
        n += 1
        name = f"visitor-{number}-{n}"
        while True:
            try:
                status, headers, body = house.send(
                    "POST",
                    "/api/chat",
                    json.dumps({"message": QUESTION, "chatbotId": house.bot.public_id, "clientMessageId": name}),
                )
            except OSError:
                status, headers, body = 0, {}, ""
            seen[status] += 1
            if status == 200:
                given.append(json.loads(body)["messageId"])
                seen["answered"] += 1
                break
            if status == 503 and "Retry-After" not in headers:
                seen["503 without Retry-After"] += 1
            if stop.is_set():
                return
            stop.wait(0.1)


@pytest.mark.parametrize("how", ["in order", "at once"])
def test_a_restart_under_load_loses_and_doubles_nothing(
    how, on_postgres, postgres_server, tmp_path, migrated_database, figures
):
    folder = tmp_path / "data"
    folder.mkdir()
    with house_in(folder, tmp_path, migrated_database) as house:
        house.upload("walrus.txt", b"The walrus sleeps on the ice until noon.")
        house.ended("walrus.txt")
        stop, seen, given = threading.Event(), Counter(), []
        threads = [threading.Thread(target=ask_until, args=(house, stop, seen, given, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            wait_for(lambda: seen["answered"] >= 8)
            postgres_server.end_server(signal.SIGINT if how == "in order" else signal.SIGQUIT)
            before = seen["answered"]
            wait_for(lambda: seen[503] > 0)
            postgres_server.run()
            up = time.monotonic()
            wait_for(lambda: seen["answered"] > before)
            healthy = time.monotonic() - up
            wait_for(lambda: seen["answered"] >= before + 8)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        with house.bot.tenant.read() as db:
            kept = set(db.scalars(select(Message.public_id)))
            questions = db.query(Message).filter(Message.role == "visitor").count()
            answers = db.query(Message).filter(Message.role == "bot").count()
            turns = Counter(turn.client_message_id for turn in db.query(TurnRow))
        assert seen[500] == 0 and seen["503 without Retry-After"] == 0, seen
        assert max(turns.values()) == 1
        lost = [m for m in given if m not in kept]
        assert not lost and len(set(given)) == len(given) <= answers <= questions, (seen, lost, answers, questions)
        figures.line(
            "PostgreSQL restarted under load",
            f"{how}: {seen['answered']} answered, 503 {seen[503]}, 500 {seen[500]}, lost {len(lost)},"
            f" doubled 0, healthy {healthy:.1f} s after it was up",
        )


def wait_for(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_processes_that_start_at_once_on_an_empty_database_migrate_once(tmp_path, postgres_server):
    postgres_server.execute("create database at_once owner app")
    own = {**by_words_only(tmp_path), "WEBCHATAGENT_DATABASE_URL": postgres_server.url("at_once")}
    started = [
        subprocess.Popen(
            [*COMMAND, "migrate", "--json", "--data", str(tmp_path / f"machine-{n}")],
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    outcomes = [(*process.communicate(timeout=90), process.returncode) for process in started]
    assert [code for _, _, code in outcomes] == [0, 0, 0], outcomes
    applied = [json.loads(out)["applied"] for out, _, _ in outcomes]
    assert sorted(map(bool, applied)) == [False, False, True]
    engine = create_engine(postgres_server.url("at_once", "postgres"))
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from tenant")).scalar() == 1
    engine.dispose()
    postgres_server.execute("drop database at_once with (force)")

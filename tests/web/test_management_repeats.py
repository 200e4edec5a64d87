"""A request that is sent again with its idempotency key is done once."""

from __future__ import annotations

import io
import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from webchatagent.core import replies
from webchatagent.core.clock import now
from webchatagent.core.db.access import StoredReply
from webchatagent.core.db.records import AuditEntry


@pytest.fixture
def who(program, acme):
    """A program of the first tenant that may do everything."""
    return program(acme)


def text(name, body="The shop opens at nine in the morning."):
    return {"id": name, "text": body}


def key(name=None):
    return {"Idempotency-Key": name or str(uuid.uuid4())}


def test_a_repeated_request_is_done_once_and_answered_alike(who, acme):
    headers, body = key(), {"slug": "shop", "name": "Shop"}
    first, again = (who.post("/bots", json=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201 and first.get_json() == again.get_json()
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert len(who.get("/bots").get_json()["data"]) == 1
    with acme.read() as db:
        assert len([e for e in db.scalars(select(AuditEntry)) if e.action == "bot.created"]) == 1


def test_another_request_under_the_same_key_is_refused(who, bot):
    headers = key()
    who.post("/bots", json={"slug": "a", "name": "A"}, headers=headers)
    for answer in (
        who.post("/bots", json={"slug": "b", "name": "A"}, headers=headers),
        who.post(f"/bots/{bot.public_id}/documents", json=text("x"), headers=headers),
    ):
        assert answer.status_code == 422 and answer.get_json()["error"]["code"] == "idempotency_key_reused"


def test_an_upload_is_the_same_whatever_its_borders(who, bot):
    headers = key()
    send = lambda body: who.post(  # noqa: E731
        f"/bots/{bot.public_id}/files", data={"file": (io.BytesIO(body), "a.md")}, headers=headers
    )
    first, again, other = send(b"# One"), send(b"# One"), send(b"# Two")
    assert first.status_code == 202 and again.headers["Idempotency-Replayed"] == "true"
    assert other.get_json()["error"]["code"] == "idempotency_key_reused"


def test_what_failed_may_be_tried_again_under_the_same_key(who, acme):
    headers = key()
    assert who.post("/bots", json={"slug": "x" * 70, "name": "X"}, headers=headers).status_code == 422
    who.post("/bots", json={"slug": "a", "name": "A"})
    taken = who.post("/bots", json={"slug": "a", "name": "A"}, headers=headers)
    assert taken.status_code == 409
    assert who.post("/bots", json={"slug": "b", "name": "B"}, headers=headers).status_code == 201


def test_two_programs_do_not_share_their_keys(who, program, acme, globex):
    headers, body = key(), {"slug": "shop", "name": "Shop"}
    assert who.post("/bots", json=body, headers=headers).status_code == 201
    assert program(acme).post("/bots", json=body, headers=headers).status_code == 409  # done anew: the slug is taken
    foreign = program(globex).post("/bots", json=body, headers=headers)
    assert foreign.status_code == 201 and "Idempotency-Replayed" not in foreign.headers


def test_the_same_request_twice_at_once_is_done_once(platform, who, acme):
    from webchatagent.web.app import create_public

    app, headers, answers = create_public(platform), key(), []
    start = threading.Barrier(4)

    def send():
        start.wait()
        headers_ = {"Authorization": f"Bearer {who.key}", **headers}
        answers.append(app.test_client().post("/api/v1/bots", json={"slug": "shop", "name": "S"}, headers=headers_))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    codes = sorted(a.status_code for a in answers)
    assert set(codes) <= {201, 409} and codes[0] == 201
    assert all(a.get_json()["error"]["code"] == "request_in_progress" for a in answers if a.status_code == 409)
    assert len(who.get("/bots").get_json()["data"]) == 1


def test_a_request_that_is_being_served_says_so_and_one_that_died_is_taken_up(who, monkeypatch):
    headers, body = key(), {"slug": "shop", "name": "Shop"}
    with monkeypatch.context() as patch:
        patch.setattr(replies, "finish", lambda *_: None)  # the process is gone before it could note the answer
        who.post("/bots", json=body, headers=headers)
    busy = who.post("/bots", json=body, headers=headers)
    assert busy.status_code == 409 and busy.headers["Retry-After"] == "1"
    later = now() + timedelta(minutes=6)
    monkeypatch.setattr(replies, "now", lambda: later)
    assert who.post("/bots", json={"slug": "other", "name": "O"}, headers=headers).status_code == 201


def test_an_answer_is_forgotten_after_a_day(who, acme):
    who.post("/bots", json={"slug": "shop", "name": "Shop"}, headers=key())
    assert replies.purge_replies(acme, now()) == 0
    assert replies.purge_replies(acme, now() + timedelta(hours=25)) == 1
    with acme.read() as db:
        assert db.scalar(select(StoredReply.id)) is None


@pytest.mark.parametrize("name", ["", "x" * 256, "a\tb"])
def test_an_odd_idempotency_key_is_refused(who, name):
    answer = who.post("/bots", json={"slug": "a", "name": "A"}, headers={"Idempotency-Key": name})
    assert answer.status_code == 422 and answer.get_json()["error"]["field"] == "Idempotency-Key"

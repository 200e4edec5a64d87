"""The officer's page of requests: take one that came by mail, see where the person is, do it, keep the receipt."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import select

from webchatagent.core.db.chats import Contact
from webchatagent.core.db.desk import RightsRequest

PERSON = "acme-only@example.com"


def newest(house: Any) -> RightsRequest:
    """The request that was filed last."""
    with house.acme.read() as db:
        return db.scalars(select(RightsRequest).order_by(RightsRequest.id.desc())).first()


def test_an_access_request_is_answered_with_a_copy(house: Any) -> None:
    officer = house.browser("privacy@example.org")
    assert "Nobody asked" not in officer.get("/requests/").text
    assert (
        "name@example.org"
        in officer.post("/requests/add", {"email": "none", "kind": "export", "received": "2026-01-02"}).text
    )
    answer = officer.post("/requests/add", {"email": PERSON, "kind": "export", "received": "2026-01-02"})
    assert answer.status_code == 302
    row = newest(house)
    page = officer.get(f"/requests/{row.id}").text
    assert "contacts" in page and "Overdue" in officer.get("/requests/").text
    copy = officer.get(f"/requests/{row.id}/copy.json")
    assert "attachment" in copy.headers["Content-Disposition"]
    found = json.loads(copy.text)
    assert found["complete"] and "ACME-ONLY-CONTACT" in copy.text and "GLOBEX-ONLY" not in copy.text
    assert officer.post(f"/requests/{row.id}/settle").status_code == 302
    page = officer.get(f"/requests/{row.id}").text
    assert "Receipt" in page and PERSON not in page


def test_erasing_leaves_a_receipt_and_nobody_else_is_touched(house: Any) -> None:
    officer = house.browser("privacy@example.org")
    officer.get("/requests/")
    officer.post("/requests/add", {"email": PERSON, "kind": "erase", "received": "2026-01-02"})
    row = newest(house)
    assert "cannot be undone" in officer.get(f"/requests/{row.id}").text
    officer.post(f"/requests/{row.id}/settle")
    assert newest(house).state == "done" and newest(house).receipt["core"]["done"]["contacts"] == 1
    with house.acme.read() as db:
        assert not [c for c in db.scalars(select(Contact)) if c.email.lower() == PERSON]
    with house.globex.read() as db:
        assert [c.name for c in db.scalars(select(Contact))] == ["GLOBEX-ONLY-CONTACT"]


def test_a_refusal_needs_its_reason(house: Any) -> None:
    officer = house.browser("privacy@example.org")
    officer.get("/requests/")
    officer.post("/requests/add", {"email": PERSON, "kind": "object", "received": "2026-01-02"})
    row = newest(house)
    officer.post(f"/requests/{row.id}/refuse", {"reason": ""})
    assert newest(house).state == "open" and re.search("say why", officer.get(f"/requests/{row.id}").text, re.I)
    officer.post(f"/requests/{row.id}/refuse", {"reason": "Nobody proved who it is."})
    assert newest(house).state == "refused"
    assert "Nobody proved" in officer.get(f"/requests/{row.id}").text

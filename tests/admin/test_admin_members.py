"""Members, their roles, and invitations by a link from a mail."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from webchatagent.admin import accounts, members
from webchatagent.core import mail
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import Invitation, OutboxMail
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.errors import Conflict, InvalidRequest

PASSWORD = "a long enough secret"


@pytest.fixture(scope="module")
def owner(house: Any) -> Any:
    """The owner of the first tenant."""
    return house.browser("owner@example.org")


def invite(house: Any, owner: Any, email: str, role: str = "editor") -> str:
    """Invite by the form; returns the path of the link in the mail."""
    owner.get("/members/")
    assert owner.post("/members/invite", {"email": email, "role": role}).status_code == 302
    with house.acme.read() as db:
        row = db.query(OutboxMail).order_by(OutboxMail.id.desc()).first()
    assert row.recipient == email.lower()
    _, text = mail.read_mail(house.acme, row.id)
    found = re.search(r"http://localhost/admin(/invitation/[\w-]{43})", text)
    assert found
    return found[1]


def role_of(house: Any, email: str) -> str | None:
    """A person's role in the first tenant."""
    return {m.email: m.role for m in members.list_members(house.acme)}.get(email)


def last_entry(house: Any) -> AuditEntry:
    """The latest entry of the first tenant's audit trail."""
    with house.acme.read() as db:
        return db.query(AuditEntry).order_by(AuditEntry.id.desc()).first()


def test_somebody_new_joins_with_a_password(house: Any, owner: Any) -> None:
    link = invite(house, owner, "Fresh@Example.com")
    assert last_entry(house).action == "member.invited"
    guest = house.browser()
    page = guest.get(link)
    assert "fresh@example.com" in page.text and "Editor" in page.text
    assert "longer password" in guest.post(link, {"new": "short"}).text
    assert "longer password" in guest.post(link, {"new": "fresh123456789"}).text
    assert guest.post(link, {"new": PASSWORD}).status_code == 302
    assert "ACME-ONLY Help" in guest.get("/").text
    assert role_of(house, "fresh@example.com") == "editor"
    assert last_entry(house).action == "member.joined"
    assert house.browser().get(link).status_code == 404, "it works once"


def test_somebody_with_an_account_signs_in_to_join(house: Any, owner: Any) -> None:
    link = invite(house, owner, "owner@example.net", "viewer")
    guest = house.browser()
    page = guest.get(link).text
    assert f"/admin/login/?next=/admin{link}" in page and 'name="new"' not in page
    guest.post(link, {"new": PASSWORD})
    assert role_of(house, "owner@example.net") is None, "the link alone opens no account that exists"
    other = house.browser("editor@example.org")
    assert "Sign out first" in other.get(link).text
    other.post(link)
    assert role_of(house, "owner@example.net") is None
    invited = house.browser("owner@example.net")
    invited.get(link)
    assert invited.post(link).status_code == 302
    assert role_of(house, "owner@example.net") == "viewer"
    assert "ACME-ONLY Help" in invited.get("/").text
    members.remove_member(house.acme, accounts.find_user(house.platform, "owner@example.net"))
    assert "ACME-ONLY" not in invited.get("/").text, "removal counts at once"


def test_links_that_ended_open_nothing(house: Any, owner: Any) -> None:
    link = invite(house, owner, "late@example.com")
    with house.acme.write() as db:
        db.query(Invitation).filter_by(email="late@example.com").one().expires_at = now() - timedelta(seconds=1)
    second = invite(house, owner, "twice@example.com")
    third = invite(house, owner, "twice@example.com", "viewer")
    with house.acme.read() as db:
        number = db.query(Invitation).filter_by(email="twice@example.com").one().id
    for dead in (link, second, "/invitation/" + "x" * 43, "/invitation/x"):
        answer = house.browser().get(dead)
        assert answer.status_code == 404 and "ask for a new one" in answer.text, dead
    assert house.browser().get(third).status_code == 200
    assert owner.post(f"/members/invitations/{number}/withdraw").status_code == 302
    assert house.browser().get(third).status_code == 404


def test_an_invitation_is_refused_with_a_reason_at_its_field(house: Any, owner: Any) -> None:
    owner.get("/members/")
    assert (
        "is a member already" in owner.post("/members/invite", {"email": "Viewer@example.org", "role": "editor"}).text
    )
    assert "name@example.org" in owner.post("/members/invite", {"email": "no address", "role": "editor"}).text
    assert owner.post("/members/invite", {"email": "x@example.com", "role": "operator"}).status_code == 200
    with pytest.raises(InvalidRequest):
        members.invite_member(house.acme, "x@example.com", "operator", inviter="x", base="http://localhost/")
    with house.acme.read() as db:
        assert not db.query(Invitation).filter_by(email="x@example.com").count()


def test_roles_change_and_the_last_owner_stays(house: Any, owner: Any) -> None:
    owner.get("/members/")
    agent = accounts.find_user(house.platform, "agent@example.org")
    me = accounts.find_user(house.platform, "owner@example.org")
    owner.post(f"/members/{agent}/change", {"role": "viewer"})
    assert role_of(house, "agent@example.org") == "viewer"
    entry = last_entry(house)
    assert (entry.actor, entry.action, entry.detail) == (
        f"user:{me}",
        "member.role_changed",
        {"from": "agent", "to": "viewer"},
    )
    owner.post(f"/members/{agent}/change", {"role": "agent"})
    for path, form in ((f"/members/{me}/change", {"role": "viewer"}), (f"/members/{me}/remove", {})):
        assert "needs an owner" in owner.post(path, form, follow_redirects=True).text
    assert role_of(house, "owner@example.org") == "owner"
    with pytest.raises(InvalidRequest):
        members.change_role(house.acme, agent, "operator")


def test_a_tenant_cannot_mail_the_world(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_OPEN", len(members.list_invitations(house.globex)))
    with pytest.raises(Conflict):
        members.invite_member(house.globex, "one@example.com", "viewer", inviter="x", base="http://localhost/")


def test_markup_in_names_and_addresses_stays_text(house: Any, owner: Any) -> None:
    row = members.invite_member(
        house.acme,
        "x@example.com",
        "viewer",
        inviter='<b onclick="x">\r\nBcc: all@example.com',
        base="http://localhost/",
    )
    with house.acme.read() as db:
        number = db.query(OutboxMail).order_by(OutboxMail.id.desc()).first().id
    page = owner.get(f"/outbox/{number}").text
    assert "<b onclick" not in page and "&lt;b onclick" in page
    assert row.email == "x@example.com"


def test_an_invitation_reaches_all_of_it_in_the_language_of_the_tenant(house: Any) -> None:
    with house.globex.read() as db:
        found = db.query(OutboxMail).first()
    assert "lädt Sie zu Globex ein" in found.subject
    assert "Nur lesen" in mail.read_mail(house.globex, found.id)[1]


def test_the_operator_locks_an_account_and_its_sessions_end(house: Any) -> None:
    browser, root = house.browser("privacy@example.org"), house.browser("root@example.org")
    number = accounts.find_user(house.platform, "privacy@example.org")
    root.get("/people/?q=privacy@")
    root.post(f"/people/{number}/active", {"active": "no"})
    assert browser.get("/").status_code == 302
    assert "do not match" in house.browser().login("privacy@example.org").text
    assert "Locked" in root.get("/people/?q=privacy@").text
    root.post(f"/people/{number}/active", {"active": "yes"})
    assert house.browser().login("privacy@example.org").status_code == 302
    me = accounts.find_user(house.platform, "root@example.org")
    assert "lock yourself out" in root.post(f"/people/{me}/active", {"active": "no"}, follow_redirects=True).text

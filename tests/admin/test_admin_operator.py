"""What only the operator does: notices to everybody, recipients, plugins for all, health with its repairs."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.admin.accounts import count_active, create_user, find_user, set_active
from webchatagent.admin.leaving import delete_account
from webchatagent.core import consents
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.chats import Contact
from webchatagent.core.db.operating import NoticeRecipient, ServiceNotice
from webchatagent.core.db.records import ConsentRecord
from webchatagent.core.privacy import Subject
from webchatagent.core.tenants import create_tenant, load_tenant, operator_tenant

PASSWORD = "a long enough secret"
TEXTS = {"subject_en": "New limits", "body_en": "From May on.", "subject_de": "Neue Grenzen", "body_de": "Ab Mai."}
FORM = {"purpose": "every", "received": "2026-01-02", "proof": "mailbox privacy, ticket 4711"}


@pytest.fixture
def root(house: Any) -> Any:
    """The operator."""
    return house.browser("root@example.org")


def mailed(house: Any) -> list[str]:
    """The addresses that got a notice."""
    with operator_tenant(house.platform).read() as db:
        return sorted(db.scalars(select(OutboxMail.recipient).where(OutboxMail.kind == "service_notice")))


@pytest.mark.seed("SR-032")
def test_a_notice_goes_once_to_each_active_account(house: Any, root: Any) -> None:
    locked, _ = create_user(house.platform, "locked@example.org", tenant=house.acme, role="viewer", password=PASSWORD)
    leaving, _ = create_user(house.platform, "leaving@example.org", tenant=house.acme, role="viewer", password=PASSWORD)
    set_active(house.platform, locked, False)
    root.get("/notices/")
    assert "subject and a text" in root.post("/notices/add", {"subject_en": "Half"}).text
    root.post("/notices/add", TEXTS)
    page = root.get("/notices/").text
    assert (
        "New limits" in page
        and "Neue Grenzen" in page
        and f"Send it to {count_active(house.platform)} accounts" in page
    )
    with operator_tenant(house.platform).read() as db:
        number = db.scalar(select(ServiceNotice.id))
    said = root.post(f"/notices/{number}/send", follow_redirects=True).text
    assert f"It goes to {count_active(house.platform)} accounts" in said and "On its way" in said
    delete_account(house.platform, leaving)
    assert "sent already" in root.post(f"/notices/{number}/send", follow_redirects=True).text
    house.run_jobs()
    got = mailed(house)
    assert len(got) == len(set(got)) == count_active(house.platform)
    assert not {"locked@example.org", "leaving@example.org"} & set(got) and "owner@example.net" in got
    assert f"{len(got)} of {len(got)}" in root.get("/notices/").text
    with operator_tenant(house.platform).read() as db:
        assert db.scalar(select(NoticeRecipient).where(NoticeRecipient.user_id == leaving)) is None


def test_a_draft_can_be_deleted(house: Any, root: Any) -> None:
    root.get("/notices/")
    root.post("/notices/add", {"subject_hi": "सूचना", "body_hi": "पाठ"})
    with operator_tenant(house.platform).read() as db:
        number = db.scalar(select(ServiceNotice.id).where(ServiceNotice.state == "draft"))
    root.post(f"/notices/{number}/delete")
    assert "सूचना" not in root.get("/notices/").text
    assert root.post(f"/notices/{number}/send").status_code == 404


@pytest.mark.seed("SR-033")
@pytest.mark.parametrize("who", ["privacy@example.org", "owner@example.org"])
def test_a_withdrawal_by_mail_is_recorded_with_its_proof(house: Any, who: str) -> None:
    email = f"asked-{who}"
    for tenant in (house.acme, house.globex):
        with tenant.write() as db:
            person = Contact(email=email)
            db.add(person)
            db.flush()
            db.add(ConsentRecord(contact_id=person.id, purpose="newsletter", granted=True))
    browser = house.browser(who)
    browser.get("/withdrawals/")
    assert "Please fill in" in browser.post("/withdrawals/add", {**FORM, "email": email, "proof": ""}).text
    assert (
        "cannot have come later"
        in browser.post("/withdrawals/add", {**FORM, "email": email, "received": "2999-01-01"}).text
    )
    assert "No consent of this person" in browser.post("/withdrawals/add", {**FORM, "email": "nobody@example.org"}).text
    assert consents.is_granted(house.acme, Subject(email=email), "newsletter")
    said = browser.post("/withdrawals/add", {**FORM, "email": email}, follow_redirects=True).text
    assert "1 consent is withdrawn" in said
    assert not consents.is_granted(house.acme, Subject(email=email), "newsletter")
    assert consents.is_granted(house.globex, Subject(email=email), "newsletter")
    ledger = browser.get("/consents/list/").text
    assert FORM["proof"] in ledger and "By mail" in ledger
    refused = browser.post("/withdrawals/add", {**FORM, "email": "owner@example.net", "purpose": "account"})
    assert refused.status_code == 200 and find_user(house.platform, "owner@example.net"), "accounts are the operator's"


@pytest.mark.seed("SR-033")
def test_the_operator_deletes_an_account_as_asked_by_mail(house: Any, root: Any) -> None:
    shop = create_tenant(house.platform, "withdrawn", "Withdrawn")
    create_user(house.platform, "asked@example.com", tenant=shop, role="owner", password=PASSWORD)
    root.get("/withdrawals/")
    own = root.post("/withdrawals/add", {**FORM, "email": "root@example.org", "purpose": "account"})
    assert "under Your account" in own.text and find_user(house.platform, "root@example.org")
    root.post("/withdrawals/add", {**FORM, "email": "asked@example.com", "purpose": "account"})
    assert find_user(house.platform, "asked@example.com") is None
    assert load_tenant(house.platform, slug="withdrawn").erase_at > now()
    with operator_tenant(house.platform).read() as db:
        row = db.scalar(select(ConsentRecord).where(ConsentRecord.purpose == "account"))
    assert (row.granted, row.channel, row.proof) == (False, "email", FORM["proof"])


def test_a_recipient_is_made_changed_and_deleted_in_forms(house: Any, root: Any) -> None:
    form = {"name": "Postbote", "kind": "mail", "country": "at", "purpose": "operate", "data": "account"}
    root.get("/recipients/add")
    assert "two letters" in root.post("/recipients/add", {**form, "country": "Austria"}).text
    where = root.post("/recipients/add", form).headers["Location"]
    assert "Postbote" in root.get("/recipients/list/").text and "Austria" in root.get("/recipients/list/").text
    public = notice_of(house, "acme")
    assert "Postbote (AT)" in public
    number = where.rsplit("/", 1)[1]
    root.post(f"/recipients/edit/{number}", {**form, "name": "Postillion"})
    assert "Postillion (AT)" in notice_of(house, "acme")
    root.post(f"/recipients/delete/{number}")
    assert "Postillion" not in notice_of(house, "acme") and "Hoster (DE)" in notice_of(house, "globex")


def notice_of(house: Any, slug: str) -> str:
    """The public notice of a tenant."""
    from webchatagent.web.app import create_public

    return str(create_public(house.platform).test_client().get(f"/t/{slug}/privacy").text)


def test_plugins_for_all_are_listed_with_the_way_to_their_settings(house: Any, root: Any) -> None:
    page = root.get("/plugins/").text
    for plugin in ("google_login", "embeddings_local"):
        assert f"/marketplace/{plugin}/" in page
    assert "/marketplace/website/" not in page and "Always on" in page
    assert 'name="c_client_id"' in root.get("/marketplace/google_login/").text


def test_health_links_to_the_repair_of_what_is_broken(house: Any, root: Any) -> None:
    from webchatagent.core.db.records import BackgroundJob
    from webchatagent.doctor import Row

    rows = [Row("embeddings", "degraded", "Words only.", "install it", "embeddings_local"), Row("plugins", "down", "x")]
    house.app.extensions["wca_doctor"] = lambda _: [*rows, Row("database", "ok", "It answers.")]
    for tenant in (house.acme, operator_tenant(house.platform)):
        with tenant.write() as db:
            db.add(BackgroundJob(kind="sync_source", state="failed", finished_at=now()))
    page = root.get("/health/").text
    assert page.count(">Repair<") == 2
    for link in ("/marketplace/embeddings_local/", "/plugins/", "/support/acme", "/jobs/list/?_flt_0_state=failed"):
        assert f'href="/admin{link}"' in page, link

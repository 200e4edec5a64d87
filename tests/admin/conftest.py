"""A house with two tenants and an admin over it, made once a module; a browser that knows its tokens."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from webchatagent.admin import members
from webchatagent.admin.accounts import create_user
from webchatagent.admin.app import create_admin
from webchatagent.app import build_platform
from webchatagent.core import recipients, requests
from webchatagent.core.admin_views import AdminAction, AdminView
from webchatagent.core.apikeys import create_key
from webchatagent.core.bots import LiveBot, create_bot
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.actions import ActionRow
from webchatagent.core.db.base import Base
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink, Message, TurnRow
from webchatagent.core.db.records import BackgroundJob, ConsentRecord, UsageRow
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.db.tenants import Bot
from webchatagent.core.discarded import discard_bot
from webchatagent.core.privacy import Subject
from webchatagent.core.registry import Registry
from webchatagent.core.settings import load_settings
from webchatagent.core.sources import ensure_source
from webchatagent.core.tenancy import TenantOwned
from webchatagent.core.tenants import Platform, Tenant, create_tenant, operator_tenant
from webchatagent.jobs.worker import Worker
from webchatagent.testing.fakes import embedding_plugin

from . import thirdparty

PASSWORD = "a long enough secret"
ROLES = ("owner", "editor", "agent", "viewer", "privacy")
SECRET_A, SECRET_B = "ACME-ONLY", "GLOBEX-ONLY"
TOUCHED: list[int] = []


def touch(tenant: Tenant, rows: list[Document]) -> None:
    """The action of the extra screen: remember which rows it got."""
    TOUCHED.extend(row.id for row in rows)


PAPERS = AdminView(
    id="papers",
    model=Document,
    title="Papers",
    list_columns=("title", "bot.name"),
    show_columns=("title", "bot.name"),
    add_columns=("title", "external_id", "source", "bot"),
    edit_columns=("title", "source", "bot"),
    search_column="title",
    labels={c: c for c in ("title", "bot.name", "external_id", "source", "bot")},
    can_delete=True,
    in_menu=False,
    actions=(AdminAction("touch", "Touch", touch),),
)
"""A generated screen with drop-downs and an action, as a plugin would declare it."""


class Browser:
    """A person at the admin: logs in, finds tokens, posts forms."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.token = ""

    def get(self, path: str, **options: Any) -> Any:
        """A page; its token is kept."""
        answer = self.client.get(path, **options)
        found = re.search(r'name="csrf-token" content="([^"]+)"', answer.text)
        self.token = found[1] if found else self.token
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """A form with the token of the last page."""
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **options)

    def login(self, email: str, password: str = PASSWORD) -> Any:
        """Log in by the form."""
        self.get("/login/")
        answer = self.post("/login/", {"email": email, "password": password})
        self.get("/")
        return answer


@dataclass
class House:
    """Platform, admin, and per tenant a bot, a source, a document and a conversation."""

    platform: Platform
    app: Flask
    acme: Tenant
    globex: Tenant
    bot: LiveBot
    foreign_bot: LiveBot
    ids: dict[str, dict[str, Any]]
    counts: dict[str, int] = field(default_factory=dict)
    """Rows of the second tenant, by the name of their class."""
    members: dict[str, str] = field(default_factory=dict)
    """The second tenant's members and their roles."""

    def browser(self, email: str = "") -> Browser:
        """A browser, logged in when an address is given."""
        browser = Browser(self.app.test_client())
        if email:
            assert browser.login(email).status_code == 302
        return browser

    def run_jobs(self) -> None:
        """Run every job that is due."""
        worker = Worker(self.platform)
        while worker.run_due():
            pass


def make_platform(folder: Path, database: Path, **settings: str) -> Platform:
    """A platform on a copy of the migrated database, with vectors made of words."""
    shutil.copy(database, folder / "webchatagent.sqlite")
    platform = build_platform(load_settings({}, data=str(folder), **{"rate_limits": "off", **settings}))
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["embeddings_local"] = (known.manifests["embeddings_local"], embedding_plugin())
    platform.registry = Registry(plugins, known._always, known.broken)
    return platform


def furnish(tenant: Tenant, bot: LiveBot, mark: str, many: int = 30) -> dict[str, int]:
    """Documents and conversations that carry a mark; returns the ids of the first of each."""
    source_id = ensure_source(tenant, bot.id, "website", f"https://{tenant.slug}.example.org/", f"{mark}-SOURCE")
    with tenant.write() as db:
        papers = [
            Document(
                source_id=source_id,
                bot_id=bot.id,
                external_id=f"{mark}-{n}",
                title=f"{mark}-DOC-{n}",
                state="searchable" if n else "broken",
                chunks=3,
                vectors=3,
                searchable_at=now(),
            )
            for n in range(many)
        ]
        talks = [
            ChatSession(bot_id=bot.id, key_hash=f"{mark}-{n:03}".rjust(64, "0"), language="en") for n in range(many)
        ]
        db.add_all([*papers, *talks])
        db.flush()
        answers: list[int] = []
        for talk in talks:
            asked = Message(
                session_id=talk.id, role="visitor", text=f"{mark}-QUESTION <script>alert(1)</script>", language="en"
            )
            said = Message(
                session_id=talk.id,
                role="bot",
                text=f"{mark}-ANSWER **bold** [1] <img src=x>",
                language="en",
                sources=[{"n": 1, "type": "web", "title": "T", "url": "javascript:alert(1)", "excerpt": "E"}],
            )
            db.add_all([asked, said])
            db.flush()
            answers.append(said.id)
            db.add(
                TurnRow(
                    bot_id=bot.id,
                    session_id=talk.id,
                    state="done",
                    question_id=asked.id,
                    answer_id=said.id,
                    refused=True,
                    provider="offline",
                    model=f"{mark}-MODEL",
                    total_ms=700,
                )
            )
        ids = {"source": source_id, "document": papers[0].id, "talk": talks[0].id, "bot": bot.id}
        return {**ids, "answered": talks[1].id, "answer": answers[1], "version": 1}


def build(folder: Path, database: Path, **settings: str) -> House:
    """A furnished house."""
    platform = make_platform(folder, database, **settings)
    acme, globex = create_tenant(platform, "acme", "Acme"), create_tenant(platform, "globex", "Globex", "de")
    bot, foreign_bot = create_bot(acme, "bot", f"{SECRET_A} Help"), create_bot(globex, "bot", f"{SECRET_B} Hilfe")
    ids = {"acme": furnish(acme, bot, SECRET_A), "globex": furnish(globex, foreign_bot, SECRET_B)}
    for role in ROLES:
        create_user(platform, f"{role}@example.org", tenant=acme, role=role, password=PASSWORD)
    create_user(platform, "owner@example.net", tenant=globex, role="owner", password=PASSWORD)
    create_user(platform, "root@example.org", tenant=None, role="operator", password=PASSWORD)
    for tenant, mark in ((acme, SECRET_A), (globex, SECRET_B)):
        ids[tenant.slug].update(populate(tenant, mark))
    kept = recipients.save_recipient(
        operator_tenant(platform),
        {
            "name": "Hoster",
            "kind": "hosting",
            "country": "de",
            "privacy_url": "https://hoster.example.org/privacy",
            "purpose": "operate",
            "data": ["messages"],
        },
    )
    ids["acme"]["recipient"] = ids["globex"]["recipient"] = kept
    made = House(platform, create_admin(platform, [PAPERS]), acme, globex, bot, foreign_bot, ids)
    made.members = {m.email: m.role for m in members.list_members(globex)}
    with globex.read() as db:
        made.counts = {
            m.class_.__name__: db.query(m.class_).count()
            for m in Base.registry.mappers
            if issubclass(m.class_, TenantOwned)
        }
    return made


def populate(tenant: Tenant, mark: str) -> dict[str, Any]:
    """A further member, an invitation and a mail that carry a mark; returns their ids."""
    host = "example.org" if mark == SECRET_A else "example.net"
    person, _ = create_user(tenant.platform, f"colleague@{host}", tenant=tenant, role="viewer", password=PASSWORD)
    invitation = members.invite_member(
        tenant, f"{mark}-invited@example.com", "viewer", inviter=f"{mark}-INVITER", base="http://localhost/"
    )
    key = create_key(tenant, f"{mark}-KEY", ["search"], actor="system").line.id
    gone = create_bot(tenant, "gone", f"{mark}-GONE").id
    discard_bot(tenant, gone)
    names = {
        "kind": "bot",
        "gone": gone,
        "slug": tenant.slug,
        "key": key,
        "action": "touch",
        "plugin": "website",
        "connected": "calendar",
        "retry": "retry",
        "restrict": "restrict",
    }
    asked = requests.file_request(tenant, "export", Subject(email=f"{mark}@example.com"), channel="email")
    with tenant.write() as db:
        mail = db.query(OutboxMail).one()
        talk, bot = db.query(ChatSession).first(), db.query(Bot).first()
        contact = Contact(name=f"{mark}-CONTACT", email=f"{mark}@example.com", phone="+49 1")
        job = BackgroundJob(kind="sync_source", state="done", error=f"{mark}-ERROR", finished_at=now())
        consent = ConsentRecord(purpose=f"{mark}-PURPOSE", granted=True)
        used = UsageRow(bot_id=bot.id, day=now().date(), meter=f"{mark}-METER", amount=7)
        action = ActionRow(
            bot_id=bot.id, session_id=talk.id, turn_id=1, plugin="x", tool="x", title=f"{mark}-ACTION", expires_at=now()
        )
        db.add_all([contact, job, consent, used, action])
        db.flush()
        db.add(ContactLink(session_id=talk.id, contact_id=contact.id))
        return {
            **names,
            "person": person,
            "invitation": invitation.id,
            "mail": mail.id,
            "request": asked,
            "contact": contact.id,
            "job": job.id,
        }


@pytest.fixture(scope="module", autouse=True)
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Plugins of others are installed, for the tests of one module."""
    with thirdparty.installed(tmp_path_factory.mktemp("packages")):
        yield


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[House]:
    """The furnished house of a module."""
    made = build(tmp_path_factory.mktemp("house"), migrated_database)
    yield made
    made.platform.database.close()
    made.platform.chunks.close()


@pytest.fixture
def limited(tmp_path: Path, migrated_database: Path) -> House:
    """A house of its own, with limits on."""
    return build(tmp_path, migrated_database, rate_limits="on")


@pytest.fixture
def statements(house: House) -> Iterator[list[str]]:
    """The SQL statements of a test; clear the list before what counts."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(house.platform.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(house.platform.database.engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def tables() -> dict[str, type]:
    """Models by a short name, for tests that look behind the screens."""
    return {"document": Document, "source": Source, "session": ChatSession}

"""Two tenants with WhatsApp on, a stub of Meta, and webhooks that are signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from webchatagent.core import plugins
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Message
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.whatsapp.models import Incoming, Number, Outgoing, Person

from .graph_stub import Graph, serving

NUMBER, FOREIGN = "106540352242922", "743897493242"
BUSINESS = "102290129340398"
ANN, BEN = "4915112345678", "919812345678"


@dataclass
class Meta:
    """Webhooks as Meta makes them, for one tenant's address."""

    client: Any
    slug: str = "acme"
    secret: str = "secret-of-acme"
    number: str = NUMBER
    count: int = field(default=0)

    def envelope(self, value: dict[str, Any], name: str = "messages") -> dict[str, Any]:
        """A payload with one change."""
        metadata = {"display_phone_number": "15550783881", "phone_number_id": self.number}
        whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        return {
            "object": "whatsapp_business_account",
            "entry": [{"id": BUSINESS, "changes": [{"value": whole, "field": name}]}],
        }

    def message(
        self, kind: str = "text", content: Any = None, *, who: str = ANN, name: str = "Ann", **more: Any
    ) -> dict[str, Any]:
        """One message as a payload; `content` is the text, or what the kind holds."""
        self.count += 1
        held = {"body": content} if kind == "text" and isinstance(content, str) else content
        raw = {"from": who, "id": f"wamid.{self.slug}{self.count:05}", "timestamp": str(int(time.time())), "type": kind}
        contacts = [{"profile": {"name": name}, "wa_id": who}]
        return self.envelope({"contacts": contacts, "messages": [{**raw, kind: held, **more}]})

    def status(self, meta_id: str, state: str, *, opaque: str = "", errors: Any = None) -> dict[str, Any]:
        """A notice on a message."""
        raw = {"id": meta_id, "status": state, "timestamp": str(int(time.time())), "recipient_id": ANN}
        extra = {"biz_opaque_callback_data": opaque} if opaque else {}
        return self.envelope({"statuses": [{**raw, **extra, **({"errors": errors} if errors else {})}]})

    def body(self, payload: Any) -> bytes:
        """A payload as bytes."""
        return json.dumps(payload).encode()

    def sign(self, body: bytes, secret: str = "") -> str:
        """The header of a body."""
        return "sha256=" + hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()

    def post(self, payload: Any, *, secret: str = "", header: str | None = None, slug: str = "") -> Any:
        """Send it; the answer."""
        body = payload if isinstance(payload, bytes) else self.body(payload)
        signed = self.sign(body, secret) if header is None else header
        return self.client.post(
            f"/x/whatsapp/{slug or self.slug}/webhook", data=body, headers={"X-Hub-Signature-256": signed}
        )

    def say(self, text: str, **more: Any) -> Any:
        """A text message, taken."""
        answer = self.post(self.message("text", text, **more))
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    """Meta's side. Every message must be one that Meta takes."""
    with serving() as server:
        monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", server.host)
        server.numbers = [number(NUMBER), number(FOREIGN, "+49 30 901820")]
        server.businesses = [BUSINESS]
        yield server
        assert server.wrong == []


def number(number_id: str, shown: str = "+1 555-078-3881", **more: str) -> dict[str, Any]:
    """A number as Meta describes it."""
    fixed = {"verified_name": "Acme", "quality_rating": "GREEN", "status": "CONNECTED"}
    return {"id": number_id, "display_phone_number": shown, "code_verification_status": "VERIFIED", **fixed, **more}


@pytest.fixture
def switch(graph: Graph) -> Callable[..., Any]:
    """A function that sets the plugin for a tenant, switches it on, and gives the tenant as it is then."""

    def on(tenant: Any, number_id: str = NUMBER, **settings: Any) -> Any:
        fixed = {"token": graph.token, "app_secret": f"secret-of-{tenant.slug}", "api_url": graph.url}
        plugins.configure(
            tenant, "whatsapp", {**fixed, "business_id": BUSINESS, "phone_number_id": number_id, **settings}
        )
        plugins.enable(tenant, "whatsapp")
        return load_tenant(tenant.platform, slug=tenant.slug)

    return on


@pytest.fixture
def here(acme: Any, bot: Any, switch: Callable[..., Any]) -> Any:
    """The first tenant."""
    return switch(acme)


@pytest.fixture
def there(globex: Any, foreign_bot: Any, switch: Callable[..., Any]) -> Any:
    """The second one, with a number of its own."""
    return switch(globex, FOREIGN)


@pytest.fixture
def meta(client: Any) -> Meta:
    """Webhooks for the first tenant."""
    return Meta(client)


@pytest.fixture
def seen() -> Any:
    """A function `(tenant, table)` that gives the rows of a table in their order."""

    def rows(tenant: Any, table: str = "outgoing") -> list[Any]:
        models = {"incoming": Incoming, "outgoing": Outgoing, "person": Person, "number": Number}
        more = {"message": Message, "session": ChatSession}
        model: Any = {**models, **more}[table]
        with tenant.read() as db:
            return list(db.scalars(select(model).order_by(model.id)))

    return rows


@pytest.fixture
def at() -> Any:
    """The time now."""
    return now()


@pytest.fixture
def due(platform, run_jobs):
    """A function that runs every job, also those that wait for a time."""

    def run():
        run_jobs()
        with system_scope("turn the clock"), platform.database.write() as db:
            db.execute(update(BackgroundJob).where(BackgroundJob.state == "queued").values(run_at=now()))
        run_jobs()

    return run

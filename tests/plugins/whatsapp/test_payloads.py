"""Payloads of Meta's documentation and of another implementation's tests, read by us and by that implementation."""

from __future__ import annotations

import copy
import json
import threading
import time
import warnings

import pytest

from webchatagent.plugins.whatsapp.payload import read_payload

from .conftest import NUMBER, Meta
from .graph_stub import SPEC


def own_payloads():
    """The same kinds as published ones, made here, so that the test runs wherever those are absent."""
    meta = Meta(None, number=NUMBER)
    who = {"who": "972987654321", "name": "Test Name"}
    media = {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "Look"}
    contents = {
        "text": "Hello",
        "image": media,
        "document": {**media, "filename": "a.pdf", "mime_type": "application/pdf"},
        "audio": {"id": "1", "mime_type": "audio/ogg; codecs=opus", "sha256": "x", "voice": True},
        "video": {**media, "mime_type": "video/mp4"},
        "sticker": {"id": "1", "mime_type": "image/webp", "sha256": "x", "animated": False},
        "location": {"latitude": 1.5, "longitude": 2.5, "name": "Home", "address": "Street 1"},
        "contacts": [{"name": {"formatted_name": "Eve", "first_name": "Eve"}, "phones": [{"phone": "+1 2"}]}],
        "button": {"payload": "p", "text": "Yes"},
        "reaction": {"message_id": "wamid.x", "emoji": "👍"},
        "interactive": {"type": "button_reply", "button_reply": {"id": "b", "title": "Yes"}},
        "order": {
            "catalog_id": "1",
            "text": "",
            "product_items": [{"product_retailer_id": "a", "quantity": 2, "item_price": 3, "currency": "EUR"}],
        },
    }
    made = [(f"own {kind}", meta.message(kind, content, **who)) for kind, content in contents.items()]
    row = {"type": "list_reply", "list_reply": {"id": "r", "title": "Row", "description": "More"}}
    made.append(("own list", meta.message("interactive", row, **who)))
    made += [(f"own {state}", meta.status("wamid.x", state)) for state in ("sent", "delivered", "read")]
    return made


def published():
    """Payloads of the folders beside the repository, where they are."""
    found = []
    lines = SPEC.parents[1] / "evaldata" / "whatsapp" / "webhooks.dev.jsonl"
    if lines.exists():
        rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
        found += [(f"{row['kind']} {row['name']}", row["payload"]) for row in rows]
    examples = SPEC.with_name("whatsapp.webhook_examples.json")
    if examples.exists():
        found += list(json.loads(examples.read_text(encoding="utf-8")).items())
    return found


ALL = [*own_payloads(), *published()]


def number_of(payload):
    """The number that a payload is for."""
    changes = [c["value"] for e in payload["entry"] for c in e["changes"]]
    return next((v["metadata"]["phone_number_id"] for v in changes if "metadata" in v), "")


@pytest.fixture(scope="module")
def second_opinion():
    """A function that gives what pywa reads of a payload: (class, kind, text, id, number, status)."""
    pytest.importorskip("pywa")
    warnings.simplefilter("ignore")
    from pywa import WhatsApp, handlers

    seen = []
    app = WhatsApp(server=None, token="x", app_secret="s", verify_token="v", filter_updates=False)
    for name in ("Message", "CallbackButton", "CallbackSelection", "MessageStatus", "PhoneNumberChange"):
        app.add_handlers(getattr(handlers, f"{name}Handler")(lambda _, update: seen.append(update)))

    def read(payload):
        seen.clear()
        filled = copy.deepcopy(payload)
        for entry in filled["entry"]:
            for change in entry["changes"]:
                for contact in change["value"].get("contacts", ()) if isinstance(change["value"], dict) else ():
                    contact.setdefault("user_id", "US.0")  # it cannot read a payload from before 2026
        app.webhook_update_handler(json.dumps(filled).encode())
        return list(seen)

    return read


@pytest.mark.parametrize(("name", "payload"), ALL, ids=[name for name, _ in ALL])
def test_kind_text_id_and_sender_are_those_of_the_second_opinion(name, payload, second_opinion, figures):
    mine = read_payload(payload, number_of(payload))
    assert mine.bad == [] and mine.foreign == 0
    for theirs in second_opinion(payload):
        if type(theirs).__name__ == "MessageStatus":
            (status,) = mine.statuses
            assert (status.id, status.state) == (theirs.id, str(theirs.status.value))
            figures.count("WhatsApp payloads", statuses_equal=1)
            continue
        (said,) = mine.said
        kind = str(getattr(theirs.type, "value", theirs.type))
        text = getattr(theirs, "text", None) or getattr(theirs, "caption", None) or getattr(theirs, "title", None)
        if kind == "reaction":
            text = theirs.reaction.emoji
        assert (said.kind, said.id, said.sender.wa_id) == (kind, theirs.id, theirs.from_user.wa_id)
        if kind == "location":
            assert said.text.startswith(theirs.location.name)
        else:
            assert said.text == (text or "")
        if said.sender.user_id:
            assert said.sender.user_id == theirs.from_user.bsuid
        figures.count("WhatsApp payloads", messages_equal=1)
    if not mine.said and not mine.statuses:
        figures.count("WhatsApp payloads", without_a_message=1)


def test_the_second_opinion_agrees_on_signatures():
    pywa = pytest.importorskip("pywa")
    warnings.simplefilter("ignore")
    from webchatagent.plugins.whatsapp.webhook import is_signed

    meta = Meta(None)
    app = pywa.WhatsApp(server=None, token="x", app_secret=meta.secret, verify_token="v")
    body = meta.body(meta.message("text", "Hällo"))
    for header in (meta.sign(body), meta.sign(body + b" "), "sha256=", "", "sha1=" + meta.sign(body)[7:]):
        theirs = app.webhook_update_validator(body, header)
        assert is_signed(meta.secret, body, header) == (theirs is None), header


def aged(payload, name):
    """A payload as of now, for our number, with ids of its own."""
    made = copy.deepcopy(payload)
    for entry in made["entry"]:
        for change in entry["changes"]:
            value = change["value"]
            if "metadata" in value:
                value["metadata"]["phone_number_id"] = NUMBER
            for message in value.get("messages", ()):
                message["id"], message["timestamp"] = f"wamid.{name}", str(int(time.time()))
    return made


def test_every_payload_fifty_times_in_parallel_is_taken_once_and_answered_once(
    acme, bot, switch, meta, seen, run_jobs, scripted_model, figures
):
    tenant = switch(acme, per_person=1000, keep_files=False)
    bodies = [meta.body(aged(payload, f"many{n}")) for n, (_, payload) in enumerate(ALL)]
    barrier, codes = threading.Barrier(4), []

    def deliver(share):
        mine = Meta(meta.client.application.test_client())
        barrier.wait()
        codes.extend(mine.post(body).status_code for body in bodies for _ in range(share))

    threads = [threading.Thread(target=deliver, args=(share,)) for share in (12, 12, 13, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {200} and len(codes) == 50 * len(bodies)
    run_jobs()
    rows = seen(tenant, "incoming")
    expected = sum(len(read_payload(aged(p, n), NUMBER).said) for n, (_, p) in enumerate(ALL))
    assert len(rows) == expected and {r.state for r in rows} == {"done"}
    first = [o.incoming_id for o in seen(tenant) if o.ordinal == 0]
    assert len(first) == len(set(first)), "no message has two replies"
    figures.line(
        "WhatsApp", f"{len(codes)} deliveries of {len(bodies)} webhooks: {len(rows)} messages, {len(first)} replies"
    )

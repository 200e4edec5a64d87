"""From a message to what the person reads: the turn, files, buttons, words, limits, and what becomes of messages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import plugins
from webchatagent.core.clock import now
from webchatagent.core.consents import is_granted
from webchatagent.core.db.records import BackgroundJob, ConsentRecord
from webchatagent.core.models import ToolCall
from webchatagent.core.privacy import Subject
from webchatagent.core.tools import Tool
from webchatagent.plugins.whatsapp import outbox, people
from webchatagent.plugins.whatsapp.config import Config
from webchatagent.plugins.whatsapp.models import Incoming, Outgoing, Person
from webchatagent.plugins.whatsapp.optin import PURPOSE
from webchatagent.plugins.whatsapp.work import answer, sweep

from .conftest import ANN, BEN
from .graph_stub import text_of


@pytest.mark.seed("SR-130")
def test_hook_channels_a_question_gets_the_answer_with_its_sources(
    here, bot, meta, seen, graph, add_texts, run_jobs, scripted_model
):
    add_texts(bot, {"hours": "The shop opens at nine in the morning."})
    scripted_model.enqueue("We open at **nine** [1].")
    meta.say("When does the shop open?")
    run_jobs()
    greeting, reply = graph.sent
    assert "digital assistant of Acme" in text_of(greeting)
    assert text_of(reply) == "We open at *nine* [1].\n\n*Sources*\n[1] hours"
    assert reply["to"] == ANN and f"POST {here.config(Config).phone_number_id}/messages" in graph.calls
    assert [(m.role, m.text) for m in seen(here, "message")] == [
        ("visitor", "When does the shop open?"),
        ("bot", "We open at **nine** [1]."),
    ]
    (session,) = seen(here, "session")
    assert session.channel == "whatsapp"
    sent = str(scripted_model.requests)
    assert ANN not in sent and "Ann" not in sent, "who wrote never reaches a model"
    (row,) = seen(here, "incoming")
    assert (row.state, row.payload) == ("done", {})
    assert all(o.body == {} for o in seen(here))


def test_the_second_question_goes_on_with_the_first(here, meta, seen, graph, run_jobs, scripted_model):
    scripted_model.enqueue("Yes.")
    meta.say("Do you sell roses?")
    run_jobs()
    scripted_model.enqueue("They are red.")
    meta.say("Which colour do they have?")
    run_jobs()
    assert len(seen(here, "session")) == 1
    assert "Do you sell roses?" in str(scripted_model.requests[-1])
    assert len(graph.sent) == 3, "the greeting comes once"


def test_two_people_and_two_tenants_do_not_meet(here, there, meta, seen, run_jobs, scripted_model):
    meta.say("From Ann")
    meta.say("From Ben", who=BEN, name="Ben")
    run_jobs()
    assert [p.wa_id for p in seen(here, "person")] == [ANN, BEN]
    assert len({p.session_id for p in seen(here, "person")}) == 2
    assert seen(there, "person") == []


def test_one_person_by_either_key(here, meta, seen, run_jobs, scripted_model):
    def arrive(raw, contact):
        meta.count += 1
        base = {"id": f"wamid.key{meta.count:04}", "timestamp": str(int(now().timestamp())), "type": "text"}
        body = {"messages": [{**base, "text": {"body": "Hello"}, **raw}], "contacts": [contact]}
        assert meta.post(meta.envelope(body)).json["taken"] == 1

    arrive({"from": ANN}, {"wa_id": ANN})
    arrive({"from_user_id": "DE.1"}, {"user_id": "DE.1", "wa_id": ANN, "profile": {"username": "ann"}})
    arrive({"from_user_id": "DE.1"}, {"user_id": "DE.1"})
    arrive({}, {"user_id": "DE.1"})
    (person,) = seen(here, "person")
    assert (person.user_id, person.wa_id, person.username) == ("DE.1", ANN, "ann")
    arrive({"from_user_id": "DE.2", "from": ANN}, {"user_id": "DE.2", "wa_id": ANN})
    ann, heir = seen(here, "person")
    assert (ann.user_id, ann.wa_id) == ("DE.1", None), "a number that was given out again is somebody else's"
    assert (heir.user_id, heir.wa_id) == ("DE.2", ANN) and heir.session_id != ann.session_id


def test_somebody_without_a_number_is_answered_by_metas_id(here, meta, graph, run_jobs, scripted_model):
    raw = {"id": "wamid.nonumber", "timestamp": str(int(now().timestamp())), "type": "text", "text": {"body": "Hi"}}
    meta.post(meta.envelope({"messages": [{**raw, "from_user_id": "US.7"}], "contacts": [{"user_id": "US.7"}]}))
    run_jobs()
    assert [b.get("recipient") for b in graph.sent] == ["US.7", "US.7"] and "to" not in graph.sent[0]


def test_two_rows_that_turn_out_to_be_one_person_become_the_oldest(here, meta, seen):
    meta.say("By number")
    raw = {"id": "wamid.second", "timestamp": str(int(now().timestamp())), "type": "text", "text": {"body": "By id"}}
    meta.post(meta.envelope({"messages": [{**raw, "from_user_id": "DE.1"}], "contacts": [{"user_id": "DE.1"}]}))
    first, _ = seen(here, "person")
    both = {"from": ANN, "from_user_id": "DE.1", "id": "wamid.third"}
    meta.post(meta.envelope({"messages": [{**raw, **both}], "contacts": [{"user_id": "DE.1", "wa_id": ANN}]}))
    (person,) = seen(here, "person")
    assert person.id == first.id and {r.person_id for r in seen(here, "incoming")} == {first.id}


def test_a_changed_number_is_followed(here, meta, seen, run_jobs, scripted_model):
    meta.say("Hello")
    meta.post(meta.message("system", {"type": "user_changed_number", "wa_id": "4917099", "body": "x"}))
    run_jobs()
    assert [p.wa_id for p in seen(here, "person")] == ["4917099"]


def test_a_long_answer_comes_in_pieces_that_fit(here, meta, graph, run_jobs, scripted_model):
    scripted_model.enqueue("A sentence of some length. " * 400)
    meta.say("Tell me everything")
    run_jobs()
    pieces = graph.texts()[1:]
    assert len(pieces) == 3 and all(len(p) <= 4096 for p in pieces)
    assert " ".join(pieces).count("A sentence of some length.") == 400


# -- buttons and lists ------------------------------------------------------------------------------------------


@pytest.fixture
def booked(tools):
    """A tool that books, and what it did."""
    done = []

    def run(arguments, context):
        done.append(arguments)
        return "It is booked."

    schema = {"type": "object", "properties": {"day": {"type": "string", "title": "Day"}}, "required": ["day"]}
    tools["acme"] = [Tool("book", "Book.", schema, run, writes=True, title="Book this?")]
    return done


def pressed(meta, chosen, kind="button_reply", **more):
    """A press of a button or a row of ours."""
    return meta.message("interactive", {"type": kind, kind: {"id": chosen, "title": "Confirm"}}, **more)


def test_a_proposal_is_confirmed_by_its_button_once_and_by_nobody_else(
    acme, bot, booked, scripted_model, switch, meta, graph, run_jobs
):
    switch(acme)
    scripted_model.enqueue(ToolCall("1", "tester__book", '{"day": "Monday"}'))
    scripted_model.enqueue("Please confirm.")
    meta.say("Book Monday")
    run_jobs()
    card = graph.sent[-1]
    assert "Day: Monday" in text_of(card) and booked == []
    confirm, decline = (b["reply"]["id"] for b in card["interactive"]["action"]["buttons"])
    meta.post(pressed(meta, confirm, who=BEN, name="Ben"))
    run_jobs()
    assert booked == [], "a button of another person's does nothing"
    for chosen in (confirm, confirm, decline):
        meta.post(pressed(meta, chosen))
        run_jobs()
    assert booked == [{"day": "Monday"}]
    assert graph.texts()[-3:] == ["It is booked."] * 3


def test_times_become_a_list_and_a_row_is_said_as_the_persons_own_words(
    here, meta, graph, seen, run_jobs, scripted_model
):
    from webchatagent.plugins.whatsapp.handle import put
    from webchatagent.plugins.whatsapp.writing import part_messages

    days = [
        {
            "label": f"Tuesday, {n} December",
            "slots": [{"id": f"w{n}{h}", "label": f"{h:02}:00", "value": f"Time #w{n}{h}"} for h in range(9, 15)],
        }
        for n in (1, 2)
    ]
    outs = part_messages({"type": "slots", "title": "Free times", "text": "Choose one.", "days": days}, "en")
    assert [len([r for s in o.body["interactive"]["action"]["sections"] for r in s["rows"]]) for o in outs] == [10, 2]
    meta.say("Hello")
    run_jobs()
    (person,) = seen(here, "person")
    with here.write() as db:
        for out in outs:
            put(db, person.id, out)
    answer(here, person.id)
    row = graph.sent[-1]["interactive"]["action"]["sections"][0]["rows"][1]
    meta.post(pressed(meta, row["id"], "list_reply"))
    run_jobs()
    assert seen(here, "message")[-2].text == "Time #w214"


# -- words, limits, blocking ------------------------------------------------------------------------------------


def test_start_and_stop_are_kept_in_the_ledger(acme, bot, switch, meta, graph, seen, run_jobs, scripted_model):
    tenant = switch(acme, optin_text="News twice a month.")
    for text, granted in (("START", True), ("Abmelden.", False), ("शुरू करें", True), ("stop!", False)):
        meta.say(text)
        run_jobs()
        (person,) = seen(tenant, "person")
        assert is_granted(tenant, Subject(session_id=person.session_id), PURPOSE) == granted
        assert person.stopped != granted
    with tenant.read() as db:
        rows = list(db.scalars(select(ConsentRecord).order_by(ConsentRecord.id)))
    assert [(r.granted, r.channel) for r in rows] == [(True, "whatsapp"), (False, "whatsapp")] * 2
    assert all(r.proof.startswith("WhatsApp message ") and len(r.wording) == 64 for r in rows)
    assert (
        "digital assistant" in graph.texts()[0]
        and "News twice a month." in graph.texts()[1]
        and scripted_model.requests == []
    )
    meta.say("And when do you open?")
    run_jobs()
    assert scripted_model.requests, "who asks is answered, STOP or not"


@pytest.mark.seed("SR-136")
def test_limits_of_a_person_and_of_all_and_the_block_list(
    acme, bot, there, switch, meta, graph, seen, run_jobs, scripted_model
):
    tenant = switch(acme, per_person=3, per_hour=5)
    for n in range(6):
        meta.say(f"Question {n}")
    run_jobs()
    assert len(scripted_model.requests) == 3
    assert sum("a lot of messages" in t for t in graph.texts()) == 1
    people.block(tenant, seen(tenant, "person")[0])
    before = len(graph.sent)
    meta.say("Let me in")
    run_jobs()
    assert len(graph.sent) == before and seen(tenant, "incoming")[-1].error == "blocked"
    assert seen(tenant, "incoming")[-1].payload == {} and seen(there, "person") == []
    with tenant.read() as db:
        rows = list(db.scalars(select(people.Blocked)))
    assert ANN not in rows[0].who + rows[0].hint
    people.unblock(tenant, rows)
    meta.say("Ben is over the limit of all", who=BEN, name="Ben")
    run_jobs()
    assert len(scripted_model.requests) == 3


# -- what becomes of messages -----------------------------------------------------------------------------------


@pytest.mark.seed("SR-131")
def test_states_never_go_back_whatever_the_order(here, meta, seen, run_jobs, scripted_model):
    meta.say("Hello")
    run_jobs()
    for steps, end in (
        (["read", "delivered", "sent"], "read"),
        (["failed", "sent"], "failed"),
        (["failed", "delivered", "failed"], "delivered"),
    ):
        with here.write() as db:
            db.execute(update(Outgoing).values(state="sent", error="", reason=""))
        meta_id = seen(here)[-1].meta_id
        for step in steps:
            errors = [{"code": 131026, "title": "Message undeliverable"}] if step == "failed" else None
            meta.post(meta.status(meta_id, step, errors=errors))
        row = seen(here)[-1]
        assert row.state == end
        assert (row.error, row.reason) == (("131026", "Message undeliverable") if end == "failed" else ("", ""))
    person, message, outgoing = ({c.key for c in model.__table__.columns} for model in (Person, Incoming, Outgoing))
    assert {"wa_id", "user_id"} <= person and {"external_id", "said_at", "payload"} <= message
    assert {"meta_id", "state", "changed_at"} <= outgoing


def test_metas_refusal_is_kept_with_its_reason_and_the_next_message_goes(
    here, meta, graph, seen, run_jobs, scripted_model
):
    graph.failures = [(400, {"error": {"code": 131026, "message": "Message undeliverable"}})]
    meta.say("Hello")
    run_jobs()
    first, second = seen(here)
    assert (first.state, first.error, first.reason) == ("failed", "131026", "Message undeliverable")
    assert second.state == "sent"


def test_a_fault_that_passes_is_tried_again_in_order(here, meta, graph, seen, due, run_jobs, scripted_model):
    graph.failures = [(500, {}), (429, {"error": {"code": 130429, "message": "Rate limit hit"}})]
    meta.say("Hello")
    for _ in range(4):
        due()
    assert [o.state for o in seen(here)] == ["sent", "sent"] and "assistant" in graph.texts()[0]


def test_a_token_that_ended_is_said_and_what_waits_goes_when_it_works_again(
    here, meta, graph, seen, due, run_jobs, scripted_model
):
    from webchatagent.plugins.whatsapp.status import alerts

    graph.token = "a new one"
    meta.say("Hello")
    run_jobs()
    assert {o.state for o in seen(here)} == {"waiting"} and graph.sent == []
    assert any("access token" in a.text["en"] for a in alerts(here))
    graph.token = "token-of-acme"
    due()
    assert {o.state for o in seen(here)} == {"sent"}
    assert not any("access token" in a.text["en"] for a in alerts(here))


def test_what_a_killed_process_was_sending_waits_for_metas_notice(
    here, meta, graph, seen, run_jobs, due, scripted_model, monkeypatch
):
    graph.failures = [(400, {"error": {"code": 131026, "message": "x"}})] * 2
    meta.say("Hello")
    run_jobs()
    with here.write() as db:
        db.execute(
            update(Outgoing).values(state="sending", body={"type": "text", "text": {"body": "Again"}}, changed_at=now())
        )
    first, second = seen(here)
    answer(here, first.person_id)
    assert graph.sent == [], "it may have gone out"
    meta.post(meta.status("wamid.LATE", "delivered", opaque=first.public_id))
    monkeypatch.setattr(outbox, "SETTLE", timedelta(0))
    answer(here, first.person_id)
    assert [o.state for o in seen(here)] == ["delivered", "sent"] and len(graph.sent) == 1
    assert graph.sent[0]["biz_opaque_callback_data"] == second.public_id


def test_a_message_that_fails_four_times_is_left_and_the_next_is_answered(here, meta, graph, seen, due, scripted_model):
    scripted_model.answers = [[RuntimeError("no")]] * 4
    meta.say("Breaks")
    meta.say("Works")
    for _ in range(4):
        due()
    assert [r.state for r in seen(here, "incoming")] == ["failed", "done"]
    assert "send your message again" in graph.texts()[0] and graph.texts()[-1].startswith("Yes")


def test_what_nobody_does_is_taken_up_by_the_clock(here, meta, graph, seen, run_jobs, scripted_model):
    meta.say("Hello")
    with here.write() as db:
        db.execute(update(BackgroundJob).values(state="failed"))
        db.execute(update(Incoming).values(created_at=now() - timedelta(minutes=2)))
    sweep(here)
    run_jobs()
    assert len(graph.sent) == 2


def test_a_whole_conversation_from_a_question_to_a_confirmed_appointment(
    acme, bot, switch, meta, graph, seen, run_jobs, scripted_model
):
    from webchatagent.plugins.calendar.models import Appointment

    plugins.enable(acme, "calendar")
    tenant = switch(acme)
    scripted_model.enqueue(ToolCall("1", "calendar__find_slots", "{}"))
    scripted_model.enqueue("These are free.")
    meta.say("When can I come by?")
    run_jobs()
    lists = [b for b in graph.sent if b.get("interactive", {}).get("type") == "list"]
    row = lists[0]["interactive"]["action"]["sections"][0]["rows"][0]
    scripted_model.enqueue("A good choice. What is your name, and your address?")
    meta.post(pressed(meta, row["id"], "list_reply"))
    run_jobs()
    chosen = [m.text for m in seen(tenant, "message") if m.role == "visitor"][-1]
    word = chosen.split("#")[1].rstrip(")")
    said = {"slot": word, "name": "Ann Example", "email": "ann@example.org"}
    scripted_model.enqueue(ToolCall("2", "calendar__book", json.dumps(said)))
    scripted_model.enqueue("Please look at it and confirm.")
    meta.say("Ann Example, ann@example.org")
    run_jobs()
    card = graph.sent[-1]
    assert "Ann Example" in text_of(card) and row["description"].split(",")[0] in text_of(card)
    meta.post(pressed(meta, card["interactive"]["action"]["buttons"][0]["reply"]["id"]))
    run_jobs()
    with tenant.read() as db:
        booked = db.scalar(select(Appointment))
    assert (booked.state, booked.name, booked.email) == ("booked", "Ann Example", "ann@example.org")
    assert "booked" in graph.texts()[-1].lower()
    assert ANN not in str(scripted_model.requests)

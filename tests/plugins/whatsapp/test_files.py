"""Files that people send, every kind of message, and answers of the team within 24 hours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from webchatagent.core import channels
from webchatagent.core.clock import now
from webchatagent.core.errors import Conflict, NotFound
from webchatagent.plugins.whatsapp import handle
from webchatagent.plugins.whatsapp.models import Incoming, Person

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.mark.seed("SR-132")
def test_files_are_fetched_from_meta_checked_kept_and_go_with_the_conversation(
    here, there, meta, seen, graph, run_jobs, scripted_model
):
    graph.files = {
        "11": ("image/png", PNG),
        "12": ("text/plain", b"The warranty lasts three years."),
        "13": ("image/png", b"MZ not a picture"),
        "14": ("application/x-msdownload", b"MZ"),
        "15": ("image/png", PNG + b"\0" * 5_000_001),
    }
    meta.post(meta.message("document", {"id": "12", "mime_type": "text/plain", "filename": "warranty.txt"}))
    meta.post(meta.message("image", {"id": "11", "mime_type": "image/png", "caption": "Is this covered?"}))
    for number in ("13", "14", "15"):
        meta.post(meta.message("image", {"id": number, "mime_type": graph.files[number][0]}))
    scripted_model.enqueue("Yes.")
    run_jobs()
    session = seen(here, "session")[0].id
    files = channels.list_files(here, session)
    assert [(f.name, f.state, f.size) for f in files] == [
        ("warranty.txt", "stored", 31),
        ("Picture", "stored", len(PNG)),
        ("Picture", "refused", 0),
        ("Picture", "refused", 0),
        ("Picture", "too_large", 0),
    ]
    request = str(scripted_model.requests[-1])
    assert "Is this covered?" in request and "three years" in request, "caption and text are usable"
    assert channels.read_attachment(here, session, files[1].id)[1] == PNG
    with pytest.raises(NotFound):
        channels.read_attachment(there, session, files[1].id)
    channels_blobs = [f.blob for f in files if f.blob]
    from webchatagent.core.conversations import delete_conversation
    from webchatagent.core.retention import sweep_blobs

    assert sweep_blobs(here) == 0
    delete_conversation(here, session)
    assert channels.list_files(here, session) == [] and seen(here, "person") == [] and seen(here) == []
    for blob in channels_blobs:
        with pytest.raises(FileNotFoundError):
            here.platform.blobs.get(here.id, blob)


def test_a_file_that_lies_elsewhere_is_not_fetched(here, meta, graph, seen, run_jobs, scripted_model):
    graph.files = {"11": ("image/png", PNG)}
    graph.elsewhere = "https://files.example.org/11"
    meta.post(meta.message("image", {"id": "11", "mime_type": "image/png"}))
    run_jobs()
    assert [f.state for f in channels.list_files(here, seen(here, "session")[0].id)] == ["lost"]


def test_a_fault_while_a_file_is_fetched_is_tried_again(here, meta, graph, seen, due, run_jobs, scripted_model):
    graph.token = "another for a moment"
    meta.post(meta.message("image", {"id": "11", "mime_type": "image/png"}))
    run_jobs()
    assert [r.state for r in seen(here, "incoming")] == ["waiting"]
    graph.token, graph.files = "token-of-acme", {"11": ("image/png", PNG)}
    due()
    assert [f.state for f in channels.list_files(here, seen(here, "session")[0].id)] == ["stored"]


def test_what_a_killed_process_kept_already_is_not_kept_again(here, meta, graph, seen, run_jobs, scripted_model):
    graph.files = {"11": ("image/png", PNG)}
    meta.post(meta.message("image", {"id": "11", "mime_type": "image/png"}))
    meta.say("START")
    run_jobs()
    rows = seen(here, "incoming")
    kept = (len(seen(here, "message")), len(channels.list_files(here, seen(here, "session")[0].id)))
    for row, payload in zip(rows, ({"data": {"id": "11", "mime_type": "image/png"}}, {"text": "START"}), strict=True):
        with here.write() as db:
            db.execute(update(Incoming).where(Incoming.id == row.id).values(payload=payload))
        again = seen(here, "incoming")[rows.index(row)]
        handle._answer(here, seen(here, "person")[0], again, last=False)  # killed before it wrote the end
    assert (len(seen(here, "message")), len(channels.list_files(here, seen(here, "session")[0].id))) == kept


# -- the team ---------------------------------------------------------------------------------------------------


def test_the_team_answers_by_hand_while_the_window_is_open(here, there, meta, graph, seen, run_jobs, scripted_model):
    meta.say("A human, please")
    run_jobs()
    session = seen(here, "session")[0].id
    channel = channels.find_channel(here, "whatsapp")
    assert channel.window(session).until > now() + timedelta(hours=23)
    channels.answer_by_hand(here, session, "Here I am.")
    run_jobs()
    assert graph.texts()[-1] == "Here I am." and seen(here, "message")[-1].role == "agent"
    key = seen(here, "message")[-1].public_id
    meta.post(meta.status(seen(here)[-1].meta_id, "read"))
    assert channel.deliveries(session)[key].state == "read"
    with pytest.raises(NotFound):
        channels.answer_by_hand(there, session, "Not mine")
    with here.write() as db:
        db.execute(update(Person).values(last_in_at=now() - timedelta(hours=24, minutes=1)))
    with pytest.raises(Conflict):
        channels.answer_by_hand(here, session, "Too late")
    assert "24 hours" in channel.window(session).closed["en"]


def test_an_answer_that_comes_after_the_window_is_not_sent(here, meta, graph, seen, run_jobs, scripted_model):
    meta.say("Hello")
    with here.write() as db:
        db.execute(update(Person).values(last_in_at=now() - timedelta(hours=25)))
    run_jobs()
    assert graph.sent == [] and {(o.state, o.reason) for o in seen(here)} == {("failed", "why_window")}


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("location", {"latitude": 1, "longitude": 2, "name": "Home"}, "What would you like to know?"),
        (
            "contacts",
            [{"name": {"formatted_name": "Eve"}, "phones": [{"phone": "+1 2"}]}],
            "What would you like to know?",
        ),
        ("order", {"catalog_id": "1", "product_items": [{}]}, "What would you like to know?"),
        ("unsupported", {}, "cannot read"),
        ("hologram", {}, "cannot read"),
        ("reaction", {"message_id": "wamid.x", "emoji": "👍"}, ""),
        ("system", {"type": "user_identity_changed"}, ""),
        ("audio", {"id": "99", "mime_type": "audio/ogg; codecs=opus", "voice": True}, "can only read text"),
    ],
)
def test_every_kind_has_its_answer(here, meta, graph, seen, run_jobs, scripted_model, kind, content, said):
    graph.files = {"99": ("audio/ogg", b"OggS....")}
    meta.post(meta.message(kind, content))
    run_jobs()
    assert scripted_model.requests == [] and [r.state for r in seen(here, "incoming")] == ["done"]
    assert said in graph.texts()[-1] if said else graph.sent == []
    assert "Eve" not in str([m.text for m in seen(here, "message")])

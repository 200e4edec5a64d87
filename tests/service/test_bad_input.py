"""What people send by mistake or on purpose, through a real server with its real pipeline.

Each ends in an error of the contract's shape or in a document state with a sentence; nothing is lost, nothing half
done, and neither an answer nor the log holds a trace. (A full disk: `test_full_disk`; a second server on
one data folder: `test_cli_processes`.)
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
import unicodedata
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pypdf import PdfWriter
from sqlalchemy import select

from webchatagent.core.chunks import Legs
from webchatagent.core.db.sources import Source
from webchatagent.testing.house import TRACES, assert_error, house_in

pytestmark = pytest.mark.service
QUESTION = "When does the walrus sleep?"


class Inside(BaseHTTPRequestHandler):
    """A service that only this machine may see; remembers who came."""

    def do_GET(self):
        self.server.seen.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<p>The walrus is the administrator.</p>")

    def log_message(self, *_):
        pass


class Site(BaseHTTPRequestHandler):
    """A site that may be read; each of its pages leads to where the path says."""

    def do_GET(self):
        target = self.server.leads_to.get(self.path)
        self.send_response(302 if target else 404)
        self.send_header("Location", target or "")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def listening(handler, **attributes):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        vars(server).update(attributes)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def inside():
    with listening(Inside, seen=[]) as server:
        yield server


@pytest.fixture(scope="module")
def site(inside):
    port = inside.server_port
    leads_to = {
        "/port": f"http://127.0.0.1:{port}/secret",
        "/name": f"http://localhost:{port}/secret",
        "/number": f"http://2130706433:{port}/secret",
        "/cloud": "http://169.254.169.254/latest/meta-data/",
        "/file": "file:///etc/passwd",
        "/round": "/round",
    }
    with listening(Site, leads_to=leads_to) as server:
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def running(tmp_path_factory, migrated_database, site):
    work = tmp_path_factory.mktemp("bad-input")
    (work / "data").mkdir()
    with house_in(work / "data", work, migrated_database, private_hosts=site) as here:
        here.upload("walrus.txt", b"The walrus sleeps on the ice until noon.")
        here.ended("walrus.txt")
        yield here


@pytest.fixture
def house(running):
    """The server; after each test it still answers, its parts agree, and its log holds no trace."""
    before = len(running.server.log)
    yield running
    assert "noon" in running.chat(QUESTION)[2]
    running.assert_whole()
    assert not TRACES.search(running.server.log[before:])


HUGE = json.dumps({"message": "x" * 5_000_000}).encode()
BODIES = {
    "nothing": (b"", 422, "invalid_request"),
    "half of an object": (b"{", 422, "invalid_request"),
    "no UTF-8": (b'{"message":"\xff"}', 422, "invalid_request"),
    "half of a letter": (b'{"message":"\\ud800"}', 422, "invalid_request"),
    "a list": (b"[1]", 422, "invalid_request"),
    "a thousand brackets": (b"[" * 100_000, 422, "invalid_request"),
    "no bot": (b'{"message":"x"}', 422, "invalid_request"),
    "a bot that is a number": (b'{"message":"x","chatbotId":7}', 422, "invalid_request"),
    "an unknown bot": (
        b'{"message":"x","chatbotId":"00000000-0000-4000-8000-000000000000"}',
        404,
        "bot_not_found",
    ),
    "a bot by its slugs": (b'{"message":"x","chatbotId":"acme/bot"}', 404, "bot_not_found"),
    "five megabytes": (HUGE, 413, "message_too_long"),
    "five megabytes in pieces": (
        iter([HUGE[i : i + 100_000] for i in range(0, len(HUGE), 100_000)]),
        413,
        "message_too_long",
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_body_is_refused(house, what):
    body, status, code = BODIES[what]
    assert_error(house.send("POST", "/api/chat", body, **{"Content-Type": "application/json"}), status, code)


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        (None, 422, "invalid_request"),
        ("", 422, "invalid_request"),
        (" \n ", 422, "invalid_request"),
        (["x"], 422, "invalid_request"),
        ("x" * 4001, 413, "message_too_long"),
    ],
)
def test_a_bad_message_is_refused(house, message, status, code):
    answer = house.chat(message)
    assert_error(answer, status, code)
    assert json.loads(answer[2])["error"]["field"] == "message"


@pytest.mark.parametrize("path", ["/api/chat/end", "/api/chat/feedback"])
@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_other_calls_refuse_what_is_no_object(house, path, body):
    assert_error(house.send("POST", path, body), 422, "invalid_request")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost@evil.example", "http://[", "x" * 9000]
)
def test_a_page_of_another_origin_is_refused(house, origin):
    answer = house.chat(QUESTION, Origin=origin)
    assert_error(answer, 403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer[1]


@pytest.mark.seed("SR-154")
def test_a_session_of_another_tenant_opens_nothing_and_stays_whole(house):
    foreign = house.chat("Wo ist das Walross?", house.foreign)[1]["X-Chat-Session-Id"]
    before = house.history(foreign)
    status, headers, _ = house.chat(QUESTION, **{"X-Chat-Session-Id": foreign})
    assert status == 200 and headers["X-Chat-Session-Id"] != foreign
    assert house.history(foreign) == before and len(before) == 2
    assert [m["role"] for m in house.history(headers["X-Chat-Session-Id"])] == ["visitor", "bot"]


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 60_000_000)
    return out.getvalue()


def pdf(password=""):
    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(200, 200)
    if password:
        writer.encrypt(password)
    writer.write(out)
    return out.getvalue()


def packed(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(200)
FILES = {  # name as sent: (bytes, state, words of the sentence)
    "bomb.docx": (bomb, "too_large", "unpacks to far more"),
    "inner.zip": (lambda: packed(a=b"text"), "unsupported", "unpack it"),
    "locked.pdf": (lambda: pdf("secret"), "encrypted", "password"),
    "scan.pdf": (pdf, "no_text", "no text"),
    "cut.pdf": (lambda: pdf()[:60], "broken", "damaged"),
    "not.pdf": (lambda: b"%PDF-1.7\nbroken", "broken", "damaged"),
    "empty.txt": (bytes, "no_text", ""),
    "blank.docx": (lambda: b" \n ", "no_text", "empty"),
    "setup.exe": (lambda: PROGRAM, "unsupported", "Programs"),
    "invoice.pdf": (lambda: PROGRAM, "unsupported", "Programs"),
    "noise.bin": (lambda: bytes(range(256)) * 40, "unsupported", "not read"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_ends_in_a_state_with_a_sentence(house, name):
    make, state, words = FILES[name]
    status, _, text = house.upload(name, make())
    assert status == 200 and json.loads(text) == {"documents": 1, "unchanged": 0}
    document = house.ended(name)
    assert (document.state, document.chunks) == (state, 0)
    assert words in document.error and len(document.error) > 10 and not TRACES.search(document.error)


NAMES = {  # as sent: as kept
    "../../../../tmp/climbs.txt": "tmp/climbs.txt",
    "..\\..\\climbs back.txt": "climbs back.txt",
    "/etc/absolute.txt": "etc/absolute.txt",
    "हिन्दी/खुलने का समय.txt": "हिन्दी/खुलने का समय.txt",
    unicodedata.normalize("NFD", "Öffnungszeiten.txt"): "Öffnungszeiten.txt",
    "nul\0l.txt": "null.txt",
    "CON: <b>?.txt": "CON: <b>?.txt",
    "long" * 200 + ".txt": ("long" * 200 + ".txt")[-500:],
}


@pytest.mark.parametrize("name", NAMES, ids=lambda n: n[:20].encode("ascii", "replace").decode())
def test_an_odd_name_is_kept_as_a_name_and_never_a_path(house, name):
    word = "quokka" + "".join(chr(97 + b % 26) for b in name.encode())[:30]
    status, _, text = house.upload(name, f"The animal is called {word}.".encode())
    assert status == 200 and json.loads(text)["documents"] == 1
    document = house.ended(NAMES[name])
    assert document.state == "searchable"
    hits = house.platform.chunks.search(house.bot.tenant.id, house.bot.id, Legs(stems=[word]), 5)["stem"]
    assert len(hits) == 1
    assert not list(house.platform.settings.folder.parent.rglob("*climbs*"))


@pytest.mark.parametrize("page", ["port", "name", "number", "cloud", "file", "round"])
def test_a_site_that_leads_inside_is_unreachable(house, site, inside, page):
    address = f"http://{site}/{page}"
    house.post_admin(f"/sources/{house.bot.id}/website", {"url": address})
    document = house.ended(address)
    assert (document.state, document.chunks) == ("unreachable", 0) and len(document.error) > 10
    assert inside.seen == [] and "walrus" not in document.error and not TRACES.search(document.error)
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        with house.bot.tenant.read() as db:
            if db.scalar(select(Source.state).where(Source.target == address)) == "ready":
                return
        time.sleep(0.05)
    pytest.fail("the source is not ready")


def test_an_upload_without_a_file_or_a_right_is_refused(house):
    assert_error(house.post_admin(f"/sources/{house.bot.id}/upload", {"name": "x.txt"}), 422, "invalid_request")
    foreign = house.post_admin(f"/sources/{house.foreign.id}/upload", {"name": "x.txt", "file": ("x", b"x")})
    assert_error(foreign, 404, "bot_not_found")

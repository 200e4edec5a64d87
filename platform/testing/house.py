"""A real server with two tenants, seen from all sides: a visitor, a person at the admin, and what is stored."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import select

from ..admin.accounts import create_user
from ..app import build_platform
from ..core.bots import LiveBot, create_bot
from ..core.db.sources import Document
from ..core.documents import PASSING
from ..core.settings import load_settings
from ..core.tenants import Platform, create_tenant
from .processes import ServerProcess, by_words_only

OWNER, PASSWORD = "owner@example.org", "a long enough secret"
Answer = tuple[int, Mapping[str, str], str]
"""Status, headers, text."""
TRACES = re.compile(r"Traceback|File \"|sqlalchemy|sqlite3|site-packages|SELECT |INSERT ", re.I)
"""What neither an answer nor a log may hold."""


class House:
    """A server, the platform of its data folder as this process sees it, a person at its admin, and a visitor."""

    def __init__(self, server: ServerProcess, platform: Platform, bot: LiveBot, foreign: LiveBot) -> None:
        self.server, self.platform, self.bot, self.foreign = server, platform, bot, foreign
        self._http, self._token = urllib3.PoolManager(retries=False), ""
        self._cookies: dict[str, str] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request."""
        answer = self._http.request(
            method, self.server.url + path, body=body, headers=headers, redirect=False, timeout=60
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.headers, answer.data.decode()

    def chat(self, message: object, bot: LiveBot | None = None, **headers: str) -> Answer:
        """A visitor's message to a bot, the first tenant's unless another is given."""
        body = json.dumps({"message": message, "chatbotId": (bot or self.bot).public_id})
        return self.send("POST", "/api/chat", body, **headers)

    def history(self, session: str) -> list[dict[str, Any]]:
        """The messages of a session, as its visitor gets them."""
        found = json.loads(self.send("GET", "/api/chat/history", **{"X-Chat-Session-Id": session})[2])
        return list(found["messages"])

    def post_admin(self, path: str, fields: Mapping[str, Any]) -> Answer:
        """A form of the first tenant's owner, as a script sends it; logs in when that has not happened yet."""
        if not self._cookies:
            self._look("/admin/login/")
            self._post("/admin/login/", {"csrf_token": self._token, "email": OWNER, "password": PASSWORD})
        self._look("/admin/")
        return self._post("/admin" + path, fields)

    def _jar(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}

    def _look(self, path: str) -> None:
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.send("GET", path, **self._jar())[2])
        assert found, path
        self._token = found[1]

    def _post(self, path: str, fields: Mapping[str, Any]) -> Answer:
        body, kind = urllib3.encode_multipart_formdata(fields)
        own = {"Content-Type": kind, "X-CSRFToken": self._token, "X-Requested-With": "XMLHttpRequest"}
        return self.send("POST", path, body, **own, **self._jar())

    def upload(self, name: str, data: bytes) -> Answer:
        """A file for the first tenant's bot, through the admin."""
        return self.post_admin(f"/sources/{self.bot.id}/upload", {"name": name, "file": ("blob", data)})

    def documents(self) -> dict[str, Document]:
        """The bot's documents by external id."""
        with self.bot.tenant.read() as db:
            return {d.external_id: d for d in db.scalars(select(Document).where(Document.bot_id == self.bot.id))}

    def ended(self, external_id: str) -> Document:
        """The document, once it is in a state that stays."""
        limit = time.monotonic() + 60
        while True:
            found = self.documents().get(external_id)
            if found is not None and found.state not in PASSING:
                return found
            assert time.monotonic() < limit, (external_id, sorted(self.documents()), self.server.log)
            time.sleep(0.05)

    def assert_whole(self) -> None:
        """What is on the disk and in the index is exactly what the rows of the first tenant say."""
        rows = self.documents().values()
        folder = self.platform.settings.folder / "blobs"
        kept = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        assert kept == sorted(d.blob for d in rows if d.blob)
        assert self.platform.chunks.stats(self.bot.tenant.id).chunks == sum(d.chunks for d in rows)
        assert all(bool(d.chunks) == (d.state == "searchable") for d in rows)


@contextlib.contextmanager
def house_in(folder: Path, work: Path, database: Path, **settings: str) -> Iterator[House]:
    """A house whose data are in `folder`, on a copy of `database`; its log is in `work`. Without limits."""
    shutil.copy(database, folder / "webchatagent.sqlite")
    platform = build_platform(
        load_settings({}, data=str(folder), elasticsearch_url=settings.get("elasticsearch_url", ""))
    )
    bots = [create_bot(create_tenant(platform, s, s.title()), "bot", "Bot") for s in ("acme", "globex")]
    create_user(platform, OWNER, tenant=bots[0].tenant, role="owner", password=PASSWORD)
    own = {f"WEBCHATAGENT_{name.upper()}": value for name, value in {"rate_limits": "off", **settings}.items()}
    try:
        with ServerProcess(folder, work / "server.log", {**by_words_only(work), **own}) as server:
            yield House(server, platform, *bots)
    finally:
        platform.database.close()
        platform.chunks.close()


def assert_error(answer: Answer, status: int, code: str) -> None:
    """The contract's error shape, and nothing of the inside."""
    found, _, text = answer
    error = json.loads(text)["error"]
    assert (found, error["code"]) == (status, code)
    assert set(error) <= {"code", "message", "field"} and error["message"][-1] in ".)"
    assert not TRACES.search(text)

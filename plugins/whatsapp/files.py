"""Files that people send: fetched from Meta with the token, checked for kind and size, and kept with the conversation."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from webchatagent.core.api import Tenant

from .client import Graph, GraphFailed
from .config import Config

MB = 1_000_000
MOST = {"image": 5 * MB, "sticker": MB, "audio": 16 * MB, "video": 16 * MB, "document": 25 * MB}
KINDS: dict[str, tuple[bytes, ...]] = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG",),
    "image/webp": (b"RIFF",),
    "audio/aac": (b"\xff\xf1", b"\xff\xf9"),
    "audio/amr": (b"#!AMR",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/mp4": (),
    "audio/ogg": (b"OggS",),
    "video/mp4": (),
    "video/3gpp": (),
    "application/pdf": (b"%PDF",),
    "text/plain": (),
    "text/csv": (),
    "application/msword": (b"\xd0\xcf\x11\xe0",),
    "application/vnd.ms-excel": (b"\xd0\xcf\x11\xe0",),
    "application/vnd.ms-powerpoint": (b"\xd0\xcf\x11\xe0",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (b"PK",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (b"PK",),
}
"""What is taken, with what its bytes begin with; nothing for kinds without such a sign at their begin."""


@dataclass(frozen=True)
class Fetched:
    """A file that came. `state` is stored, refused (its kind, or not what it says), too_large or lost."""

    name: str
    media_type: str
    data: bytes = field(default=b"", repr=False)
    state: str = "stored"


def fetch(tenant: Tenant, kind: str, data: dict[str, Any], *, last: bool) -> Fetched:
    """Get a file. Raises GraphFailed for what may pass, unless it is the last try: it is lost then."""
    name, said = str(data.get("filename") or ""), media_type_of(str(data.get("mime_type") or ""))
    if said and said not in KINDS:
        return Fetched(name, said, state="refused")
    graph = Graph(tenant.config(Config))
    try:
        found = graph.file(str(data["id"]))
        size, media_type = _int(found.get("file_size")), media_type_of(str(found.get("mime_type") or said))
        if media_type not in KINDS:
            return Fetched(name, media_type, state="refused")
        if size > MOST[kind]:
            return Fetched(name, media_type, state="too_large")
        content = graph.download(str(found.get("url") or ""), MOST[kind])
    except GraphFailed as error:
        if error.reason == "too large":
            return Fetched(name, said, state="too_large")
        if (error.passing or error.setup) and not last:
            raise
        return Fetched(name, said, state="lost")
    right = _is(media_type, content) and _whole(content, str(found.get("sha256") or ""))
    return Fetched(name, media_type, content) if right else Fetched(name, media_type, state="refused")


def media_type_of(text: str) -> str:
    """The media type without its parameters, in small letters."""
    return text.partition(";")[0].strip().lower()[:100]


def _is(media_type: str, content: bytes) -> bool:
    """Whether bytes begin as their kind does."""
    signs = KINDS[media_type]
    return bool(content) and (not signs or content.startswith(signs))


def _whole(content: bytes, digest: str) -> bool:
    """Whether the digest that Meta names is right; it counts where it is written as hexadecimal digits."""
    digest = digest.lower()
    written = len(digest) == 64 and not set(digest) - set("0123456789abcdef")
    return not written or hashlib.sha256(content).hexdigest() == digest


def _int(value: Any) -> int:
    return int(value) if isinstance(value, (int, str)) and str(value).isdigit() else 0

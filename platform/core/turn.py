"""A chat turn: a question on its way to an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .bots import LiveBot
from .db.chats import Message
from .models import ModelRequest
from .retrieval import Found
from .sessions import OpenSession
from .vault import Vault

STALE_SECONDS = 15.0
"""A turn that nobody wrote to for this long is cut: its process is gone (a live one writes every second or beats)."""


@dataclass
class Turn:
    """A question on its way. `state` says what there is: new, running (in another reader's hands) or done."""

    id: int
    public_id: str
    bot: LiveBot
    session: OpenSession
    question: str
    language: str
    state: str = "new"
    answer: Message | None = None
    refused: bool = False
    past: Sequence[Message] = ()
    found: Found | None = None
    request: ModelRequest | None = None
    vault: Vault = field(default_factory=Vault)

"""A chat turn: a question on its way to an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .bots import LiveBot
from .db.chats import Message
from .models import ModelRequest
from .retrieval import Found
from .sessions import OpenSession
from .tools import Offered
from .vault import Vault

STALE_SECONDS = 15.0
"""A turn that nobody wrote to for this long is cut: its process is gone (a live one writes every second or beats)."""


@dataclass
class Turn:
    """A question on its way. `state` says what there is: new, running (in another reader's hands) or done.

    `tools` may be called for it, by the names that the model uses. `follow_up` is the question before, when this one
    leans on it and its passages are found once it was said in full. `parts` are those of an answer that is stored.
    """

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
    tools: Mapping[str, Offered] = field(default_factory=dict)
    follow_up: str = ""
    parts: Sequence[dict[str, Any]] = ()

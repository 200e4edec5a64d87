"""A chat turn: a question on its way to an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .bots import LiveBot
from .caps import STALE_SECONDS as STALE_SECONDS
from .db.chats import Message
from .models import ModelRequest
from .resolver import Candidate
from .retrieval import Found
from .sessions import OpenSession
from .vault import Vault


@dataclass
class Turn:
    """A question on its way. `state` says what there is: new, running (in another reader's hands) or done.

    `models` answer in place of the bot's own where a cap is reached; `capped` is the code of that then.
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
    models: Sequence[Candidate] | None = None
    capped: str = ""
    began: float = field(default_factory=time.perf_counter)

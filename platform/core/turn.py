"""A chat turn: a question on its way to an answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .bots import LiveBot
from .caps import STALE_SECONDS as STALE_SECONDS
from .db.chats import Message
from .models import ModelRequest
from .resolver import Candidate
from .retrieval import Found
from .sessions import OpenSession
from .tools import Offered
from .vault import Vault


@dataclass
class Turn:
    """A question on its way. `state` says what there is: new, running (in another reader's hands) or done.

    `tools` may be called for it, by the names that the model uses. `follow_up` is the question before, when this one
    leans on it and its passages are found once it was said in full. `parts` are those of an answer that is stored.
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
    tools: Mapping[str, Offered] = field(default_factory=dict)
    follow_up: str = ""
    parts: Sequence[dict[str, Any]] = ()
    models: Sequence[Candidate] | None = None
    capped: str = ""
    began: float = field(default_factory=time.perf_counter)

"""The public names for plugins: the only module of the platform that a plugin imports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .documents import Blob, Connector, ExtractedText, Failed, Finding, FoundDocument, SourceSpec, State, Unchanged
from .errors import DocumentProblem, WebChatAgentError
from .hookspecs import hookimpl
from .sandbox import run_limited

if TYPE_CHECKING:
    from .fetch import Fetched, Fetcher, FetchFailed, FetchRefused

__all__ = [
    "Blob",
    "Connector",
    "DocumentProblem",
    "ExtractedText",
    "Failed",
    "FetchFailed",
    "FetchRefused",
    "Fetched",
    "Fetcher",
    "Finding",
    "FoundDocument",
    "SourceSpec",
    "State",
    "Unchanged",
    "WebChatAgentError",
    "hookimpl",
    "make_fetcher",
    "run_limited",
]
_LAZY = frozenset({"Fetched", "Fetcher", "FetchFailed", "FetchRefused"})


def make_fetcher(**options: Any) -> Fetcher:
    """A Fetcher that may call the operator's WEBCHATAGENT_PRIVATE_HOSTS; options as of `Fetcher`."""
    from .fetch import Fetcher

    listed = os.environ.get("WEBCHATAGENT_PRIVATE_HOSTS", "").split(",")
    return Fetcher(frozenset(h.strip() for h in listed if h.strip()), **options)


def __getattr__(name: str) -> Any:
    # Fetching brings urllib3 along; a process that only reads files does without.
    if name in _LAZY:
        from . import fetch

        return getattr(fetch, name)
    raise AttributeError(name)

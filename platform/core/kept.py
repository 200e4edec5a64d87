"""Clients of other services, kept so that their connections are."""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

Client = TypeVar("Client")
MOST = 64


class KeptClients(Generic[Client]):
    """Keeps up to 64 clients by a key that holds everything they are made from; the least used is forgotten first.

    A client that is used on an event loop belongs to that loop (`here`); one for threads is shared by all (`threads`).
    """

    def __init__(self) -> None:
        self._loops: weakref.WeakKeyDictionary[Any, OrderedDict[Hashable, Client]] = weakref.WeakKeyDictionary()
        self._shared: OrderedDict[Hashable, Client] = OrderedDict()
        self._lock = Lock()

    def here(self, key: Hashable, make: Callable[[], Client]) -> Client:
        """The client of the running event loop."""
        return self._get(self._loops.setdefault(asyncio.get_running_loop(), OrderedDict()), key, make)

    def threads(self, key: Hashable, make: Callable[[], Client]) -> Client:
        """The client that threads share."""
        return self._get(self._shared, key, make)

    def _get(self, kept: OrderedDict[Hashable, Client], key: Hashable, make: Callable[[], Client]) -> Client:
        with self._lock:
            if key not in kept:
                kept[key] = make()
                if len(kept) > MOST:
                    kept.popitem(last=False)
            kept.move_to_end(key)
            return kept[key]

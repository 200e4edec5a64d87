"""What a process tells those who watch it about each turn: an outcome and what it took, never who asked or what.

Core knows nobody who watches; `web.metrics` and `web.tracing` put themselves here.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which prometheus_client looks for the folder of counts that several processes share."""
log = logging.getLogger(__name__)
Outcome = Literal["answered", "refused", "capped", "cut"]
Observer = Callable[[Outcome, Mapping[str, Any]], None]
observers: list[Observer] = []
"""Called after each turn with its outcome and the record of `spent.record_of`."""


def count_together(folder: Path) -> None:
    """Let the processes that this one starts count in one place. Before prometheus_client is imported anywhere."""
    place = folder / "metrics"
    shutil.rmtree(place, ignore_errors=True)  # those of an earlier start
    place.mkdir(mode=0o700)
    os.environ[FOLDER] = str(place)


def tell(outcome: Outcome, record: Mapping[str, Any]) -> None:
    """Tell all who watch. What fails there is logged, and never keeps an answer from its reader."""
    for observer in observers:
        try:
            observer(outcome, record)
        except Exception:  # a watcher must not be able to break a turn
            log.exception("a turn could not be counted")

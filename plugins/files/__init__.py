"""Files and folders as a source, and the text of every common kind of file."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Blob, Connector, ExtractedText, hookimpl


@hookimpl
def connectors(tenant: Any) -> list[Connector]:
    """The kind of source `file`."""
    from .connector import CONNECTOR

    return [CONNECTOR]


@hookimpl
def extract_text(tenant: Any, blob: Blob) -> ExtractedText | None:
    """Read any file in the sandbox."""
    from .reading import read

    return read(blob)

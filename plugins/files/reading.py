"""From a document's bytes to its text, in the sandbox."""

from __future__ import annotations

from webchatagent.core.api import Blob, DocumentProblem, ExtractedText, run_limited

MAX_BYTES = 50_000_000
SECONDS = 60.0


def read(blob: Blob) -> ExtractedText:
    """The text of a document. Raises DocumentProblem with the state the document ends in."""
    if len(blob.data) > MAX_BYTES:
        raise DocumentProblem(
            "too_large", f"The file is larger than {MAX_BYTES // 1_000_000} MB", "split it into smaller files"
        )
    if not blob.data.strip():
        raise DocumentProblem("no_text", "The file is empty")
    return ExtractedText(**run_limited("webchatagent.plugins.files.extract:extract", blob, seconds=SECONDS))

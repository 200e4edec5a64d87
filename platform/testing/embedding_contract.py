"""What every embedding model must do, whichever provider it asks. A plugin runs it with an `EmbeddingWire` of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import pytest

from ..core.models import EmbeddingModel, ModelFailed
from .scripted_server import HANG, ScriptedServer, scripted_server

KEY = "sk-canary-5f2a9c"


class EmbeddingWire(Protocol):
    """How one provider sends vectors."""

    def model(self, url: str, *, key: str, timeout: float) -> EmbeddingModel:
        """A model with vectors of four dimensions that asks the server at `url`."""

    def body(self, vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
        """The body of an answer."""

    def texts(self, body: Any) -> list[str]:
        """The texts of a request."""


class EmbeddingContract:
    """See the module."""

    wire: ClassVar[EmbeddingWire]

    @pytest.fixture
    def server(self) -> Iterator[ScriptedServer]:
        """The provider."""
        with scripted_server() as server:
            yield server

    @pytest.fixture
    def model(self, server: ScriptedServer) -> EmbeddingModel:
        """A model that asks the provider and is not patient."""
        return self.wire.model(server.url, key=KEY, timeout=0.4)

    def test_vectors_have_length_one_and_the_order_of_their_texts(
        self, server: ScriptedServer, model: EmbeddingModel
    ) -> None:
        server.answer(self.wire.body([[3, 0, 0, 4], [0, 2, 0, 0]]))
        found = model.embed_documents(["first", "second"])
        assert self.wire.texts(server.asked[0].json) == ["first", "second"]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [[0.6, 0, 0, 0.8], [0, 1, 0, 0]], atol=1e-6)

    def test_a_question_is_one_vector(self, server: ScriptedServer, model: EmbeddingModel) -> None:
        server.answer(self.wire.body([[1, 0, 0, 0]]))
        assert model.embed_query("when?").shape == (4,)

    def test_the_space_names_provider_model_and_length(self, model: EmbeddingModel) -> None:
        assert model.space.dimensions == 4 and model.space.id.endswith(":test-embedding@4")

    @pytest.mark.parametrize("vectors", [[[1, 0, 0]], [], [[1, 0, 0, 0]] * 3, [[float("nan"), 0, 0, 0]] * 2])
    def test_vectors_of_another_shape_are_an_error(
        self, server: ScriptedServer, model: EmbeddingModel, vectors: list[list[float]]
    ) -> None:
        server.answer(self.wire.body(vectors))
        with pytest.raises(ModelFailed) as caught:
            model.embed_documents(["first", "second"])
        assert caught.value.trouble == "odd"

    @pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"{}", b"[1", b""])
    def test_what_is_no_vector_is_an_error(self, server: ScriptedServer, model: EmbeddingModel, body: bytes) -> None:
        server.answer(body, 200, "text/html" if body.startswith(b"<") else "application/json")
        with pytest.raises(ModelFailed):
            model.embed_query("when?")

    @pytest.mark.parametrize(("status", "trouble"), [(401, "key"), (500, "unreachable")])
    def test_a_refusal_is_named_and_not_tried_again(
        self, server: ScriptedServer, model: EmbeddingModel, status: int, trouble: str
    ) -> None:
        server.answer({"error": {"code": status, "message": "no", "status": "NO"}}, status)
        with pytest.raises(ModelFailed) as caught:
            model.embed_query("when?")
        assert caught.value.trouble == trouble and len(server.asked) == 1
        assert KEY not in f"{caught.value!r}{caught.value}"

    def test_silence_ends_in_time(self, server: ScriptedServer, model: EmbeddingModel) -> None:
        server.script(HANG)
        with pytest.raises(ModelFailed) as caught:
            model.embed_query("when?")
        assert caught.value.trouble == "unreachable"

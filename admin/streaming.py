"""Answers that grow, where no event loop serves the request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from flask import Response

from webchatagent.core import loop


def whole(body: AsyncIterator[bytes], headers: Mapping[str, str]) -> Response:
    """The body at once, when it is complete: for servers that cannot stream."""

    async def read() -> bytes:
        return b"".join([part async for part in body])

    return Response(loop.run(read()), headers=dict(headers))

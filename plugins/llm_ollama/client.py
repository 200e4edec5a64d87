"""The only place with Ollama's client library: clients that are kept, and its errors in our words."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import EgressRefused, KeptClients, ModelFailed, cause_of

from .config import Config

CONNECT_SECONDS = 5.0
_kept: KeptClients[Any] = KeptClients()


def _options(config: Config) -> dict[str, Any]:
    import httpx

    token = config.token.get_secret_value()
    return {
        "host": config.base_url,
        "timeout": httpx.Timeout(config.timeout, connect=CONNECT_SECONDS),
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "follow_redirects": False,  # a redirect could lead anywhere
        "trust_env": False,
    }


def _key(config: Config) -> tuple[str, ...]:
    return (config.base_url, config.token.get_secret_value(), str(config.timeout))


def async_client(config: Config) -> Any:
    """The client of this event loop for a configuration; it keeps its connections."""
    import ollama

    return _kept.here(_key(config), lambda: ollama.AsyncClient(**_options(config)))


def client(config: Config) -> Any:
    """The client for threads."""
    import ollama

    return _kept.threads(_key(config), lambda: ollama.Client(**_options(config)))


def explain(error: Exception) -> ModelFailed:
    """What went wrong, by the library's error. Nothing of the server's text is kept: it may repeat what was sent."""
    import httpx
    import ollama

    if refused := cause_of(error, EgressRefused):
        return ModelFailed("unreachable", refused.message, refused.cure)
    if isinstance(error, ollama.ResponseError):
        return _by_status(error.status_code, _retry_after(error))
    if isinstance(error, httpx.TimeoutException):
        return ModelFailed("unreachable", "The server did not answer in time.", "try again, or raise the time-out")
    if isinstance(error, (ConnectionError, httpx.TransportError)):
        return ModelFailed("unreachable", "The server cannot be reached.", "check the address, and that Ollama runs")
    return ModelFailed("odd", "The server sent something that is no answer.", "check the address")


def _retry_after(error: Exception) -> int | None:
    """What a gateway in front of the server said; the library's error keeps it in its context only."""
    import httpx

    answer = cause_of(error, httpx.HTTPStatusError)
    value = answer.response.headers.get("retry-after", "") if answer else ""
    return int(value) if value.isdigit() else None


def _by_status(status: int, retry_after: int | None) -> ModelFailed:
    if status in (401, 403):
        return ModelFailed("key", "The server refuses the token.", "enter a token that is valid")
    if status == 404:
        return ModelFailed("odd", "The server does not have this model.", "run `ollama pull` for it")
    if status in (429, 503):
        return ModelFailed("busy", "The server is busy.", "try again", retry_after=retry_after)
    if status >= 500 or status < 0:
        return ModelFailed("unreachable", "The server has a fault.", "try again, or see its log")
    return ModelFailed("odd", f"The server refuses the request (status {status}).", "check the model's name")

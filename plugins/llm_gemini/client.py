"""The only place with Google's SDK: clients that are kept, and its errors in our words."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import EgressRefused, KeptClients, ModelFailed, cause_of

from .config import Config

VERSION = "v1beta"  # v1 takes no system instruction
_kept: KeptClients[Any] = KeptClients()


def _make(config: Config) -> Any:
    from google import genai
    from google.genai import types

    return genai.Client(
        api_key=config.api_key.get_secret_value() or "none",
        http_options=types.HttpOptions(
            base_url=config.base_url,
            api_version=VERSION,
            timeout=int(config.timeout * 1000),
            retry_options=types.HttpRetryOptions(attempts=1),  # the platform tries again, within its own deadline
        ),
    )


def _key(config: Config) -> tuple[str, ...]:
    return (config.base_url, config.api_key.get_secret_value(), str(config.timeout))


def async_client(config: Config) -> Any:
    """The client of this event loop for a configuration; it keeps its connections."""
    return _kept.here(_key(config), lambda: _make(config)).aio


def client(config: Config) -> Any:
    """The client for threads."""
    return _kept.threads(_key(config), lambda: _make(config))


def explain(error: Exception) -> ModelFailed:
    """What went wrong, by the SDK's error. Nothing of the provider's text is kept: it may repeat what was sent."""
    import httpx2
    from google.genai import errors

    if refused := cause_of(error, EgressRefused):
        return ModelFailed("unreachable", refused.message, refused.cure)
    if isinstance(error, errors.APIError):
        return _by_status(error)
    if isinstance(error, httpx2.TimeoutException):
        return ModelFailed("unreachable", "The provider did not answer in time.", "try again, or raise the time-out")
    if isinstance(error, httpx2.TransportError):
        return ModelFailed("unreachable", "The provider cannot be reached.", "check the address")
    return ModelFailed("odd", "The provider sent something that is no answer.", "check the address")


def _by_status(error: Any) -> ModelFailed:
    status, said = int(error.code or 0), f"{error.status} {error.message}"
    if status in (401, 403) or "API_KEY_INVALID" in str(error.details) or "API key not valid" in said:
        return ModelFailed("key", "The provider refuses the key.", "enter a key that is valid")
    if status == 429:
        return ModelFailed(
            "busy", "The provider is busy, or the quota is used up.", "try again", retry_after=_wait(error)
        )
    if status == 400 and "token count" in said:
        return ModelFailed(
            "too_long", "The question and its passages are too long for the model.", "take a larger model"
        )
    if status == 404:
        return ModelFailed("odd", "The provider does not know this model or address.", "check both")
    if status >= 500 or status == 408:
        return ModelFailed("unreachable", "The provider has a fault.", "try again later")
    return ModelFailed("odd", f"The provider refuses the request (status {status}).", "check the model's name")


def _wait(error: Any) -> int | None:
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("retry-after", ""))
    return int(value) if value.isdigit() else None

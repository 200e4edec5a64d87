"""The only place with OpenAI's SDK: clients that are kept, and its errors in our words."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import EgressRefused, KeptClients, ModelFailed, cause_of

from .config import Config

CONNECT_SECONDS = 5.0
_kept: KeptClients[Any] = KeptClients()


def _options(config: Config) -> dict[str, Any]:
    import httpx2

    return {
        "api_key": config.api_key.get_secret_value() or "none",
        "base_url": config.base_url,
        "max_retries": 0,  # the platform tries again, within its own deadline
        "timeout": httpx2.Timeout(config.timeout, connect=CONNECT_SECONDS),
    }


def _key(config: Config) -> tuple[str, ...]:
    return (config.base_url, config.api_key.get_secret_value(), str(config.timeout))


def async_client(config: Config) -> Any:
    """The client of this event loop for a configuration; it keeps its connections."""
    import openai

    return _kept.here(_key(config), lambda: openai.AsyncOpenAI(**_options(config)))


async def post(config: Config, path: str, body: dict[str, Any]) -> Any:
    """Send a request by the SDK and get its answer as it comes: an open `httpx2.Response`, to be closed.

    The SDK's own methods walk through each request by its types first, which costs a third of the whole call.
    """
    import httpx2
    import openai

    return await async_client(config).post(
        path,
        cast_to=httpx2.Response,
        body=body,
        stream=True,
        stream_cls=openai.AsyncStream[object],
        options={"headers": {"X-Stainless-Raw-Response": "stream"}},
    )


def client(config: Config) -> Any:
    """The client for threads."""
    import openai

    return _kept.threads(_key(config), lambda: openai.OpenAI(**_options(config)))


def explain(error: Exception) -> ModelFailed:
    """What went wrong, by the SDK's error. Nothing of the provider's text is kept: it may repeat what was sent."""
    import httpx2
    import openai

    if refused := cause_of(error, EgressRefused):
        return ModelFailed("unreachable", refused.message, refused.cure)
    if isinstance(error, openai.APIStatusError):
        return _by_status(error)
    if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)):
        return ModelFailed("unreachable", "The provider did not answer in time.", "try again, or raise the time-out")
    if isinstance(error, (openai.APIConnectionError, httpx2.TransportError)):
        return ModelFailed("unreachable", "The provider cannot be reached.", "check the address")
    return ModelFailed("odd", "The provider sent something that is no answer.", "check the address")


def _by_status(error: Any) -> ModelFailed:
    status, code = error.status_code, str(getattr(error, "code", "") or "")
    if status in (401, 403):
        return ModelFailed("key", "The provider refuses the key.", "enter a key that is valid")
    if code == "insufficient_quota" or status == 402:
        return ModelFailed("quota", "The account at the provider has no credit left.", "add credit there")
    if status == 429:
        return ModelFailed("busy", "The provider is busy.", "try again", retry_after=_retry_after(error))
    if code == "context_length_exceeded" or status == 413:
        return ModelFailed(
            "too_long", "The question and its passages are too long for the model.", "take a larger model"
        )
    if code in ("content_filter", "content_policy_violation"):
        return ModelFailed("filtered", "The provider refuses to answer this question.")
    if status == 404:
        return ModelFailed("odd", "The provider does not know this model or address.", "check both")
    if status >= 500 or status == 408:
        return ModelFailed("unreachable", "The provider has a fault.", "try again later")
    return ModelFailed("odd", f"The provider refuses the request (status {status}).", "check the model's name")


def _retry_after(error: Any) -> int | None:
    value = error.response.headers.get("retry-after", "")
    return int(value) if value.isdigit() else None

"""One request to the tenant's service: built from templates, sent by the guarded fetcher, read as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from webchatagent.core.api import Fetched, FetchFailed, FetchRefused, ToolFailed, ToolUnsure, make_fetcher

from .config import NAME, Action, Config, names_in

MAX_BYTES = 1_000_000
HIDDEN = "[•••]"
NOT_SENT = ("fetch_no_host", "fetch_tls")


def call(config: Config, action: Action, arguments: Mapping[str, Any], action_id: str = "") -> Any:
    """Do it, and return the part of the answer that is shown; secrets that the service repeats are hidden.

    Raises ToolFailed when the service does not know or refuses it, ToolUnsure when nobody can say what it did.
    """
    url, headers, body = request_of(config, action, arguments)
    if action_id:
        headers["Idempotency-Key"] = action_id
    host = urlsplit(config.base_url).hostname
    fetcher = make_fetcher(deadline=config.timeout, max_bytes=MAX_BYTES)
    try:
        answer = fetcher.send(action.method, url, headers, body, lambda found: found == host)
    except FetchRefused:
        raise ToolFailed("The address of the service cannot be called.") from None
    except FetchFailed as error:
        kind = ToolUnsure if action.only_proposes and error.code not in NOT_SENT else ToolFailed
        raise kind("The service cannot be reached, or took too long.") from None
    _judge(answer, action)
    return _without(_shown(answer, action), config.secrets().values())


def request_of(
    config: Config, action: Action, arguments: Mapping[str, Any]
) -> tuple[str, dict[str, str], bytes | None]:
    """Address, headers and body of a request. Raises ToolFailed for a value that cannot stand where it should."""
    values = {**arguments, **{name: config.secrets().get(name, "") for name in ("secret_1", "secret_2")}}
    query = {name: _text(t, values) for name, t in action.query.items() if names_in(t) <= set(values)}
    url = config.base_url + NAME.sub(lambda m: _segment(values[m[1]]), action.path)
    if query:
        url += "?" + urlencode(query, quote_via=quote)
    headers = {"Accept": "application/json"}
    for name, template in {**config.headers, **action.headers}.items():
        if names_in(template) <= set(values):
            headers[name] = _header(_text(template, values))
    if action.body is None:
        return url, headers, None
    headers["Content-Type"] = "application/json"
    return url, headers, json.dumps(_filled(action.body, values), ensure_ascii=False).encode()


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(template: str, values: Mapping[str, Any]) -> str:
    return NAME.sub(lambda m: _said(values[m[1]]), template)


def _segment(value: Any) -> str:
    text = _said(value)
    if text in ("", ".", ".."):
        raise ToolFailed("A value cannot be empty or dots where it stands in the address.")
    return quote(text, safe="")


def _header(text: str) -> str:
    if not (text.isprintable() and text.isascii()):
        raise ToolFailed("A value cannot stand in a header.")
    return text


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """A body with its values. A text that is one value only keeps the value's type; without a value it is left out."""
    if isinstance(template, str):
        whole = NAME.fullmatch(template)
        return values[whole[1]] if whole else _text(template, values)
    if isinstance(template, dict):
        return {k: _filled(v, values) for k, v in template.items() if not (_lacks(v, values))}
    if isinstance(template, list):
        return [_filled(v, values) for v in template if not _lacks(v, values)]
    return template


def _lacks(template: Any, values: Mapping[str, Any]) -> bool:
    return isinstance(template, str) and not names_in(template) <= set(values)


def _judge(answer: Fetched, action: Action) -> None:
    if 200 <= answer.status < 300:
        return
    if answer.status in (404, 410):
        raise ToolFailed("The service does not know this.")
    if answer.status >= 500 and action.only_proposes:
        raise ToolUnsure(f"The service has a fault (status {answer.status}).")
    raise ToolFailed(f"The service refuses the request (status {answer.status}).")


def _shown(answer: Fetched, action: Action) -> Any:
    if not answer.body.strip():
        return None
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/plain"):
        return answer.body.decode("utf-8", "replace")
    try:
        value = json.loads(answer.body)
        if action.show:
            import jmespath

            value = jmespath.search(action.show, value)
    except (ValueError, RecursionError):  # JMESPath's own errors are ValueErrors
        if action.only_proposes:
            return None  # it was done; what it says about that does not matter
        raise ToolFailed("The service sent something that cannot be read.") from None
    return value


def _without(value: Any, secrets: Any) -> Any:
    """The value without the tenant's secrets: a service may repeat what it was sent."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    if isinstance(value, dict):
        return {_without(k, secrets): _without(v, secrets) for k, v in value.items()}
    return value

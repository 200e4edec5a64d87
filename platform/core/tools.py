"""Tools: what plugins let a model do during a turn. The model asks by name; what is run is decided here.

Nothing that a model says is trusted: names are looked up among the tenant's own tools, arguments are checked by the
tool's schema, and a tool that changes something never runs in a turn. It only proposes; see `actions`.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from .egress import calling
from .errors import WebChatAgentError
from .models import ToolSpec
from .storable import storable
from .vault import UNKNOWN, WITHHELD, Vault

if TYPE_CHECKING:
    from .tenants import Tenant

log = logging.getLogger(__name__)
PERSONAL = "x-personal-data"
"""The key of a schema's property whose placeholders are replaced by the visitor's values before the tool runs."""
MOST_TOOLS = 32
MOST_ARGUMENTS = 20_000
"""Characters of the arguments of one call."""
MOST_AT_ONCE = 4
"""Calls of one plugin of one tenant that run at once: a tool that hangs must not take the threads of all others."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ToolFailed(WebChatAgentError):
    """A tool cannot do what it was asked for. The sentence goes to the model; a visitor who confirmed reads `said`, in
    their language, or a sentence of ours when it is empty."""

    status, code = 502, "tool_failed"

    def __init__(self, message: str, cure: str = "", *, said: str = "") -> None:
        super().__init__(message, cure)
        self.said = said


class ToolUnsure(ToolFailed):
    """A tool that writes failed in a way that leaves open whether it was done; the visitor is told so."""

    code = "tool_unsure"


@dataclass(frozen=True)
class ToolContext:
    """For whom a tool is offered or run. `action_id` is set when a visitor confirmed: it is the same each time, so a
    tool can hand it on as an idempotency key."""

    bot_id: int
    session_id: int
    language: str
    action_id: str = ""


@dataclass(frozen=True)
class WithParts:
    """What a tool returns that shows the visitor something: `result` is for the model, `parts` for the visitor alone.

    A part is a dict with a `type` that the widget knows; it is kept with the answer, so it holds nothing personal.
    """

    result: Any
    parts: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Prepared:
    """What a proposal comes to: the exact `arguments` that are bound and run, and the `facts` that the card shows."""

    arguments: dict[str, Any]
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Tool:
    """A function that a model may call.

    `name` is unique in its plugin; the model sees `<plugin>__<name>`. `parameters` is a JSON schema of an object, or a
    pydantic model; a property with `"x-personal-data": true` gets the visitor's real values, all others keep their
    placeholders. `run(arguments, context)` runs in a thread for at most `seconds`; it returns what the model reads (text
    or JSON), and raises ToolFailed with a sentence.
    With `writes` it runs only after the visitor confirmed a card with `title` and the arguments, each under its name of
    `labels`; it then returns the sentence that the visitor reads, or raises ToolFailed when nothing was done and
    ToolUnsure when that is not known.
    `prepare(arguments, context)` makes of what the model said what is to be done exactly, before the card is shown: its
    facts must name everything that `run` will do. It raises ToolFailed as `run` does, or returns WithParts to show
    something instead of proposing.
    """

    name: str
    description: str
    parameters: Mapping[str, Any] | type[BaseModel]
    run: Callable[[dict[str, Any], ToolContext], Any] = field(repr=False)
    writes: bool = False
    title: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 10.0
    prepare: Callable[[dict[str, Any], ToolContext], Prepared | WithParts] | None = field(default=None, repr=False)

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON schema of the arguments; what it does not name is refused unless it says otherwise."""
        given = self.parameters
        made = given.model_json_schema() if isinstance(given, type) else given
        return {"additionalProperties": False, **made}


@dataclass(frozen=True)
class Offered:
    """A tool and the plugin that offers it."""

    plugin: str
    tool: Tool

    @property
    def name(self) -> str:
        """The name that the model uses."""
        return f"{self.plugin}__{self.tool.name}"

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        return ToolSpec(self.name, self.tool.description, _plain(self.tool.schema))


def offered_tools(tenant: Tenant, context: ToolContext) -> dict[str, Offered]:
    """The tools of a tenant's plugins by the name that a model uses. One that is not well formed is left out."""
    found: dict[str, Offered] = {}
    for plugin, tool in tenant.hooks.each("assistant_tools", tenant=tenant, context=context):
        offered = Offered(plugin, tool)
        if offered.name in found or len(found) >= MOST_TOOLS or not _well_formed(offered):
            log.warning("a tool of the plugin %s is left out: %.60s", plugin, tool.name)
        else:
            found[offered.name] = offered
    return found


def _well_formed(offered: Offered) -> bool:
    tool = offered.tool
    return bool(_NAME.fullmatch(tool.name)) and len(offered.name) <= 64 and tool.schema.get("type") == "object"


def _plain(schema: Any) -> Any:
    """A schema without our own key: providers refuse what they do not know."""
    if isinstance(schema, Mapping):
        return {k: _plain(v) for k, v in schema.items() if k != PERSONAL}
    return [_plain(item) for item in schema] if isinstance(schema, (list, tuple)) else schema


# -- arguments ------------------------------------------------------------------------------------------------


def read_arguments(tool: Tool, text: str, vault: Vault) -> dict[str, Any]:
    """The arguments of a call, checked, with personal values put back where the schema wants them.

    Raises ToolFailed with what is wrong and never with a value: the sentence goes back to the model.
    """
    if len(text) > MOST_ARGUMENTS:
        raise ToolFailed("The arguments are too long.")
    try:
        given = json.loads(text or "{}", parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ToolFailed("The arguments are not valid JSON.") from None
    if not isinstance(given, dict):
        raise ToolFailed("The arguments must be a JSON object.")
    restored = vault.restore_json(_clean(given), tool.schema)
    _check(tool.schema, restored)
    if _unresolved(restored, given):
        raise ToolFailed("A placeholder in the arguments stands for nothing. Ask the visitor for the value.")
    return dict(restored)


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(k): _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, list) else value


def _check(schema: Mapping[str, Any], arguments: dict[str, Any]) -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    try:
        error = next(validator.iter_errors(arguments), None)
    except (jsonschema.exceptions.SchemaError, RecursionError, re.error):
        raise ToolFailed("The arguments cannot be checked.") from None
    if error is not None:
        where = ".".join(str(p) for p in error.absolute_path) or "arguments"
        rule = json.dumps(error.validator_value, default=str)[:200]
        raise ToolFailed(f"{where[:80]} does not fit its schema ({error.validator}: {rule}).")


def _unresolved(restored: Any, given: Any) -> bool:
    """Whether a placeholder was replaced by a mark that says that it stands for nothing, or may not be shown."""
    after, before = json.dumps(restored, ensure_ascii=False), json.dumps(given, ensure_ascii=False)
    return any(after.count(mark) > before.count(mark) for mark in (UNKNOWN, WITHHELD))


# -- running --------------------------------------------------------------------------------------------------

_lock = threading.Lock()
_running: Counter[tuple[int, str]] = Counter()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(16, thread_name_prefix="tool")


def start_tool(
    tenant: Tenant, offered: Offered, arguments: dict[str, Any], context: ToolContext, *, prepare: bool = False
) -> Future[Any]:
    """Run a tool, or its `prepare`, in a thread, in its plugin's name. The future raises ToolFailed for whatever fails.

    Whoever waits stops after `tool.seconds`; the thread is the tool's to end.
    """
    key = (tenant.id, offered.plugin)
    with _lock:
        if _running[key] >= MOST_AT_ONCE:
            raise ToolFailed("The tool is busy. Try again in a minute.")
        _running[key] += 1

    def work() -> Any:
        try:
            with calling(offered.plugin, tenant):
                run = offered.tool.prepare if prepare and offered.tool.prepare else offered.tool.run
                return run(arguments, context)
        except ToolFailed:
            raise
        except BaseException as error:  # even SystemExit: a plugin ends its own call and no process
            log.exception("the tool %s failed", offered.name)
            raise ToolUnsure("The tool failed.") from error

    try:
        future = _pool().submit(Context().run, work)
    except BaseException:  # the pool is closing, or no thread can be had: the call must not count as running for ever
        _over(key)
        raise
    future.add_done_callback(lambda _: _over(key))
    return future


def _over(key: tuple[int, str]) -> None:
    with _lock:
        _running[key] -= 1
        if _running[key] <= 0:
            del _running[key]

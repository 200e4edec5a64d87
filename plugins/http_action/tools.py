"""The tenant's look-ups and actions as tools."""

from __future__ import annotations

from functools import partial
from typing import Any

from webchatagent.core.api import Tool, ToolContext

from .config import Action, Config, Parameter

NOTHING = "The service found nothing."


def tools(config: Config) -> list[Tool]:
    """One for each; none without an address."""
    return [tool(config, action) for action in config.actions] if config.base_url else []


def tool(config: Config, action: Action) -> Tool:
    """A look-up that runs at once, or an action that is only proposed."""
    return Tool(
        action.name,
        action.description,
        schema(action),
        partial(run, config, action),
        writes=action.only_proposes,
        title=action.title,
        labels={p.name: p.label for p in action.parameters if p.label},
        seconds=config.timeout + 2,
    )


def schema(action: Action) -> dict[str, Any]:
    """The JSON schema of its parameters."""
    return {
        "type": "object",
        "properties": {p.name: _property(p) for p in action.parameters},
        "required": [p.name for p in action.parameters if p.required],
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    made: dict[str, Any] = {"type": parameter.type, "description": parameter.description}
    if parameter.type == "string":
        made["maxLength"] = parameter.max_length
    if parameter.choices:
        made["enum"] = list(parameter.choices)
    if parameter.personal:
        made["x-personal-data"] = True
    return made


def run(config: Config, action: Action, arguments: dict[str, Any], context: ToolContext) -> Any:
    """See Tool.run. An action that was done says the tenant's own sentence."""
    from .client import call

    found = call(config, action, arguments, context.action_id)
    if action.only_proposes:
        return action.done
    return NOTHING if found in (None, [], {}, "") else found

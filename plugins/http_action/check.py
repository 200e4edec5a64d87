"""Trying a configuration before it is saved: every look-up that has an example is done once."""

from __future__ import annotations

from webchatagent.core.api import Problem, ToolFailed

from .client import call
from .config import SECRETS, Action, Config, names_in
from .tools import schema


def problems(config: Config) -> list[Problem]:
    """What is wrong. What writes is never tried."""
    if not config.actions:
        return []
    if not config.base_url:
        return [Problem("The look-ups have no service to ask.", "base_url", "enter its address")]
    used = names_in([config.headers, [[a.query, a.headers, a.body] for a in config.actions]])
    missing = [s for s in SECRETS if s in used and s not in config.secrets()]
    if missing:
        return [Problem(f"{missing[0]} is used and is not set.", missing[0], "enter it")]
    return [p for action in config.actions for p in _tried(config, action)]


def _tried(config: Config, action: Action) -> list[Problem]:
    if action.example is None:
        return []
    import jsonschema

    if next(jsonschema.Draft202012Validator(schema(action)).iter_errors(action.example), None):
        return [Problem(f"The example of {action.name} does not fit its parameters.", "actions", "correct the example")]
    if action.only_proposes:
        return []
    try:
        found = call(config, action, action.example)
    except ToolFailed as error:
        return [Problem(f"{action.name}: {error.message}", "actions", "check address, path, headers and example")]
    if found in (None, [], {}, ""):
        cure = "check `show` and the example"
        return [Problem(f"{action.name}: the service answered, and nothing of it would be shown.", "actions", cure)]
    return []

"""Filters that belong to a request.

Flask-AppBuilder keeps one mutable `Filters` object per view, shared by all threads; two people who search at once see
each other's terms (its issue 2366). Here each request works on its own copy.
"""

from __future__ import annotations

import copy
from typing import Any

from flask import g, has_request_context
from flask_appbuilder.api import ModelRestApi
from flask_appbuilder.baseviews import BaseModelView


def _get(view: Any) -> Any:
    shared = view.__dict__.get("_filters_shared")  # the constructors ask for every name before this one is set
    if shared is None or not has_request_context():
        return shared
    own = g.setdefault("fab_filters", {})
    if id(view) not in own:
        own[id(view)] = copy.copy(shared)  # the tables of possible filters are only read, so they may be shared
        own[id(view)].clear_filters()  # makes fresh lists
    return own[id(view)]


def _set(view: Any, value: Any) -> None:
    view.__dict__["_filters_shared"] = value


def patch_fab() -> None:
    """Give every view of Flask-AppBuilder, its own included, filters per request. Call before `AppBuilder`."""
    for cls in (BaseModelView, ModelRestApi):
        cls._filters = property(_get, _set)

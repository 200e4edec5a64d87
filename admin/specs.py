"""What a screen is: declared here, built by `fab.views`. Plugins hand over the same dataclass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wtforms import Form

from webchatagent.core.tenants import Tenant

from .roles import Rights, rights

Text = Any
"""A string, or a lazy one that is translated when it is shown."""


@dataclass(frozen=True)
class AdminAction:
    """A button on rows: `run(tenant, rows)` gets the rows of this tenant that were chosen."""

    name: str
    label: Text
    run: Callable[[Tenant, list[Any]], None]
    confirm: Text = ""
    needs: str = "edit"


@dataclass(frozen=True)
class AdminView:
    """A list of rows with its pages. What is empty does not exist: no `add_columns` and no `add_form`, no adding.

    `id` is the path and, with the plugin's name in front, the name of the permission. `add_form` with `add`, and
    `edit_form` with `fill` and `change`, lead through a function of core instead of writing the row here.
    """

    id: str
    model: type[Any]
    title: Text
    list_columns: Sequence[str]
    show_columns: Sequence[str] = ()
    add_columns: Sequence[str] = ()
    edit_columns: Sequence[str] = ()
    search_column: str = ""
    labels: Mapping[str, Text] = field(default_factory=dict)
    formatters: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    order: tuple[str, str] = ("id", "desc")
    icon: str = "dot"
    in_menu: bool = True
    group: str = "work"
    rights: Rights = field(default_factory=rights)
    actions: Sequence[AdminAction] = ()
    can_delete: bool = False
    add_title: Text = ""
    intro: Text = ""
    empty_title: Text = ""
    empty_text: Text = ""
    add_form: type[Form] | None = None
    add: Callable[[Tenant, Any], int] | None = None
    edit_form: type[Form] | None = None
    fill: Callable[[Any], dict[str, Any]] | None = None
    change: Callable[[Tenant, Any, Any], None] | None = None
    show_template: str = ""
    edit_template: str = ""
    show_values: Callable[[Tenant, Any], dict[str, Any]] | None = None

    @property
    def class_name(self) -> str:
        """The name of the view class, which Flask-AppBuilder uses for endpoints and permissions."""
        return "".join(part.capitalize() for part in self.id.replace("-", "_").split("_")) + "View"

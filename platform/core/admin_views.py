"""Screens of the admin as declarations. Core and plugins hand them over; the admin builds guarded pages from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .roles import Rights, rights
from .tenants import Tenant

Text = Any
"""A string, a lazy one, or one string per language: `{"en": "Orders", "de": "Bestellungen", "hi": "ऑर्डर"}`."""
Format = Literal["time", "clock", "number", "bytes", "language", "code", "yes_no", "json", "sentence"]


@dataclass(frozen=True)
class AdminAction:
    """A button on rows: `run(tenant, rows)` gets the rows of this tenant that were chosen; needs the verb `needs`."""

    name: str
    label: Text
    run: Callable[[Tenant, list[Any]], None]
    confirm: Text = ""
    needs: str = "edit"


@dataclass(frozen=True)
class AdminExport:
    """A table to take along as CSV or XLSX: `rows(tenant)` gives its head and its lines, and is read while it is sent."""

    name: str
    label: Text
    rows: Callable[[Tenant], Iterator[Sequence[object]]]
    needs: str = "edit"


@dataclass(frozen=True)
class AdminView:
    """A list of rows with its pages. What is empty does not exist: no `add_columns` and no `add_form`, no adding.

    `model` is a tenant-owned table. `id` is the path and the name of the permission; the name of a plugin is put in
    front. `formats` and `formatters` say how a column is shown, `values` the words for its values; the columns of
    `filters` get a button for each of their values. `add_form` with `add`, `edit_form` with `fill` and `change`, and
    `delete` lead through a function of core instead of writing the row here. `exports` are tables to take along.
    """

    id: str
    model: type[Any]
    title: Text
    list_columns: Sequence[str]
    show_columns: Sequence[str] = ()
    add_columns: Sequence[str] = ()
    edit_columns: Sequence[str] = ()
    search_column: str = ""
    filters: Sequence[str] = ()
    labels: Mapping[str, Text] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)
    formatters: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    order: tuple[str, str] = ("id", "desc")
    icon: str = "dot"
    in_menu: bool = True
    group: str = "work"
    rights: Rights = field(default_factory=rights)
    actions: Sequence[AdminAction] = ()
    exports: Sequence[AdminExport] = ()
    can_delete: bool = False
    add_title: Text = ""
    edit_title: Text = ""
    intro: Text = ""
    empty_title: Text = ""
    empty_text: Text = ""
    add_form: type[Any] | None = None
    add: Callable[[Tenant, Any], int] | None = None
    edit_form: type[Any] | None = None
    fill: Callable[[Any], dict[str, Any]] | None = None
    change: Callable[[Tenant, Any, Any], None] | None = None
    delete: Callable[[Tenant, Any], None] | None = None
    confirm_delete: Text = ""
    said_deleted: Text = ""
    show_template: str = ""
    edit_template: str = ""
    show_values: Callable[[Tenant, Any], dict[str, Any]] | None = None

    @property
    def class_name(self) -> str:
        """The name of the view class, which Flask-AppBuilder uses for endpoints and permissions."""
        return "".join(part.capitalize() for part in self.id.replace("-", "_").split("_")) + "View"

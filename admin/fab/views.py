"""From declarations to guarded views: the pages of `AdminView` specs, and the base of pages made by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, ModelView
from flask_appbuilder.actions import ActionItem
from flask_appbuilder.models.sqla.filters import FilterContains, FilterEqual
from flask_appbuilder.views import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from sqlalchemy import inspect

from webchatagent.core import audit
from webchatagent.core.admin_views import AdminAction, AdminView
from webchatagent.core.clock import now
from webchatagent.core.egress import calling
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.exports import KINDS, write_table
from webchatagent.core.tenancy import TenantOwned

from ..formats import FORMATS, formatters_of, speaking
from ..messages import explain
from .declared_forms import declared_form, field_named, typed
from .interface import SafeInterface
from .session import place, release, tenant

__all__ = ["GuardedView", "Page", "build_view", "check_spec", "expose", "guard", "page", "to_login", "wants_json"]

NEVER = frozenset({"tenant", "tenant_id", "key_hash", "password", "config", "blob"})
"""Columns that no screen shows: they cross tenants, or are secrets."""
VERB_OF = {"list": "read", "show": "read", "add": "add", "edit": "edit", "delete": "delete"}


def wants_json() -> bool:
    """Whether a script asks, which cannot follow a redirect to the log-in."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def to_login() -> Any:
    """What somebody without a session gets: the log-in, or 401 for a script."""
    if wants_json():
        text = gettext("Your session has ended. Please sign in again.")
        return jsonify({"error": {"code": "session_ended", "message": text}}), 401
    parts = urlsplit(request.full_path.rstrip("?"))
    target = request.script_root + parts.path + (f"?{parts.query}" if parts.query else "")
    return redirect(url_for("LoginView.login", next=target if request.method == "GET" else None))


def guard(needs: str) -> Callable[[Any], Any]:
    """Let a method of a view run only for a person whose role holds the verb `needs` there."""

    def mark(function: Any) -> Any:
        @functools.wraps(function)
        def guarded(self: Any, *args: Any, **values: Any) -> Any:
            if not current_user.is_authenticated:
                return to_login()
            if place() is None or not self.appbuilder.sm.has_access(f"can_{needs}", self.class_permission_name):
                abort(403)
            return function(self, *args, **values)

        guarded._permission_name = needs  # type: ignore[attr-defined]
        return guarded

    return mark


def page(url: str = "/", needs: str = "read", methods: tuple[str, ...] = ("GET",)) -> Callable[[Any], Any]:
    """Put a method of a `Page` at a path, for the roles that hold the verb `needs` there."""
    return lambda function: expose(url, methods)(guard(needs)(function))


class Page(BaseView):  # type: ignore[misc]
    """A page made by hand. Subclasses set `rights`, `menu`, `label` and `icon`, and mark methods with `page`."""

    rights: Any = {}  # noqa: RUF012
    menu = ""
    label: Any = ""
    icon = "dot"

    def may(self, verb: str) -> bool:
        """Whether the person of this request holds a verb here, to show or to leave out a button."""
        return bool(self.appbuilder.sm.has_access(f"can_{verb}", self.class_permission_name))

    def show_page(self, template: str, **values: Any) -> str:
        """Render a template of ours; the request's own transaction ends before."""
        release()
        shown: str = self.render_template(template, view=self, **values)
        return shown


class GuardedView(ModelView):  # type: ignore[misc]
    """Rows of one table, within the tenant of the request. Made by `build_view`, never by hand."""

    spec: AdminView
    list_template = "wca/list.html"
    show_template = "wca/show.html"
    add_template = edit_template = "wca/form.html"
    page_size = 25
    method_permission_name = dict(VERB_OF)  # noqa: RUF012
    add_row_message, edit_row_message, delete_row_message = _("Added."), _("Saved."), _("Deleted.")
    database_error_message = _("The change could not be saved.")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.actions = {a.name: _action_item(a) for a in self.spec.actions}  # the base empties it last
        chips = [(c, self._flag(c, FilterEqual), self.spec.values.get(c, {})) for c in self.spec.filters]
        flag = self._flag(self.spec.search_column, FilterContains)
        self.extra_args = {"spec": self.spec, "view": self, "search_flag": flag, "chips": chips}

    def _init_properties(self) -> None:
        super()._init_properties()
        self.search_columns = [*filter(None, [self.spec.search_column]), *self.spec.filters]
        self._filters = self.datamodel.get_filters(self.search_columns)  # the base would allow every column

    def _flag(self, column: str, kind: type[Any]) -> str:
        """The query parameter of a kind of filter on a column."""
        found = self._filters.get_search_filters().get(column, [])
        return next((f"_flt_{n}_{column}" for n, f in enumerate(found) if type(f) is kind), "")

    def _get_list_widget(self, **values: Any) -> Any:
        """As the base, with the buttons that the person of this request may press."""
        needs = {a.name: a.needs for a in self.spec.actions}
        allowed = {name: item for name, item in self.actions.items() if self._holds(needs[name])}
        widgets = super()._get_list_widget(**values)
        widgets["list"].template_args["actions"] = allowed
        return widgets

    def _holds(self, verb: str) -> bool:
        return bool(self.appbuilder.sm.has_access(f"can_{verb}", self.class_permission_name))

    def may(self, verb: str) -> bool:
        """Whether there is such a page, and the person of this request may use it."""
        exists = {
            "add": self.spec.add or self.spec.add_columns,
            "edit": self.spec.change or self.spec.edit_columns,
            "delete": self.spec.can_delete or self.spec.delete,
            "read": True,
        }[verb]
        return bool(exists) and self._holds(verb)

    @expose("/list/")
    @guard("read")
    def list(self) -> Any:
        """A page of rows. A page or an order that makes no sense is ignored."""
        self._forget_nonsense()
        return super().list.__wrapped__(self)  # without the base's own check, which sends people in circles

    def _forget_nonsense(self) -> None:
        """Drop pages that are no numbers, and orders by columns that the list does not offer."""
        limits = {"page_": 100_000, "psize": 100}

        def good(key: str, value: str) -> bool:
            if key.startswith("_oc_"):
                return value in self.order_columns
            limit = limits.get(key[:5])
            return limit is None or (
                value.isdigit() and len(value) < 7 and int(value) <= limit and (key[:5] == "page_" or value != "0")
            )

        request.args = request.parameter_storage_class(
            [(k, v) for k, v in request.args.items(multi=True) if good(k, v)]
        )

    @expose("/show/<pk>")
    @guard("read")
    def show(self, pk: str) -> Any:
        """One row; 404 for what is not of this tenant."""
        row = self._row(pk)
        self._forget_nonsense()
        if not self.spec.show_template:
            return super().show.__wrapped__(self, pk)
        release()
        values = self.spec.show_values(tenant(), row) if self.spec.show_values else {}
        return self.render_template(self.spec.show_template, row=row, **values)

    @expose("/add", methods=["GET", "POST"])
    @guard("add")
    def add(self) -> Any:
        """The form of a new row, and what it sends."""
        if self.spec.add is None or self.spec.add_form is None:
            self._forget_nonsense()
            return super().add.__wrapped__(self)
        form, add = declared_form(self.spec.add_form, {}, self.spec.labels), self.spec.add
        sent = typed(self.spec.add_form, form)
        if sent is not None:
            made = self._core(lambda: add(tenant(), sent), form)
            if made is not None:
                flash(gettext("Added."), "success")
                return redirect(url_for(f".{'show' if self.spec.show_columns else 'list'}", pk=made))
        release()
        return self.render_template("wca/form.html", form=form, title=self.spec.add_title or self.spec.title)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @guard("edit")
    def edit(self, pk: str) -> Any:
        """The form of a row, and what it sends."""
        row = self._row(pk)
        if self.spec.change is None or self.spec.edit_form is None:
            self._forget_nonsense()
            return super().edit.__wrapped__(self, pk)
        release()
        form = declared_form(self.spec.edit_form, self.spec.fill(row) if self.spec.fill else {}, self.spec.labels)
        change, sent = self.spec.change, typed(self.spec.edit_form, form)
        if sent is not None and self._core(lambda: change(tenant(), row, sent) or True, form):
            flash(gettext("Saved."), "success")
            return redirect(url_for(".show", pk=pk))
        title = self.spec.edit_title or self.spec.title
        return self.render_template(self.spec.edit_template or "wca/form.html", form=form, row=row, title=title)

    @expose("/delete/<pk>", methods=["POST"])
    @guard("delete")
    def delete(self, pk: str) -> Any:
        """Delete a row of this tenant."""
        row = self._row(pk)
        if self.spec.delete is None:
            self._delete(pk)
            return redirect(url_for(".list"))
        release()
        try:
            with self._calling():
                self.spec.delete(tenant(), row)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        else:
            flash(str(self.spec.said_deleted or gettext("Deleted.")), "success")
        return redirect(url_for(".list"))

    @expose("/export/<string:name>.<string:kind>")
    def export(self, name: str, kind: str) -> Any:
        """A table to take along, sent while it is read."""
        if not current_user.is_authenticated:
            return to_login()
        wanted = next((e for e in self.spec.exports if e.name == name), None)
        if wanted is None or kind not in KINDS:
            abort(404)
        if place() is None or not self._holds(wanted.needs):
            abort(403)
        here = tenant()
        release()
        with here.write() as db:
            audit.record(db, audit.current_actor(), "table.exported", f"{self.spec.id}:{name}")
        file = f"{name}-{here.slug}-{now().date().isoformat()}.{kind}"
        return Response(
            write_table(kind, wanted.rows(here)),
            content_type=KINDS[kind],
            headers={"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"},
        )

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        """Run an action on one row."""
        return self._act(name, [pk])

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """Run an action on the chosen rows."""
        return self._act(request.form.get("action", ""), request.form.getlist("rowid"))

    def _act(self, name: str, pks: Sequence[str]) -> Any:
        if not current_user.is_authenticated:
            return to_login()
        wanted = next((a for a in self.spec.actions if a.name == name), None)
        if wanted is None:
            abort(404)
        if not self._holds(wanted.needs):
            abort(403)
        rows = [self._row(pk) for pk in pks[:500]]
        release()
        try:
            with self._calling():
                wanted.run(tenant(), rows)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        return redirect(url_for(".list"))

    def _row(self, pk: str) -> Any:
        text = not self.datamodel.is_integer(self.datamodel.get_pk_name())
        sound = len(pk) <= 36 if text else pk.isdigit() and len(pk) < 10
        row = self.datamodel.get(pk, self._base_filters) if sound else None
        if row is None:
            abort(404)
        return row

    def _calling(self) -> calling:
        """In the name of the plugin whose screen it is: it may call its own hosts."""
        return calling(self.appbuilder.plugins.get(type(self).__name__, ""), tenant())

    def _core(self, call: Callable[[], Any], form: Any) -> Any:
        """Call a function of core or of the plugin; what it refuses becomes the error of a field. None then."""
        release()
        try:
            with self._calling():
                return call()
        except WebChatAgentError as error:
            target = field_named(form, error.field) if error.field else None
            if target is None:
                flash(explain(error), "danger")
            else:
                target.errors = [*target.errors, explain(error)]
            return None


def _action_item(action: AdminAction) -> ActionItem:
    return ActionItem(action.name, action.label, action.confirm, "", True, True, action.run)


def check_spec(spec: AdminView) -> None:
    """Refuse a declaration that would show or write what it must not. Raises ValueError."""
    if not issubclass(spec.model, TenantOwned):
        raise ValueError(f"{spec.id}: {spec.model.__name__} belongs to no tenant")
    if not spec.list_columns:
        raise ValueError(f"{spec.id}: name the columns of the list; all of them is never meant")
    mapper = inspect(spec.model)
    named = [
        *spec.list_columns,
        *spec.show_columns,
        *spec.add_columns,
        *spec.edit_columns,
        *filter(None, [spec.search_column]),
        *spec.filters,
    ]
    for column in named:
        root, _dot, leaf = column.partition(".")
        if {root, leaf} & NEVER:
            raise ValueError(f"{spec.id}: {column} is never shown")
        if root not in mapper.all_orm_descriptors:
            raise ValueError(f"{spec.id}: {spec.model.__name__} has no {root}")
        relation = mapper.relationships.get(root)
        if relation is not None and not issubclass(relation.mapper.class_, TenantOwned):
            raise ValueError(f"{spec.id}: {root} leads to rows of every tenant")
        if column not in spec.labels:
            raise ValueError(f"{spec.id}: {column} has no label")
    keys = {mapper.get_property_by_column(c).key for r in mapper.relationships for c in r.local_columns}
    keys |= {mapper.get_property_by_column(c).key for c in mapper.columns if c.foreign_keys} | {"id", "public_id"}
    unknown = set(spec.formats.values()) - set(FORMATS)
    if unknown or not set(spec.filters) <= set(spec.values):
        raise ValueError(f"{spec.id}: {unknown or 'a filter'} has no words; see Format and `values`")
    for column in (*spec.add_columns, *spec.edit_columns):
        if column in keys:
            raise ValueError(f"{spec.id}: {column} cannot be typed; name the relation")


def build_view(spec: AdminView) -> type[GuardedView]:
    """The view class of a declaration. Raises ValueError as `check_spec`."""
    check_spec(spec)
    spec = speaking(spec)
    out = {"download"}
    out |= set() if spec.show_columns or spec.show_template else {"show"}
    out |= set() if spec.add or spec.add_columns else {"add"}
    out |= set() if spec.change or spec.edit_columns else {"edit"}
    out |= set() if spec.can_delete or spec.delete else {"delete"}
    out |= set() if spec.actions else {"action", "action_post"}
    out |= set() if spec.exports else {"export"}
    columns = {
        "list_columns": list(spec.list_columns),
        "show_columns": list(spec.show_columns or spec.list_columns),
        "add_columns": list(spec.add_columns or spec.list_columns[:1]),
        "edit_columns": list(spec.edit_columns or spec.list_columns[:1]),
    }
    return type(
        spec.class_name,
        (GuardedView,),
        {
            **columns,
            "__doc__": f"The screen `{spec.id}`.",
            "spec": spec,
            "datamodel": SafeInterface(spec.model),
            "route_base": f"/{spec.id}",
            "exclude_route_methods": out,
            "base_order": spec.order,
            "label_columns": dict(spec.labels),
            "formatters_columns": formatters_of(spec),
            "list_title": spec.title,
            "show_title": spec.title,
            "add_title": spec.add_title or spec.title,
            "edit_title": spec.edit_title or spec.title,
        },
    )

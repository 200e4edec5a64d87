"""Accounts elsewhere that a plugin connects: there and back, choosing, and taking it away."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.connections import Connection
from webchatagent.core.egress import calling
from webchatagent.core.errors import NotFound, WebChatAgentError
from webchatagent.core.login import LoginFailed
from webchatagent.core.tenants import Tenant

from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..links import link_to
from ..roles import rights

log = logging.getLogger(__name__)
SECONDS = 600
"""How long a person may take at the other company."""
SAID = {
    "over": _("This was not begun here, or too long ago. Please begin again."),
    "cancelled": _("The permission was not given. Nothing is connected."),
    "setup": _("The company refuses it, or not everything was permitted. Check the settings, and tick all boxes."),
    "unreachable": _("The company does not answer. Please try again later."),
}


def find_connection(here: Tenant, plugin: str) -> Connection | None:
    """What a plugin can connect, while it is on."""
    if plugin not in here.enabled:
        return None
    found = here.platform.registry.alone(plugin).each("connections", tenant=here)
    return next((connection for _, connection in found), None)


class ConnectionsPage(Page):
    """Owners connect and disconnect. What comes back counts in the browser, workspace and account that began it."""

    route_base = "/connections"
    default_view = "show"
    label = _("Connection")
    rights = rights(read=("owner", "operator"), private=True)

    @page("/<plugin>/")
    def show(self, plugin: str) -> str:
        """The account and its choices, or where it begins."""
        here, made = tenant(), self._found(plugin)
        choices: Sequence[tuple[str, str]] = ()
        trouble = ""
        if made.account and not made.broken:
            try:
                with calling(plugin, here):
                    choices = made.choices
            except WebChatAgentError:
                trouble = str(SAID["unreachable"])
        return self.show_page(
            "wca/connection.html",
            plugin=plugin,
            made=made,
            choices=choices,
            trouble=trouble,
            back=_back(plugin),
        )

    @page("/<plugin>/begin", needs="edit")
    def begin(self, plugin: str) -> Any:
        """Send the person there."""
        here, made = tenant(), self._found(plugin)
        with _told(), calling(plugin, here):
            address, kept = made.begin(_back(plugin))
            session["connecting"] = {"kept": kept, "until": int(time.time()) + SECONDS, **_whose(plugin)}
            return redirect(address)
        return redirect(url_for(".show", plugin=plugin))

    @page("/<plugin>/back", needs="edit")
    def back(self, plugin: str) -> Any:
        """They are sent back, once."""
        begun = session.pop("connecting", None) or {}
        here, made = tenant(), self._found(plugin)
        with _told(), calling(plugin, here):
            if {n: begun.get(n) for n in _whose(plugin)} != _whose(plugin) or begun["until"] < time.time():
                raise LoginFailed("over", "This was not begun here, or too long ago.")
            made.finish(request.args.to_dict(), begun["kept"])
            flash(gettext("It is connected."), "success")
        return redirect(url_for(".show", plugin=plugin))

    @page("/<plugin>/choose", needs="edit", methods=("POST",))
    def choose(self, plugin: str) -> Any:
        """Take one of the choices."""
        here, made = tenant(), self._found(plugin)
        with _told(), calling(plugin, here):
            made.choose(request.form.get("choice", ""))
            flash(gettext("It is chosen."), "success")
        return redirect(url_for(".show", plugin=plugin))

    @page("/<plugin>/disconnect", needs="edit", methods=("POST",))
    def disconnect(self, plugin: str) -> Any:
        """Forget the account."""
        here, made = tenant(), self._found(plugin)
        with calling(plugin, here):
            made.disconnect()
        flash(gettext("It is disconnected. What was made there stays."), "success")
        return redirect(url_for("MarketplacePage.show", plugin=plugin))

    def _found(self, plugin: str) -> Connection:
        made = find_connection(tenant(), plugin)
        if made is None:
            raise NotFound("There is nothing to connect.")
        return made


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Whatever goes wrong at the other company is said in a sentence, and changes nothing."""
    try:
        yield
    except LoginFailed as error:
        flash(str(SAID.get(error.trouble, SAID["over"])), "danger")
    except WebChatAgentError:
        flash(str(SAID["unreachable"]), "danger")
    except Exception:  # a plugin's code: it may fail in any way
        log.exception("a connection failed")
        flash(str(SAID["unreachable"]), "danger")


def _whose(plugin: str) -> dict[str, Any]:
    return {"plugin": plugin, "tenant": tenant().id, "user": int(current_user.id)}


def _back(plugin: str) -> str:
    return link_to(platform().settings, request.host_url, f"/connections/{plugin}/back")

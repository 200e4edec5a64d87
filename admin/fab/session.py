"""The database session of a request: guarded like every other, its scope the tenant the person works in."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import Engine
from sqlalchemy.orm import scoped_session, sessionmaker

from webchatagent.core import audit, support, tenancy
from webchatagent.core.closing import TenantClosed
from webchatagent.core.tenancy import TenantSession
from webchatagent.core.tenants import Platform, Tenant, load_tenant

from ..paging import MAX_NUMBER
from ..places import Place, choose_place, find_places

SAFE = ("GET", "HEAD", "OPTIONS")
OPEN_WHILE_CLOSED = frozenset(
    "ClosingPage AccountPage SupportPage SignInPage SecondStepPage LoginView InvitationPage RegisterPage ResetPage".split()
)
"""Pages that have nothing to do with what is in a tenant."""


def make_session(engine: Engine) -> scoped_session[TenantSession]:
    """Guarded sessions, one a thread, removed at the end of each request."""
    return scoped_session(sessionmaker(engine, class_=TenantSession, expire_on_commit=False))


def install(app: Flask, platform: Platform, db: scoped_session[TenantSession]) -> None:
    """Find out at the start of each request who works where, and leave the scope at its end."""
    app.extensions["wca_platform"] = platform
    app.extensions["wca_session"] = db
    writing = platform.database.engine.execution_options(write=True)

    def begin() -> Any:
        g.place, g.places, g.scope, g.acting = None, [], None, None
        if any(isinstance(v, int) and v > MAX_NUMBER for v in (request.view_args or {}).values()):
            abort(404)  # nobody's row has such a number
        if (request.endpoint or "").endswith("static"):
            return None
        if current_user.is_authenticated:
            g.places = find_places(db(), current_user.id, current_user.is_operator)
            g.place = choose_place(g.places, session.get("tenant_id"))
            g.scope = tenancy.enter_scope(g.place.tenant_id if g.place else None)
            g.acting = audit.enter_actor(f"user:{current_user.id}")
        release()
        if g.place is not None and g.place.role == "support":
            support.note_step(tenant(), current_user.id, f"{request.method} {request.path}")
        if g.place is not None and g.place.erase_at is not None:
            return _closed()
        if request.method not in SAFE:
            db().bind = writing  # a SQLite transaction that will write takes its lock at the start
        return None

    def end(_: BaseException | None) -> None:
        db.remove()
        token = g.pop("scope", None)
        if token is not None:
            tenancy.leave_scope(token)
        acting = g.pop("acting", None)
        if acting is not None:
            audit.leave_actor(acting)

    app.before_request(begin)
    app.teardown_request(end)


def _closed() -> Any:
    """What somebody gets who works in a closed tenant: their own pages, and else the one that says so."""
    if (request.endpoint or "").partition(".")[0] in OPEN_WHILE_CLOSED:
        return None
    if request.method in SAFE and request.headers.get("X-Requested-With") != "XMLHttpRequest":
        return redirect(url_for("ClosingPage.show"))
    raise TenantClosed("This workspace is closed.", "an owner can undo it")


def release() -> None:
    """End the transaction of the request's session, rows stay readable.

    A function of core opens its own transaction: on SQLite it would wait for ours, and ours for it.
    """
    current_app.extensions["wca_session"].commit()


def place() -> Place | None:
    """Where the person of this request works; None without a log-in or without any tenant."""
    found: Place | None = g.get("place")
    return found


def role() -> str:
    """The role of the person of this request, empty without one."""
    here = place()
    return here.role if here is not None else ""


def tenant() -> Tenant:
    """The tenant of this request, read once. Raises RuntimeError where there is none; guard the page first."""
    here = place()
    if here is None:
        raise RuntimeError("a page that needs a tenant was opened without one")
    if "tenant" not in g:
        release()
        g.tenant = load_tenant(current_app.extensions["wca_platform"], tenant_id=here.tenant_id)
    found: Tenant = g.tenant
    return found


def platform() -> Platform:
    """The platform of this process."""
    found: Platform = current_app.extensions["wca_platform"]
    return found

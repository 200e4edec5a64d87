"""Logging in, and what a role may do."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.views import AuthDBView
from flask_appbuilder.utils.limit import Limit
from flask_appbuilder.views import expose
from flask_babel import gettext
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_user, logout_user
from sqlalchemy import func, select, update
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response

from ..external import list_ways
from ..forms import LoginForm
from .models import AdminUser
from .session import place, platform, release, tenant

LIMIT = "10 per 20 second"
SESSION_SECONDS = 12 * 3600
"""How long a log-in holds at most; the cookie itself goes with the browser."""
HALF_SECONDS = 300
"""How long the second step may take after the first."""


def _account() -> str:
    waiting = str((session.get("half") or [""])[0] or (session.get("identity") or {}).get("email", ""))
    named = request.form.get("email", "").strip().lower()[:320] or waiting
    return f"account:{named}" if named else get_remote_address()


def account_limits(amount: str = LIMIT) -> list[Limit]:
    """Limits of a page without a log-in: per address, and per account that it names."""
    return [Limit(amount, key_func=key, methods=["POST"]) for key in (get_remote_address, _account)]


def address_limits(amount: str) -> list[Limit]:
    """Limits per address of pages whose reading calls another server."""
    return [Limit(amount, key_func=get_remote_address, methods=["GET"])]


class LoginView(AuthDBView):  # type: ignore[misc]
    """Log-in by e-mail and password, log-out by POST."""

    limits = account_limits()

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Response | str:
        """The form, and what it sends."""
        target = safe_target(request.args.get("next", ""))
        if current_user.is_authenticated:
            return redirect(target)
        form = LoginForm()
        if form.validate_on_submit():
            user = self.appbuilder.sm.sign_in(form.email.data, form.password.data)
            if user is not None:
                return admit(user, request.args.get("next", ""))
            flash(gettext("This e-mail and password do not match. Please try again."), "danger")
        open_here = platform().settings.registration == "open"
        page: str = self.render_template(
            "wca/login.html", form=form, registration=open_here, ways=list_ways(platform())
        )
        return page

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Response:
        """End this session and every other of the person, copied cookies included."""
        if current_user.is_authenticated:
            self.appbuilder.sm.revoke_sessions(current_user.id)
        locale = session.get("locale")
        logout_user()
        session.clear()
        if locale:
            session["locale"] = locale
        return redirect(self.appbuilder.get_url_for_login)


def safe_target(wanted: str) -> str:
    """Where to go after the log-in: a path of this app, never another host."""
    home: str = current_app.appbuilder.get_url_for_index  # type: ignore[attr-defined]
    parts = urlsplit(wanted.replace("\\", "/"))
    path = parts.path
    root = request.script_root + "/"
    if not path.startswith(root) or path.startswith("//") or any(ord(c) < 32 for c in wanted):
        return home
    return path + (f"?{parts.query}" if parts.query else "")


def admit(user: AdminUser, target: str) -> Response:
    """Let a person in who is proven, or ask for their second step first; then go to `target`, a path of this app."""
    if user.totp:
        session["half"] = [user.id, user.session_epoch, int(time.time()) + HALF_SECONDS]
        return redirect(url_for("SecondStepPage.show", next=target or None))
    start_session(user)
    return redirect(safe_target(target))


def find_person(user_id: int) -> AdminUser | None:
    """A person by id."""
    person: AdminUser | None = current_app.extensions["wca_session"].get(AdminUser, user_id)
    release()
    return person


def start_session(user: AdminUser | int) -> None:
    """Begin a session, of a person or of their id: nothing of an earlier one stays but the language."""
    if isinstance(user, int):
        found = find_person(user)
        assert found is not None
        return start_session(found)
    locale = user.locale or session.get("locale")
    session.clear()
    login_user(user, remember=False)
    session["epoch"], session["since"] = user.session_epoch, int(time.time())
    if locale:
        session["locale"] = locale


class AdminSecurity(SecurityManager):  # type: ignore[misc]
    """Rights come from the role in the tenant of the request, matched against code; no query, no REST, no JWT."""

    user_model = AdminUser
    authdbview = LoginView

    def register_views(self) -> None:
        """Only the log-in. Flask-AppBuilder's users, roles and groups are global and cross every tenant."""
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)

    def create_jwt_manager(self, app: Any) -> None:
        """There are no bearer tokens here."""

    def find_user(self, username: str | None = None, email: str | None = None) -> AdminUser | None:
        """A person by e-mail, whatever its case."""
        wanted = (email or username or "").strip().lower()
        found: AdminUser | None = (
            self.session.scalar(select(AdminUser).where(func.lower(AdminUser.email) == wanted)) if wanted else None
        )
        return found

    def sign_in(self, email: str, password: str) -> AdminUser | None:
        """The person of this e-mail and password, or None; both take as long, and no lock is held while hashing."""
        if not password.strip("\0"):
            return None
        user = self.find_user(email=email)
        release()
        known = user is not None and user.active and bool(user.password)
        stored = user.password if user is not None and known else current_app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"]
        right = check_password_hash(str(stored), password)
        if user is None or not known:
            return None
        self.count_login(user, right)
        return user if right else None

    def count_login(self, user: AdminUser, right: bool) -> None:
        """Note that a person came in, or that a password was wrong."""
        values: dict[str, Any] = {"fail_login_count": func.coalesce(AdminUser.fail_login_count, 0) + 1}
        if right:
            values = {
                "fail_login_count": 0,
                "login_count": func.coalesce(AdminUser.login_count, 0) + 1,
                "last_login": func.current_timestamp(),
            }
        self.session.execute(
            update(AdminUser)
            .where(AdminUser.id == user.id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        release()

    def revoke_sessions(self, user_id: int) -> None:
        """Make every cookie of the person worthless."""
        self.session.execute(
            update(AdminUser)
            .where(AdminUser.id == user_id)
            .values(session_epoch=AdminUser.session_epoch + 1)
            .execution_options(synchronize_session=False)
        )
        release()

    def load_user(self, pk: int) -> AdminUser | None:
        """The person of a cookie, unless it is too old or their sessions were ended meanwhile."""
        user: AdminUser | None = super().load_user(pk)
        fresh = time.time() - session.get("since", 0) < SESSION_SECONDS
        return user if user is not None and fresh and session.get("epoch") == user.session_epoch else None

    def get_user_roles(self, user: Any) -> list[Any]:
        """The role in the tenant of this request, as an object with a name."""
        here = place()
        return [SimpleNamespace(id=0, name=here.role)] if here is not None and user.is_authenticated else []

    def get_public_role(self) -> None:
        """Nobody may do anything without a log-in."""

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public."""
        return False

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Whether the role of this request may do this; the roles are code, so it costs no query."""
        if not current_user.is_authenticated:
            return False
        known = g.setdefault("access", {})
        if (permission_name, view_name) not in known:
            known[permission_name, view_name] = self._is_on(view_name) and any(
                self._has_access_builtin_roles(role, permission_name, view_name)
                for role in self.get_user_roles(current_user)
            )
        return bool(known[permission_name, view_name])

    def _is_on(self, view_name: str) -> bool:
        """Whether a view is core's, or its plugin is on for the tenant of this request."""
        plugin = self.appbuilder.plugins.get(view_name)
        return plugin is None or (place() is not None and plugin in tenant().enabled)

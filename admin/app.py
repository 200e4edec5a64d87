"""The admin's Flask app."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask
from flask_wtf.csrf import CSRFProtect

from webchatagent.core.admin_views import AdminView
from webchatagent.core.settings import Settings
from webchatagent.core.tenants import Platform
from webchatagent.proxies import trust_proxies
from webchatagent.widget import asset_path

from .languages import LANGUAGES
from .roles import fab_roles
from .streaming import whole

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
MOUNT = "/admin"


def create_admin(
    platform: Platform,
    views: Sequence[AdminView] = (),
    doctor: Callable[[Platform], Sequence[Any]] | None = None,
    stream: Callable[[AsyncIterator[bytes], dict[str, str]], Any] = whole,
) -> Flask:
    """The admin of an installation, to be mounted at `/admin`; `views` are further screens of core's kind.

    `doctor` looks at every part, for the health page of the operator; `stream` makes a response that grows.

    Reads nothing from the database; its tables must have been migrated before the first request.
    """
    from .fab import skin
    from .fab.builder import Builder, build_view
    from .fab.session import install, make_session
    from .views import PAGES, SPECS

    classes = [("", spec, build_view(spec)) for spec in (*SPECS, *views)]
    classes += list(declared_views(platform))
    specs = [spec for _, spec, _ in classes]
    # Flask looks for its instance folder below the root package, and `admin` lies beside it.
    app = Flask("webchatagent.admin", root_path=str(HERE), instance_path=str(platform.settings.folder))
    app.config.update(settings(platform.settings))
    app.config["FAB_ROLES"] = fab_roles(
        [*((s.class_name, s.class_name, s.rights) for s in specs), *((p.__name__, p.__name__, p.rights) for p in PAGES)]
    )
    CSRFProtect(app)  # before Flask-AppBuilder, which looks for it when it registers its views
    session = make_session(platform.database.engine)
    with app.app_context():
        Builder(app, session, PAGES, classes)
    trust_proxies(app, platform.settings)
    app.extensions["wca_doctor"], app.extensions["wca_stream"] = doctor, stream
    # The preview shows the real widget; its files come from here, whatever address the public app has.
    app.register_blueprint(Blueprint("widget", __name__, static_folder=asset_path(), static_url_path="/widget/v1"))
    skin.install(app)
    install(app, platform, session)
    return app


def declared_views(platform: Platform) -> Iterator[tuple[str, AdminView, type[Any]]]:
    """The screens that core and plugins declare, as (plugin, declaration, view). One that is wrong is left out.

    The plugin is empty for core's own; those of a plugin have its name in front of their path and permission.
    """
    from .fab.builder import build_view

    for plugin, spec in platform.registry.platform.each("admin_views"):
        own = plugin == "core"
        try:
            named = spec if own else replace(spec, id=f"{plugin}-{spec.id}")
            yield "" if own else plugin, named, build_view(named)
        except Exception:  # a plugin's code: it may fail in any way, and harms its own screen only
            log.exception("a screen of plugin %s is left out", plugin)


def settings(chosen: Settings) -> dict[str, object]:
    """The configuration of Flask and its extensions."""
    host = urlsplit(chosen.public_url).netloc
    return {
        "SECRET_KEY": chosen.key("SECRET_KEY"),
        "APPLICATION_ROOT": MOUNT,
        "SESSION_COOKIE_NAME": "wca_admin",
        "SESSION_COOKIE_PATH": MOUNT,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": chosen.production,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": chosen.production,
        "TRUSTED_HOSTS": [urlsplit(chosen.public_url).hostname] if chosen.production and host else None,
        "MAX_CONTENT_LENGTH": 51_000_000,
        "MAX_FORM_PARTS": 5000,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
        "APP_NAME": "WebChatAgent",
        "APP_THEME": "",
        "LANGUAGES": {k: {"flag": "", "name": v} for k, v in LANGUAGES.items()},
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(HERE / "translations"),
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "FAB_API_SWAGGER_UI": False,
        "FAB_SAFE_REDIRECT_HOSTS": [host] if host else [],
        "FAB_BASE_TEMPLATE": "wca/layout.html",
        "AUTH_TYPE": 1,
        "AUTH_USER_REGISTRATION": False,
        "RATELIMIT_ENABLED": chosen.rate_limits == "on",
        "RATELIMIT_STORAGE_URI": chosen.redis_url or "memory://",
        # A Redis that is away or hangs: the same limits hold in each process, after a third of a second.
        "RATELIMIT_STORAGE_OPTIONS": {"socket_timeout": 0.3, "socket_connect_timeout": 0.3} if chosen.redis_url else {},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": bool(chosen.redis_url),
    }

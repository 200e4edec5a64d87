"""The low-code admin: its own Flask app, mounted at /admin, and the tables that it needs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from sqlalchemy import MetaData


def migrations_folder() -> Path:
    """The folder of the admin's own branch of migrations, for `core.db.migrate.migrate`."""
    return Path(str(files("webchatagent.admin").joinpath("migrations")))


def metadata() -> MetaData:
    """The tables of Flask-AppBuilder, as the migrations must leave them. Imports Flask-AppBuilder (about a second)."""
    from .fab.models import AdminUser

    tables: MetaData = AdminUser.metadata
    return tables

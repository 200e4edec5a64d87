"""Bringing a database to the present tables: core's, the admin's and the plugins', each a branch of one history."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text

from ..tenancy import system_scope
from .base import Base
from .database import Database

HERE = Path(str(files("webchatagent.core.db").joinpath("migrations")))


def _config(folders: Sequence[Path]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(f) for f in (HERE / "versions", *folders)))
    return config


def migrate(database: Database, folders: Sequence[Path] = (), metadata: Sequence[MetaData] = ()) -> None:
    """Upgrade every branch to its head, in one transaction. `folders` hold the migrations of other rooms."""
    config = _config(folders)
    with (
        system_scope("migrations change the rows of every tenant"),
        database.engine.connect().execution_options(write=True) as connection,
    ):
        if connection.dialect.name == "postgresql":
            connection.execute(text("set local statement_timeout = 0"))
        config.attributes["connection"] = connection
        config.attributes["metadata"] = [Base.metadata, *metadata]
        command.upgrade(config, "heads")
        connection.commit()


def pending(database: Database, folders: Sequence[Path] = ()) -> list[str]:
    """Revisions that are not applied yet; empty when the database is up to date."""
    scripts = ScriptDirectory.from_config(_config(folders))
    with database.engine.connect() as connection:
        left = list(MigrationContext.configure(connection).get_current_heads())
    have: set[str] = set()
    while left:  # Alembic keeps a revision that another one depends on by that other one only
        found = scripts.get_revision(left.pop())
        if found is not None and found.revision not in have:
            have.add(found.revision)
            for before in (found.down_revision, found.dependencies):
                left += [before] if isinstance(before, str) else before or ()
    return sorted(set(scripts.get_heads()) - have)

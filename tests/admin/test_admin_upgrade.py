"""A database of an earlier version is brought up to date, and what stood in it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from webchatagent import admin
from webchatagent.core.db import migrate
from webchatagent.core.db.base import Base
from webchatagent.core.db.database import Database


def test_an_account_of_the_first_version_stays(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    folders: Any = [admin.migrations_folder()]
    config = migrate._config(folders)
    with database.engine.connect().execution_options(write=True) as connection:
        config.attributes.update(connection=connection, metadata=[Base.metadata])
        command.upgrade(config, "admin_0001")
        connection.execute(
            sa.text(
                "insert into ab_user (first_name, last_name, username, email) values ('a', '', 'a', 'a@example.org')"
            )
        )
        connection.commit()
    assert set(migrate.pending(database, folders)) >= {"admin_0003"}
    migrate.migrate(database, folders, [admin.metadata()])
    assert migrate.pending(database, folders) == []
    with database.engine.connect() as connection:
        row = connection.execute(sa.text("select email, totp, totp_used, recovery from ab_user")).one()
        assert tuple(row) == ("a@example.org", "", 0, "")
        for table in ("outbox_mail", "external_login"):
            assert connection.execute(sa.text(f"select count(*) from {table}")).scalar() == 0
    database.close()

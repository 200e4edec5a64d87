"""A database of an earlier version is brought up to date, and what stood in it stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command

from webchatagent import admin
from webchatagent.core.db import migrate
from webchatagent.core.db.base import Base
from webchatagent.core.db.database import Database
from webchatagent.core.versions import FIELDS


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


def test_a_bot_of_an_earlier_version_keeps_its_settings_as_its_first_version(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    folders: Any = [admin.migrations_folder()]
    config = migrate._config(folders)
    with database.engine.connect().execution_options(write=True) as connection:
        config.attributes.update(connection=connection, metadata=[Base.metadata])
        command.upgrade(config, "core_0004")
        at = "2026-01-02 03:04:05.000000"
        for sql in (
            "insert into tenant (id, slug, name, locale, controller, retention_days, created_at)"
            f" values (1, 'acme', 'Acme', 'en', '{{}}', 180, '{at}')",
            "insert into bot (id, tenant_id, public_id, slug, name, locale, greeting, settings, created_at) values"
            f" (5, 1, '{'a' * 36}', 'bot', 'Bot', 'en', '', '{{\"temperature\": 0.9, \"accent\": \"#000000\"}}', '{at}')",
        ):
            connection.exec_driver_sql(sql)
        connection.commit()
    migrate.migrate(database, folders, [admin.metadata()])
    with database.engine.connect() as connection:
        row = connection.execute(sa.text("select tenant_id, bot_id, number, author, settings from bot_version")).one()
        assert tuple(row)[:4] == (1, 5, 1, "system")
        settings = json.loads(row.settings)
        assert (
            settings["temperature"] == 0.9
            and settings["max_tokens"] == 800
            and set(settings) == set(FIELDS) - {"strict"}
        )
        assert connection.execute(sa.text("select version, caps from bot")).one() == (1, "{}")
        assert connection.execute(sa.text("select prices, caps from tenant")).one() == ("{}", "{}")
    database.close()

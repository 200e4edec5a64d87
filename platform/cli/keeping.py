"""`migrate` and `doctor`."""

from __future__ import annotations

import click

from .context import Context, Result, common, table


@click.command()
@common
def migrate(context: Context) -> Result:
    """Bring the database to the present tables."""
    from ..app import build_platform, prepare_database

    platform = build_platform(context.settings_only())
    applied = prepare_database(platform)
    return Result({"applied": applied}, [f"applied: {', '.join(applied)}" if applied else "the database is up to date"])


@click.command()
@common
def doctor(context: Context) -> Result:
    """Look at every configured part and say how to repair it."""
    from ..doctor import look

    rows = look(context.platform)
    down = any(r.state == "down" for r in rows)
    lines = table([(r.name, r.state, r.message, r.cure) for r in rows], ("PART", "STATE", "", "HOW TO REPAIR"))
    return Result([r.__dict__ for r in rows], lines, 1 if down else 0)

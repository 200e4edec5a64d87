"""Alembic's entry: the engine and the metadata come from `core.db.migrate`, never from a file."""

from __future__ import annotations

from alembic import context

options = context.config.attributes


def run() -> None:
    """Run the migrations of all branches in one transaction."""
    connection = options["connection"]
    context.configure(
        connection=connection,
        target_metadata=options["metadata"],
        render_as_batch=True,
        compare_type=False,
        user_module_prefix="base.",
    )
    with context.begin_transaction():
        context.run_migrations()


run()

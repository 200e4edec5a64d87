"""The plugin's jobs."""

from __future__ import annotations

from webchatagent.core.api import PluginJob

from .sync import push, push_gave_up, reconcile, remove
from .words import texts


def jobs() -> list[PluginJob]:
    """What is carried to Mailchimp, what is deleted there, and the look at it every hour."""
    table = texts.table
    return [
        PluginJob("push", push, table["job_push"], attempts=8, gave_up=push_gave_up),
        PluginJob("remove", remove, table["job_remove"], attempts=12, even_off=True),
        PluginJob("reconcile", reconcile, table["job_reconcile"], every_seconds=3600, lease_seconds=300),
    ]

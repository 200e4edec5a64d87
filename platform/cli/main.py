"""The `webchatagent` command: one group, one file per noun, imported only when it is called."""

from __future__ import annotations

import importlib
from typing import Any

import click

COMMANDS = {  # name: (module, attribute)
    "demo": ("serving", "demo"),
    "serve": ("serving", "serve"),
    "worker": ("serving", "worker"),
    "migrate": ("keeping", "migrate"),
    "doctor": ("keeping", "doctor"),
    "backup": ("backups", "backup"),
    "restore": ("backups", "restore"),
    "rotate-key": ("backups", "rotate_key"),
    "tenant": ("tenants", "tenant"),
    "user": ("tenants", "user"),
    "bot": ("tenants", "bot"),
    "key": ("keys", "key"),
    "source": ("sources", "source"),
    "embedding": ("embedding", "embedding"),
    "search": ("asking", "search"),
    "ask": ("asking", "ask"),
    "evaluate": ("evaluating", "evaluate"),
    "plugin": ("plugins", "plugin"),
    "privacy": ("privacy", "privacy"),
}


class Lazy(click.Group):
    """Loads a command's module when it is called, so that `--help` and small commands start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        found: Any = getattr(importlib.import_module(f"webchatagent.cli.{module}"), attribute)
        command: click.Command = found
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="webchatagent")
def main() -> None:
    """WebChatAgent: chatbots that answer from your own sources. BOT is a bot's public id or tenant/bot."""


if __name__ == "__main__":
    main()

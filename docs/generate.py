"""Writes the generated pages, or with `--check` says which of them are old: settings and the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from webchatagent.cli.main import main as command_line
from webchatagent.core.settings import PREFIX, SETTINGS, Setting

HERE = Path(__file__).resolve().parent
ALWAYS = ("data", "as_json")
SETTINGS_HEAD = """# Settings

A setting is an environment variable that begins with `WEBCHATAGENT_`.
A setting that is not set has its default, and the defaults run everything on one machine.
A wrong value stops the start with a message that names the setting.
In production, `WEBCHATAGENT_SECRET_KEY`, `WEBCHATAGENT_MASTER_KEY` and `WEBCHATAGENT_PUBLIC_URL` must be set.
This page is generated from the code by `make docs`.

## Which settings are there?

"""
COMMANDS_HEAD = """# Command line

The command is `webchatagent`.
Every command takes `--data DIR`, the data folder (or `WEBCHATAGENT_DATA`, default `./data`).
Every command takes `--json`, which prints JSON.
`BOT` is a bot's public id or `tenant/bot`, such as `demo/guide`.
Errors go to standard error as `error: what (how to fix)`.
The exit code is 0, or 1 when it failed, or 2 for wrong usage.
This page is generated from the code by `make docs`.

"""


def settings_page() -> str:
    """One line for each setting."""
    return SETTINGS_HEAD + "".join(f"- `{PREFIX}{s.name}`{_default(s)}: {s.help}\n" for s in SETTINGS)


def _default(setting: Setting) -> str:
    told = [f"default `{setting.default}`"] if setting.default else []
    told += ["one of " + ", ".join(f"`{c}`" for c in setting.choices)] if setting.choices else []
    return f" ({'; '.join(told)})" if told else ""


def commands(command: click.Command = command_line, path: str = "webchatagent") -> Iterator[tuple[str, click.Command]]:
    """Every command that is no group, with its whole name."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, f"{path} {name}")


def command_section(path: str, command: click.Command) -> str:
    """Heading with usage, what it does, its own options."""
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    usage = " ".join([path, *(_argument(a) for a in arguments)])
    out = [f"## {path}", "", f"    {usage}", "", (command.help or "").strip()]
    options = [p for p in command.params if isinstance(p, click.Option) and p.name not in ALWAYS]
    if options:
        out += ["", "| Option | |", "|---|---|"]
        out += [f"| `{_spelled(o)}` | {_said(o)} |" for o in options]
    return "\n".join(out) + "\n"


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _spelled(option: click.Option) -> str:
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {'/'.join(c for c in option.type.choices if c)}"
    return f"{names} {option.metavar or option.type.name.upper()}"


def _said(option: click.Option) -> str:
    parts = [
        option.help or "",
        "Required." if option.required else "",
        f"Default: `{option.default}`."
        if isinstance(option.default, (int, str)) and option.default and not option.is_flag
        else "",
    ]
    return " ".join(p for p in parts if p)


def command_line_page() -> str:
    """One section for each command."""
    return COMMANDS_HEAD + "\n".join(command_section(path, command) for path, command in commands())


PAGES = {"settings.md": settings_page, "command-line.md": command_line_page}


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check` write nothing and return 1 when one is old."""
    old = [
        name
        for name, page in PAGES.items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != page()
    ]
    if "--check" in arguments:
        sys.stderr.writelines(f"docs/{name} is old: run `make docs`\n" for name in old)
        return 1 if old else 0
    for name in old:
        (HERE / name).write_text(PAGES[name](), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Writes the generated pages, or with `--check` says which of them are old: settings, commands, the API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from webchatagent.cli.main import main as command_line
from webchatagent.core.apikeys import SCOPES
from webchatagent.core.settings import PREFIX, SETTINGS, Setting
from webchatagent.web.limits import PER_KEY, REFUSED_PER_ADDRESS
from webchatagent.web.management.openapi import document

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
API_HEAD = """# Management API

The management API lets your programs do what people do in the admin.
It manages bots, sources, documents and conversations, and it searches.
It lives below `/api/v1` of the server's public address.
Its OpenAPI 3.1 document is at `/api/v1/openapi.json` and needs no key.
This page is generated from the code by `make docs`.

## How do I get a key?

To get a key, an owner makes one in the admin under **API keys**.
The operator makes one on the command line with `webchatagent key create TENANT --name NAME`.
With chosen scopes and an end it reads:

```
webchatagent key create TENANT --name "Shop sync" --scope sources:read --scope sources:write --days 365
```

The key is shown once; the server keeps only a digest of it.
Without `--scope` the key may do everything, and without `--days` it is valid until it is revoked.
`webchatagent key list TENANT` shows the keys with their scopes and when they were last used.
`webchatagent key revoke TENANT KEY` ends a key at once.

## Which scopes are there?

{scopes}
## How do I call the API?

Send the key with every request as `Authorization: Bearer`.

```
curl https://chat.example.org/api/v1/bots -H "Authorization: Bearer $KEY"
curl https://chat.example.org/api/v1/bots/BOT-ID/documents -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" -d '{{"id": "hours", "title": "Opening hours", "text": "We open at nine."}}'
curl https://chat.example.org/api/v1/bots/BOT-ID/files -H "Authorization: Bearer $KEY" -F file=@handbook.pdf
```

`BOT-ID` is the bot's public id, the one in its embed snippet.
Names are camelCase, and times are ISO 8601 in UTC.
A field that the API does not know is refused.
What belongs to another tenant does not exist for a key: the answer is 404.
Adding a document returns at once with the state `queued`; ask for the document to see it become `searchable`.

## How do I read a long list?

A list is an object with `data` and `next`.
Send `next` back as `cursor` to get the following page; it is null at the end.
`limit` is 1 to 100, and 50 when it is left out.

## How do I repeat a request safely?

Send an `Idempotency-Key` header, best a UUID, with a `POST` that adds something.
The same key with the same request gives the answer of the first time, with the header `Idempotency-Replayed: true`, for 24 hours.
The same key with another request is refused with `idempotency_key_reused`.
A request that failed is not kept and may be tried again under its key.

## What do errors look like?

An error has an HTTP status and the body `{{"error": {{"code", "message", "field"?}}}}`.
All codes are on the page [Errors](errors.md#which-errors-does-the-management-api-give).

## How much may a program ask?

A key may make {requests} requests a minute; beyond that the answer is 429 with a `Retry-After` header.
An address that shows {refused} wrong keys within a minute is stopped for the rest of it.
Every change is in the audit trail with the key's public part.
A file may be 50 MB; any other request 256 KB.

## How do I let only my own programs ask a bot?

Set `apiKeyRequired` in the settings of the bot.
Programs must then send a key with the scope `chat` to `/api/chat`; visitors on allowed websites need none.
Messages that come with a key are not limited per address, so that your server can ask for many people.

## Which operations are there?

Each operation wants one scope; what ends in `?` may be left out.
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


def api_page() -> str:
    """What a program must know, the scopes, and one line for each operation; the whole is in the OpenAPI document."""
    found = document()
    head = API_HEAD.format(
        scopes="".join(f"- `{name}`: {text}\n" for name, text in SCOPES.items()),
        requests=PER_KEY.split()[0],
        refused=REFUSED_PER_ADDRESS.split()[0],
    )
    out = []
    for tag in found["tags"]:
        out.append(f"\n### {tag['description'].rstrip('.')}\n\n| Operation | Scope | |\n|---|---|---|\n")
        for path, methods in found["paths"].items():
            for method, what in methods.items():
                if what["tags"] == [tag["name"]]:
                    scope = what["security"][0]["key"][0]
                    out.append(f"| `{method.upper()} /api/v1{path}` | `{scope}` | {what['summary']}{_sent(what)} |\n")
    return head + "".join(out)


def _sent(operation: dict[str, Any]) -> str:
    """The fields and parameters of an operation."""
    names = [f"{p['name']}?" for p in operation["parameters"] if p["in"] == "query"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = document()["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[-1]]
        wanted = schema.get("required", [])
        names += [f"{n}" if n in wanted else f"{n}?" for n in schema["properties"]]
    return " Takes " + ", ".join(f"`{n}`" for n in names) + "." if names else ""


PAGES = {"settings.md": settings_page, "command-line.md": command_line_page, "api.md": api_page}


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

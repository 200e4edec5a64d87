"""What every command shares: the data folder, output for people or as JSON, errors on stderr."""

from __future__ import annotations

import functools
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from ..core.audit import acting
from ..core.errors import WebChatAgentError
from ..core.registry import HookFailed
from ..core.tenants import Platform
from ..core.trouble import disk_is_full

F = TypeVar("F", bound=Callable[..., Any])


class Context:
    """The options of the whole command line, and the platform, built when a command first needs it."""

    def __init__(self, data: str | None) -> None:
        self._data = data
        self._platform: Platform | None = None

    @property
    def platform(self) -> Platform:
        """The platform on the data folder; embedded databases are brought up to date."""
        if self._platform is None:
            from ..app import build_platform, guard_egress, prepare_database
            from ..core.db.row_security import check_wall
            from ..core.settings import load_settings

            self._platform = build_platform(load_settings(data=self._data))
            if not self._platform.settings.production:
                prepare_database(self._platform)
            else:
                check_wall(self._platform.database.engine)
            guard_egress(self._platform)  # a command that reads a website is bound like a server
        return self._platform

    def settings_only(self, processes: int | None = None) -> Any:
        """The settings, without building anything; what the command line says wins."""
        from ..core.settings import load_settings

        return load_settings(data=self._data, processes=str(processes) if processes else None)


def common(function: F) -> F:
    """Give a command `--data` and `--json`, pass it a Context, and turn errors into one line and exit code 1."""

    @click.option("--data", metavar="DIR", help="Data folder (WEBCHATAGENT_DATA, default ./data).")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @functools.wraps(function)
    def wrapped(data: str | None, as_json: bool, **arguments: Any) -> None:
        try:
            with acting("command line"):
                result = function(Context(data), **arguments)
        except WebChatAgentError as error:
            fail(str(error))
        except HookFailed as error:
            known = next((e for _, e in error.failures if isinstance(e, WebChatAgentError)), None)
            fail(str(known) if known else f"{error} (see `webchatagent doctor`)")
        except (OSError, SQLAlchemyError, sqlite3.Error) as error:
            fail(describe(error))
        except KeyboardInterrupt:
            fail("interrupted (nothing is lost; run the command again)")
        else:
            show(result, as_json)

    return wrapped  # type: ignore[return-value]


def describe(error: Exception) -> str:
    """What a disk or a database says, in one line with what helps."""
    cause = getattr(error, "orig", None) or error
    text = str(getattr(cause, "strerror", None) or cause).strip().split("\n")[0]
    name = getattr(cause, "filename", None)
    cure = "free some disk space and run it again" if disk_is_full(error) else "look at it with `webchatagent doctor`"
    return f"{name}: {text} ({cure})" if name else f"{text} ({cure})"


def fail(text: str, code: int = 1) -> None:
    """Print `error: what (how to fix)` on stderr and exit."""
    click.echo(f"error: {text}", err=True)
    sys.exit(code)


class Result:
    """What a command gives back: `data` for JSON, `lines` for people, and its exit code."""

    def __init__(self, data: Any, lines: Iterable[str], code: int = 0) -> None:
        self.data, self.lines, self.code = data, lines, code


def show(result: Result | None, as_json: bool) -> None:
    """Print a result and exit with its code."""
    if result is None:
        return
    if as_json:
        click.echo(json.dumps(result.data, ensure_ascii=False, indent=2, default=str))
    else:
        for line in result.lines:
            click.echo(line)
    if result.code:
        sys.exit(result.code)


def table(rows: Iterable[Iterable[object]], head: Iterable[str]) -> list[str]:
    """Rows as aligned columns."""
    cells = [[str(c) for c in head], *([str(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]

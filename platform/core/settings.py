"""Every setting, one row each: environment, command line, `docs/settings.md` and tests read this table."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import WebChatAgentError

PREFIX = "WEBCHATAGENT_"
MOST_PROCESSES = 64


class SettingError(WebChatAgentError):
    """A setting is missing or wrong; the message names it."""

    code = "setting_wrong"


@dataclass(frozen=True)
class Setting:
    """One setting: `name` without the prefix, its default as text, what it does, and the values it may have."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "ENV",
        "development",
        "`production` demands keys, secure cookies and fixed hosts.",
        ("development", "production"),
    ),
    Setting("DATA", "./data", "Folder of everything that the embedded parts keep."),
    Setting("DATABASE_URL", "", "SQLite in the data folder, or `postgresql+psycopg://…`.", secret=True),
    Setting("REDIS_URL", "", "None, or `redis://…`: rings the workers and shares rate limits.", secret=True),
    Setting(
        "ELASTICSEARCH_URL",
        "",
        "None: the index is SQLite in the data folder. Or `https://user:password@host:9200`, Elasticsearch 9; "
        "`?prefix=` names its indexes (`webchatagent`), `shards=` splits new ones (1), `ca=` is a file of authorities.",
        secret=True,
    ),
    Setting(
        "BLOBS_URL",
        "",
        "None: the bytes of documents are in the folder `blobs` of the data folder. Or any place that fsspec knows, such as "
        "`s3://bucket/folder` with the extra `webchatagent[s3]`.",
    ),
    Setting(
        "SECRET_KEY", "", "Signs the admin's cookies. Generated (0600) in the data folder in development.", secret=True
    ),
    Setting(
        "MASTER_KEY",
        "",
        "Encrypts stored secrets, knows keys of programs. Generated (0600) in the data folder in development.",
        secret=True,
    ),
    Setting(
        "OLD_MASTER_KEYS",
        "",
        "Master keys of before, comma separated: they still open, and seal nothing new. See `webchatagent rotate-key`.",
        secret=True,
    ),
    Setting(
        "SMTP_URL",
        "",
        "None: mails are kept in the outbox of the admin. Or `smtp://user:password@host:587?from=bot@example.org`, "
        "or `smtps://…`.",
        secret=True,
    ),
    Setting(
        "REGISTRATION",
        "open",
        "`open`: anybody with an e-mail address can register a company; `closed`: only the operator makes tenants.",
        ("open", "closed"),
    ),
    Setting("PUBLIC_URL", "", "The address visitors use, such as `https://chat.example.org`."),
    Setting("TRUSTED_PROXIES", "0", "How many proxies in front may set `X-Forwarded-For`."),
    Setting(
        "ADDRESS_HEADER",
        "X-Forwarded-For",
        "Where the visitor's address is when there are trusted proxies. `CF-Connecting-IP` behind Cloudflare, if nobody "
        "reaches the server around it.",
        ("X-Forwarded-For", "CF-Connecting-IP"),
    ),
    Setting(
        "PROCESSES", "1", "How many processes `serve` starts; more than one needs Redis. One for each core is enough."
    ),
    Setting("OTLP_URL", "", "Where OpenTelemetry spans go, such as `http://localhost:4318`; needs the extra `otel`."),
    Setting("RATE_LIMITS", "on", "Limits per session, address, bot and key; `off` for load tests.", ("on", "off")),
    Setting("PRIVATE_HOSTS", "", "host:port list that may be called although private, comma separated."),
    Setting(
        "EGRESS",
        "declared",
        "`declared`: only hosts that a plugin declares may be called; `none`: no call out at all.",
        ("open", "declared", "none"),
    ),
    Setting(
        "DATA_REGION",
        "",
        "The country where this installation is hosted, such as `DE`: named in every privacy notice, and at each start "
        "beside the hosts that are called.",
    ),
    Setting("LOG_FORMAT", "text", "How processes log to standard error.", ("text", "json")),
    Setting("LOG_DAYS", "14", "Days that access logs are kept."),
)
_BY_NAME = {s.name: s for s in SETTINGS}


class Settings:
    """The settings of one process. Attribute names are the lower-case setting names; values are text."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {s.name: values.get(s.name, "") or s.default for s in SETTINGS}
        for setting in SETTINGS:
            value = self._values[setting.name]
            if setting.choices and value not in setting.choices:
                raise SettingError(f"{PREFIX}{setting.name} is {value!r}", f"use one of: {', '.join(setting.choices)}")
        for name in ("TRUSTED_PROXIES", "LOG_DAYS", "PROCESSES"):
            if not (self._values[name].isascii() and self._values[name].isdigit()):
                raise SettingError(f"{PREFIX}{name} is {self._values[name]!r}", "use a whole number, such as 1")
        if not 1 <= self.processes <= MOST_PROCESSES:
            raise SettingError(f"{PREFIX}PROCESSES is {self.processes}", f"use 1 to {MOST_PROCESSES}")
        region = self._values["DATA_REGION"]
        if region and not (len(region) == 2 and region.isascii() and region.isalpha() and region.isupper()):
            raise SettingError(f"{PREFIX}DATA_REGION is {region!r}", "use the two letters of a country, such as DE")
        if self.production:
            for name in ("SECRET_KEY", "MASTER_KEY", "PUBLIC_URL"):
                if not self._values[name]:
                    raise SettingError(f"{PREFIX}{name} is not set", "production needs it; see docs/settings.md")

    def __getattr__(self, name: str) -> str:
        try:
            return self._values[name.upper()]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        shown = {n: "…" if _BY_NAME[n].secret and v else v for n, v in self._values.items()}
        return f"<Settings {shown}>"

    @property
    def production(self) -> bool:
        """Whether this is a production process."""
        return self._values["ENV"] == "production"

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self._values["DATA"]).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """The database, by default SQLite in the data folder."""
        return self._values["DATABASE_URL"] or f"sqlite:///{self.folder / 'webchatagent.sqlite'}"

    @property
    def private_hosts(self) -> frozenset[str]:
        """host:port pairs that may be called although private."""
        return frozenset(h.strip() for h in self._values["PRIVATE_HOSTS"].split(",") if h.strip())

    @property
    def processes(self) -> int:
        """How many processes serve on this machine."""
        return int(self._values["PROCESSES"])

    @property
    def master_keys(self) -> list[bytes]:
        """The master key, then those of before."""
        old = [k.strip() for k in self._values["OLD_MASTER_KEYS"].split(",")]
        return [self.key("MASTER_KEY"), *(k.encode() for k in old if k)]

    def key(self, name: str) -> bytes:
        """SECRET_KEY or MASTER_KEY; in development made once and kept in the data folder with mode 0600."""
        if self._values[name]:
            return self._values[name].encode()
        return read_or_make(self.folder / f"{name.lower()}.txt").encode()


def read_or_make(path: Path, length: int = 32) -> str:
    """The text of a secret file; made with mode 0600 when it is missing, so that two processes agree on one."""
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:  # whole before it has its name: another process must not read an empty key
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(length) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # the other one was faster
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def load_settings(environ: Mapping[str, str] | None = None, **overrides: str | None) -> Settings:
    """The settings from the environment; `overrides` (by lower-case name) win when they are not None."""
    environ = os.environ if environ is None else environ
    values = {s.name: environ.get(PREFIX + s.name, "") for s in SETTINGS}
    values.update({n.upper(): v for n, v in overrides.items() if v is not None})
    return Settings(values)

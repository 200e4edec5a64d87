"""What the processes say: text or JSON lines, without content, and without addresses that name one machine."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from .trouble import WithoutTrace

_IPV4 = re.compile(r"\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b")
_IPV6 = re.compile(r"\b((?:[0-9a-f]{1,4}:){3})(?:[0-9a-f]{0,4}:){1,4}[0-9a-f]{1,4}\b", re.I)


def shorten(text: str) -> str:
    """A text with every address cut to its network: /24 for IPv4, /48 for IPv6. Loopback stays."""
    text = _IPV4.sub(lambda m: m[0] if m[0].startswith("127.") else f"{m[1]}.0", text)
    return _IPV6.sub(r"\1:", text)


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, what happened, and the kind and place of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Of an error its type and where it was raised stand in it, not what it said: that may be content."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": shorten(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = " < ".join(_places(record.exc_info[2]))
        return json.dumps(line, ensure_ascii=False)


def _places(trace: object) -> list[str]:
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code  # type: ignore[attr-defined]
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")  # type: ignore[attr-defined]
        trace = trace.tb_next  # type: ignore[attr-defined]
    return places[::-1][:12]


def set_up(kind: str) -> None:
    """Let this process log to standard error, as `text` or `json`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(WithoutTrace())
        if kind == "json":
            handler.setFormatter(JsonLines())

"""Failures of the machine and not of the code: a disk without room."""

from __future__ import annotations

import errno
import logging

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_is_full(error: BaseException | None) -> bool:
    """Whether a disk, a quota or a database says that there is no room left."""
    cause = getattr(error, "orig", None) or error
    return getattr(cause, "errno", None) in _FULL or "disk is full" in str(cause)


class WithoutTrace(logging.Filter):
    """Says of a full disk in one line what happened: a trace would help nobody, and a log has no room for many."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record; take the trace off when the cause is known."""
        if record.exc_info and disk_is_full(record.exc_info[1]):
            record.msg, record.args = f"{record.getMessage()}: there is no room left on the disk", ()
            record.exc_info = record.exc_text = None
        return True

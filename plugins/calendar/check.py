"""Whether settings make sense together, before they are saved."""

from __future__ import annotations

from importlib.util import find_spec

from webchatagent.core.api import Problem

from .config import DAYS, Config, read_exception, read_ranges


def problems(config: Config) -> list[Problem]:
    """What is wrong. Nothing is called: the connection is made, and tried, on its own."""
    ranges = [r for day in DAYS for r in read_ranges(getattr(config, day))]
    ranges += [r for line in config.exceptions for _, found in read_exception(line) for r in found]
    if ranges and all(high - low < config.duration for low, high in ranges):
        return [Problem("An appointment is longer than any of the opening hours.", "duration", "make it shorter")]
    if config.provider == "google" and not config.has_client:
        field = "client_id" if not config.client_id else "client_secret"
        return [Problem("Google Calendar needs an OAuth client.", field, "enter the one of the Google Cloud console")]
    if config.provider == "google" and find_spec("googleapiclient") is None:
        return [
            Problem("The package for Google Calendar is not installed.", "provider", "install webchatagent[calendar]")
        ]
    return []

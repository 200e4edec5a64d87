"""What the views of the public app share; one object per app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app

from ..core.bots import BotFinder
from ..core.tenants import Platform
from ..core.turns import TurnRunner

if TYPE_CHECKING:
    from .limits import Limits

KEY = "webchatagent"


@dataclass
class Parts:
    """The platform, the bots it serves, the turns in progress and the limits."""

    platform: Platform
    bots: BotFinder
    runner: TurnRunner
    limits: Limits


def parts() -> Parts:
    """The parts of the app that serves the present request."""
    found: Parts = current_app.extensions[KEY]
    return found

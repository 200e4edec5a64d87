"""What a plugin tells the tenant's people: what is to be repaired, and which accounts elsewhere can be connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Alert:
    """Something that somebody has to repair: a sentence, and where.

    `text` is a string, or one for each language as `{"en": …, "de": …, "hi": …}`. `place` is where it is repaired:
    `settings` (the plugin's page in the admin), or `plan` (the page of plans).
    """

    text: Any
    place: Literal["settings", "plan"] = "settings"


class Connection(Protocol):
    """An account at another company. The admin leads a person there and back; state and secrets are the plugin's."""

    @property
    def label(self) -> str:
        """The company's name."""
        ...

    @property
    def account(self) -> str:
        """Who is connected, or nothing."""
        ...

    @property
    def broken(self) -> bool:
        """Whether the connection has to be made anew."""
        ...

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """What can be chosen of the account, as (id, name): asks the company. Raises Unavailable."""
        ...

    @property
    def chosen(self) -> str:
        """The id that was chosen."""
        ...

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """The address to send the person to, and what their session keeps until they are back."""
        ...

    def finish(self, params: Mapping[str, str], kept: Mapping[str, str]) -> None:
        """They are back: connect. Raises LoginFailed."""
        ...

    def choose(self, choice: str) -> None:
        """Take one of the choices. Raises InvalidRequest for any other."""
        ...

    def disconnect(self) -> None:
        """Forget the account at once, and tell the company by a job."""
        ...

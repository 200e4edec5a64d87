"""Signing in to the admin at another company: what a plugin offers, and what it says of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .errors import WebChatAgentError

Trouble = Literal["over", "cancelled", "odd", "setup", "unreachable", "unverified"]


class LoginFailed(WebChatAgentError):
    """Nobody is signed in. The code is `login_<trouble>`.

    `over`: it was not begun here, or too long ago; `cancelled`: the person said no; `odd`: the answer proves nothing;
    `setup`: the provider does not know this installation; `unreachable`: it does not answer;
    `unverified`: the provider has not verified the address.
    """

    status = 400

    def __init__(self, trouble: Trouble, message: str, cure: str = "try again") -> None:
        super().__init__(message, cure, code=f"login_{trouble}")
        self.trouble = trouble


@dataclass(frozen=True)
class Identity:
    """A person as a provider vouches for them: `subject` is theirs at `issuer`, for ever.

    The address counts only when the provider has verified it. `picture` is the address of one, or empty.
    """

    issuer: str
    subject: str
    email: str = field(repr=False)
    email_verified: bool
    name: str = field(default="", repr=False)
    picture: str = field(default="", repr=False)


class LoginMethod(Protocol):
    """A way to sign in."""

    @property
    def id(self) -> str:
        """Unique within the plugin, for ever."""
        ...

    @property
    def label(self) -> str:
        """The provider's name."""
        ...

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """The address to send the person to, and what the browser's session keeps until they are back.

        Raises LoginFailed.
        """
        ...

    def finish(self, params: Mapping[str, str], kept: Mapping[str, str]) -> Identity:
        """Who is back: from the parameters of the request and from what `begin` had kept. Raises LoginFailed."""
        ...

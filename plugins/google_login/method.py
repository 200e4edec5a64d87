"""The way of a person: to Google with a state, a nonce and a challenge (PKCE), and back with a code."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webchatagent.core.api import Identity, LoginFailed, LoginMethod

from .config import Config

SCOPE = "openid email profile"


def methods(config: Config) -> list[LoginMethod]:
    """Google, or nothing while the client is not set."""
    return [GoogleLogin(config)] if config.complete else []


@dataclass(frozen=True)
class GoogleLogin:
    """Keeps no token: a code is exchanged once, for who the person is."""

    config: Config
    id: str = "google"
    label: str = "Google"

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """Each time anew: state, nonce and verifier, 256 bits each."""
        from .client import authorization_url, discover, new_secret

        kept = {name: new_secret() for name in ("state", "nonce", "verifier")}
        kept["redirect_uri"] = redirect_uri
        return authorization_url(self.config, discover(self.config), SCOPE, kept), kept

    def finish(self, params: Mapping[str, str], kept: Mapping[str, str]) -> Identity:
        """The order matters: nothing that came with the request is used before the state is right."""
        from .client import discover, exchange, read_id_token

        if not kept.get("state") or not hmac.compare_digest(params.get("state", "").encode(), kept["state"].encode()):
            raise LoginFailed("over", "This sign-in was not begun in this browser, or was used already.")
        if params.get("error"):
            _refuse(params["error"])
        if not params.get("code"):
            raise LoginFailed("odd", "The provider sent no code.")
        provider = discover(self.config)
        if params.get("iss", provider.issuer) != provider.issuer:
            raise LoginFailed("odd", "The answer is of another provider.")
        token = exchange(self.config, provider, params["code"], kept)
        return self._identity(read_id_token(self.config, provider, token, kept["nonce"]))

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        def text(name: str, most: int) -> str:
            value = claims.get(name)
            return value if isinstance(value, str) and len(value) <= most and value.isprintable() else ""

        if not text("sub", 255):
            raise LoginFailed("odd", "The provider does not say who this is.")
        return Identity(
            issuer=text("iss", 255),
            subject=text("sub", 255),
            email=text("email", 128),
            email_verified=claims.get("email_verified") is True,
            name=text("name", 128),
            picture=text("picture", 500) if self.config.keep_picture else "",
        )


def _refuse(error: str) -> None:
    """Say what the provider's error means; nothing of its own text is shown, since anybody can write it."""
    if error == "access_denied":
        raise LoginFailed("cancelled", "You did not allow the sign-in.")
    if error in ("temporarily_unavailable", "server_error"):
        raise LoginFailed("unreachable", "The provider has a fault.", "try again later")
    if error in ("interaction_required", "login_required", "consent_required", "account_selection_required"):
        raise LoginFailed("cancelled", "The provider wants to ask you something.")
    raise LoginFailed("setup", "The provider does not accept this installation.", "tell the people who run it")

"""The only place with Authlib: addresses, the exchange of a code, and the check of what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from webchatagent.core.api import LoginFailed, WebChatAgentError, make_fetcher

from .config import WELL_KNOWN, Config

SECONDS = 10.0
MAX_BYTES = 200_000
LEEWAY = 30
"""Seconds that clocks may differ."""
ALGORITHMS = ("RS256", "ES256")
"""What an ID token may be signed with; never `none`, never the client's own secret."""
_CONFIG_ERRORS = ("invalid_client", "unauthorized_client", "redirect_uri_mismatch", "unsupported_grant_type")


@dataclass(frozen=True)
class Provider:
    """What a provider says of itself."""

    issuer: str
    authorization: str
    token: str
    keys: str


def new_secret() -> str:
    """48 letters and digits, more than 256 random bits."""
    return str(generate_token(48))


def _json(url: str) -> dict[str, Any]:
    try:
        answer = make_fetcher(deadline=SECONDS, max_bytes=MAX_BYTES).get(url)
        found = json.loads(answer.body) if answer.status == 200 else None
    except (WebChatAgentError, OSError) as error:
        raise LoginFailed("unreachable", "The provider does not answer.", "try again later") from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise LoginFailed("unreachable", "The provider's description cannot be read.", "try again later")
    return found


def discover(config: Config) -> Provider:
    """Read the provider's description. Raises LoginFailed when it is none, or another's."""
    found = _json(config.discovery_url)
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    values = [found.get(name) for name in names]
    scheme = urlsplit(config.discovery_url).scheme
    if not all(isinstance(v, str) and urlsplit(v).scheme in ("https", scheme) and urlsplit(v).netloc for v in values):
        raise LoginFailed("unreachable", "The provider's description is not complete.", "check the address")
    made = Provider(*map(str, values))
    if made.issuer.rstrip("/") + WELL_KNOWN != config.discovery_url:
        raise LoginFailed("unreachable", "The description is of another provider.", "check the address")
    return made


def _client(config: Config, **options: Any) -> Any:
    return OAuth2Client(
        config.client_id,
        config.client_secret.get_secret_value(),
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 (the name of a method)
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        transport=_Bounded(),
        **options,
    )


def authorization_url(config: Config, provider: Provider, scope: str, kept: Mapping[str, str]) -> str:
    """Where the person is sent. They choose their account each time, since a browser may be another's."""
    with _client(config, scope=scope, redirect_uri=kept["redirect_uri"]) as client:
        url, _ = client.create_authorization_url(
            provider.authorization,
            state=kept["state"],
            nonce=kept["nonce"],
            code_verifier=kept["verifier"],
            prompt="select_account",
        )
    return str(url)


def exchange(config: Config, provider: Provider, code: str, kept: Mapping[str, str]) -> dict[str, Any]:
    """The tokens of a code; the caller reads the ID token and keeps none. Raises LoginFailed."""
    try:
        with _client(config, redirect_uri=kept["redirect_uri"]) as client:
            token = client.fetch_token(
                provider.token, grant_type="authorization_code", code=code, code_verifier=kept["verifier"]
            )
    except AuthlibBaseError as error:
        if error.error in _CONFIG_ERRORS:
            raise LoginFailed("setup", "The provider refuses the client.", "tell the people who run it") from None
        raise LoginFailed("odd", "The provider refuses the code.") from None
    except (httpx2.HTTPError, WebChatAgentError, OSError):
        raise LoginFailed("unreachable", "The provider does not answer.", "try again later") from None
    except ValueError:
        raise LoginFailed("odd", "The provider sent something that is no answer.") from None
    return token if isinstance(token, dict) else {}


def read_id_token(config: Config, provider: Provider, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
    """The claims of an ID token: signed by the provider, for this client and this sign-in, not expired."""
    keys = _json(provider.keys)
    try:
        read = jwt.decode(
            str(token.get("id_token") or ""),
            KeySet.import_key_set(keys),  # type: ignore[arg-type]
            registry=JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False),
        )
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "values": [provider.issuer]},
                "aud": {"essential": True, "values": [config.client_id]},
            },
            {"nonce": nonce, "client_id": config.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=LEEWAY)
    except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
        raise LoginFailed("odd", "The provider's answer proves nothing.") from error
    return dict(claims)


class _Bounded(httpx2.HTTPTransport):
    """A transport that reads no endless answer."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Counted(response.stream)
        return response


class _Counted(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for part in self._inner:
            read += len(part)
            if read > MAX_BYTES:
                raise httpx2.ReadError("the answer is too long")
            yield part

    def close(self) -> None:
        self._inner.close()

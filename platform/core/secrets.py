"""Encryption of stored secrets: AES-256-GCM, bound to the place where the secret stands.

A token is `wca1.<key id>.<base64url(nonce + ciphertext)>`. The associated data is `tenant|plugin|field`, so a token
copied to another tenant, plugin or field does not open. The key is derived from the master key with HKDF-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import WebChatAgentError

PREFIX = "wca1."


class SecretUnreadable(WebChatAgentError):
    """A stored secret cannot be opened: another master key, another place, or changed bytes."""

    status, code = 500, "secret_unreadable"


class SecretBox:
    """Seals and opens secrets. `keys` are master keys, the newest first; older ones only open."""

    def __init__(self, *keys: bytes) -> None:
        if not keys:
            raise ValueError("a secret box needs a key")
        self._ciphers = {_key_id(k): AESGCM(_derive(k)) for k in keys}
        self._digest_keys = {_key_id(k): _derive(k, b"webchatagent/digest/v1") for k in keys}
        self._current = _key_id(keys[0])

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return self._current

    def knows(self, key_id: str) -> bool:
        """Whether what was sealed with a key can be opened."""
        return key_id in self._ciphers

    def seal(self, text: str, place: str) -> str:
        """Encrypt `text` for one place, such as `7|calendar|token`."""
        nonce = os.urandom(12)
        sealed = nonce + self._ciphers[self._current].encrypt(nonce, text.encode(), place.encode())
        return f"{PREFIX}{self._current}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, token: str, place: str) -> str:
        """Decrypt a token of `seal`. Raises SecretUnreadable."""
        try:
            _, key_id, body = token.split(".")
            data = base64.urlsafe_b64decode(body)
            return self._ciphers[key_id].decrypt(data[:12], data[12:], place.encode()).decode()
        except (ValueError, KeyError, InvalidTag):
            raise SecretUnreadable("A stored secret cannot be read.", "enter it again") from None

    def digest(self, text: str, place: str) -> str:
        """A keyed digest of a random secret, for one place; guessing needs the master key, comparing is cheap."""
        return f"{self._current}.{_digest(self._digest_keys[self._current], text, place)}"

    def matches(self, text: str, digest: str, place: str) -> bool:
        """Whether `digest` was made of this text, for this place; takes as long whatever differs."""
        key_id, _, kept = digest.partition(".")
        key = self._digest_keys.get(key_id) or self._digest_keys[self._current]
        return hmac.compare_digest(_digest(key, text, place), kept)

    def stale(self, token: str) -> bool:
        """Whether a token was sealed with an older key and should be sealed anew."""
        return token.split(".")[1:2] != [self._current]

    def __repr__(self) -> str:
        return f"<SecretBox {len(self._ciphers)} keys>"


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"id" + key).hexdigest()[:8]


def _derive(key: bytes, purpose: bytes = b"webchatagent/secret/v1") -> bytes:
    return HKDF(hashes.SHA256(), 32, None, purpose).derive(key)


def _digest(key: bytes, text: str, place: str) -> str:
    return hashlib.blake2b(f"{place}|{text}".encode(), key=key, digest_size=32).hexdigest()

"""Stored secrets open in their own place only, with a key that is known."""

from __future__ import annotations

import base64

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pydantic import BaseModel, SecretStr

from webchatagent.core.secrets import SecretBox, SecretUnreadable
from webchatagent.core.tenants import open_config, seal_config

PLACE = "7|calendar|token"


@given(st.text(max_size=200))
@settings(max_examples=50, deadline=None)
def test_what_is_sealed_opens(text):
    box = SecretBox(b"key")
    token = box.seal(text, PLACE)
    assert box.open(token, PLACE) == text
    assert not text or len(text) < 4 or text not in token


@pytest.mark.parametrize(
    "place", ["8|calendar|token", "7|whatsapp|token", "7|calendar|secret", "", "7|calendar|token "]
)
def test_a_token_moved_to_another_place_does_not_open(place):
    box = SecretBox(b"key")
    with pytest.raises(SecretUnreadable):
        box.open(box.seal("canary", PLACE), place)


def test_the_same_text_is_never_sealed_alike():
    box = SecretBox(b"key")
    assert len({box.seal("same", PLACE) for _ in range(20)}) == 20


@pytest.mark.parametrize("token", ["", "x", "wca1.", "wca1.a.b.c", "wca1.00000000.AAAA", "plain secret", "wca1.ü.ü"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(SecretUnreadable):
        SecretBox(b"key").open(token, PLACE)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_byte_is_noticed(data):
    box = SecretBox(b"key")
    head, key_id, body = box.seal("canary", PLACE).split(".")
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SecretUnreadable):
        box.open(f"{head}.{key_id}.{base64.urlsafe_b64encode(bytes(raw)).decode()}", PLACE)


def test_keys_are_rotated():
    old, both, new = SecretBox(b"old"), SecretBox(b"new", b"old"), SecretBox(b"new")
    token = old.seal("canary", PLACE)
    assert both.open(token, PLACE) == "canary" and both.stale(token)
    fresh = both.seal(both.open(token, PLACE), PLACE)
    assert not both.stale(fresh) and new.open(fresh, PLACE) == "canary"
    for box, sealed in ((new, token), (old, fresh)):
        with pytest.raises(SecretUnreadable):
            box.open(sealed, PLACE)


def test_a_box_needs_a_key_and_shows_none():
    with pytest.raises(ValueError, match="needs a key"):
        SecretBox()
    assert "canary" not in repr(SecretBox(b"canary"))


class Config(BaseModel):
    token: SecretStr = SecretStr("")
    spare: SecretStr | None = None
    url: str = ""


def test_a_configuration_of_one_tenant_does_not_open_at_another(acme, globex):
    stored = seal_config(acme, "calendar", Config(token=SecretStr("canary"), url="https://a.example"))
    assert "canary" not in str(stored) and stored["url"] == "https://a.example"
    assert open_config(acme, "calendar", Config, stored)["token"] == "canary"
    for tenant, plugin, moved in (
        (globex, "calendar", stored),
        (acme, "whatsapp", stored),
        (acme, "calendar", {"spare": stored["token"]}),
    ):
        with pytest.raises(SecretUnreadable):
            open_config(tenant, plugin, Config, moved)


def test_only_declared_secrets_are_sealed_and_opened(acme):
    config = Config(url="wca1.is.ours", spare=SecretStr("wca1.canary"))
    stored = seal_config(acme, "calendar", config)
    assert stored["url"] == "wca1.is.ours" and "canary" not in str(stored) and stored["token"] == ""
    assert Config.model_validate(open_config(acme, "calendar", Config, stored)) == config
    moved = {"url": stored["spare"]}  # a token in the wrong place stays a token
    assert open_config(acme, "calendar", Config, moved) == moved

"""Keys of programs: shown once, kept as a digest, bound to their tenant, and over when they are over."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import apikeys, clock
from webchatagent.core.apikeys import SCOPES, KeyRefused, authenticate, create_key, list_keys, revoke_key
from webchatagent.core.db.access import ApiKey
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.errors import InvalidRequest, NotFound
from webchatagent.core.secrets import SecretBox


def made(tenant, *scopes, **rest):
    return create_key(tenant, "shop", scopes or ["search"], actor="test", **rest)


def test_a_key_opens_its_tenant_with_its_scopes(acme, globex, platform):
    caller = authenticate(platform, made(acme, "search", "bots:read").secret)
    assert caller.tenant == acme and caller.scopes == {"search", "bots:read"}
    assert authenticate(platform, made(globex).secret).tenant == globex


def test_of_a_key_only_a_keyed_digest_is_kept(acme, platform, caplog):
    caplog.set_level(logging.DEBUG)
    key = made(acme)
    authenticate(platform, key.secret)
    secret = key.secret.split("_", 2)[2]
    assert len(secret) == 43 and secret not in repr(key) and secret not in repr(list_keys(acme))
    assert secret not in caplog.text
    for path in platform.settings.folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path.name


def test_two_keys_differ(acme):
    assert made(acme).secret != made(acme).secret


@pytest.mark.parametrize(
    "wrong",
    ["", "wca_", "x", "wca_" + "0" * 12 + "_" + "A" * 43, "\x00", "wca_" + "٣" * 12 + "_" + "A" * 43, "A" * 100_000],
)
def test_what_is_no_key_is_refused(acme, platform, wrong):
    with pytest.raises(KeyRefused, match="not known") as caught:
        authenticate(platform, wrong)
    assert caught.value.status == 401 and caught.value.code == "key_invalid"


def test_a_key_with_one_other_character_is_refused(acme, platform):
    key = made(acme).secret
    for i in (3, 6, 17, len(key) - 1):
        with pytest.raises(KeyRefused):
            authenticate(platform, key[:i] + ("b" if key[i] == "a" else "a") + key[i + 1 :])


def test_a_digest_copied_to_another_tenant_opens_nothing(acme, globex, platform):
    key, other = made(acme), made(globex)
    with acme.read() as db:
        digest = db.scalar(select(ApiKey.digest))
    with globex.write() as db:
        db.execute(update(ApiKey).values(digest=digest))
    with pytest.raises(KeyRefused):
        authenticate(platform, f"wca_{other.line.id}_{key.secret.split('_', 2)[2]}")


def test_a_revoked_key_is_refused_and_only_its_holder_learns_why(acme, platform):
    key = made(acme)
    assert revoke_key(acme, key.line.id, actor="test").state == "revoked"
    revoke_key(acme, key.line.id, actor="test")
    with pytest.raises(KeyRefused, match="revoked"):
        authenticate(platform, key.secret)
    with pytest.raises(KeyRefused, match="not known"):
        authenticate(platform, f"wca_{key.line.id}_{'A' * 43}")
    with pytest.raises(NotFound):
        revoke_key(acme, "000000000000", actor="test")


def test_an_expired_key_is_refused(acme, platform, monkeypatch):
    key = made(acme, days=2)
    authenticate(platform, key.secret)
    later = clock.now() + timedelta(days=2)
    monkeypatch.setattr(apikeys, "now", lambda: later)
    with pytest.raises(KeyRefused, match="expired"):
        authenticate(platform, key.secret)
    assert list_keys(acme)[0].state == "expired"


def test_the_last_use_is_known_to_the_minute(acme, platform, monkeypatch):
    key = made(acme)
    assert list_keys(acme)[0].last_used_at is None
    authenticate(platform, key.secret)
    first = list_keys(acme)[0].last_used_at
    authenticate(platform, key.secret)
    assert first is not None and list_keys(acme)[0].last_used_at == first
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(apikeys, "now", lambda: later)
    authenticate(platform, key.secret)
    assert list_keys(acme)[0].last_used_at == later


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        (" ", ["search"], 0, "name"),
        ("x" * 101, ["search"], 0, "name"),
        ("x", [], 0, "scopes"),
        ("x", ["admin"], 0, "scopes"),
        ("x", ["search"], -1, "days"),
        ("x", ["search"], 10**6, "days"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(acme, name, scopes, days, field):
    with pytest.raises(InvalidRequest) as caught:
        create_key(acme, name, scopes, days=days, actor="test")
    assert caught.value.field == field and caught.value.cure and not list_keys(acme)


def test_making_and_revoking_are_in_the_audit_trail(acme):
    key = made(acme)
    revoke_key(acme, key.line.id, actor="owner@example.org")
    with acme.read() as db:
        entries = [
            (e.actor, e.action, e.target)
            for e in db.scalars(select(AuditEntry).where(AuditEntry.action.like("key.%")).order_by(AuditEntry.id))
        ]
    assert entries == [("test", "key.created", key.line.id), ("owner@example.org", "key.revoked", key.line.id)]


def test_keys_of_another_tenant_are_not_listed(acme, globex):
    made(acme)
    assert list_keys(globex) == []


def test_every_scope_is_explained():
    assert all(text.endswith(".") for text in SCOPES.values())


def test_an_older_master_key_still_knows_its_digests():
    digest = SecretBox(b"old").digest("secret", "place")
    rotated = SecretBox(b"new", b"old")
    assert rotated.matches("secret", digest, "place")
    assert not rotated.matches("secret", digest, "other place")
    assert not rotated.matches("other", digest, "place")
    assert not SecretBox(b"new").matches("secret", digest, "place")
    assert not rotated.matches("secret", "", "place")

"""A new master key: what was sealed is sealed anew, and what needs the old key is counted."""

from __future__ import annotations

import pytest

from webchatagent.admin.accounts import create_user, find_user
from webchatagent.admin.totp import enrol
from webchatagent.core.apikeys import KeyRefused, authenticate, create_key
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.keyring import rotate
from webchatagent.core.mail import post_mail, read_mail
from webchatagent.core.secrets import SecretUnreadable
from webchatagent.core.settings import load_settings
from webchatagent.core.tenants import create_tenant, load_tenant, seal_config
from webchatagent.plugins.llm_gemini.config import Config

OLD, NEW = "the-master-key-of-before-of-a-test", "the-master-key-of-now-of-a-test"


@pytest.fixture
def reopened(make_platform):
    """A function that opens the same installation with other keys."""
    opened = []

    def open_with(key, old=""):
        platform = make_platform("data", master_key=key, old_master_keys=old)
        opened.append(platform)
        return platform

    return open_with


def secret_of(tenant):
    return tenant.config(Config).api_key.get_secret_value()


@pytest.mark.seed("SR-181")
def test_after_a_rotation_the_old_key_is_needed_by_unused_keys_of_programs_only(reopened):
    first = reopened(OLD)
    acme, globex = (create_tenant(first, s, s.title()) for s in ("acme", "globex"))
    for tenant in (acme, globex):
        with tenant.write() as db:
            sealed = seal_config(tenant, "llm_gemini", Config(api_key=f"AIza-{tenant.slug}"))
            db.add(PluginSwitch(plugin="llm_gemini", config=sealed))
    with acme.write() as db:
        post_mail(db, acme, "reset", "a@example.org", "en", link="https://x.example.org/s3cret", hours=1)
        db.flush()
        mail_id = db.query(OutboxMail).one().id
    person = create_user(first, "owner@example.org", tenant=acme, role="owner", password="long enough secret")
    enrol(first, find_user(first, "owner@example.org"), "JBSWY3DPEHPK3PXP")
    key = create_key(acme, "sync", ["sources:read"], actor="test")
    assert person

    both = reopened(NEW, OLD)
    done = rotate(both)
    assert done.sealed == 4 and dict(done.left) == {"api_key": 1}
    assert rotate(both).sealed == 0
    assert authenticate(both, key.secret).tenant.slug == "acme"
    assert not rotate(both).left

    alone = reopened(NEW)
    assert [secret_of(load_tenant(alone, slug=s)) for s in ("acme", "globex")] == ["AIza-acme", "AIza-globex"]
    assert "s3cret" in read_mail(load_tenant(alone, slug="acme"), mail_id)[1]
    assert authenticate(alone, key.secret).prefix == key.line.id
    gone = reopened(OLD)
    with pytest.raises(SecretUnreadable):
        secret_of(load_tenant(gone, slug="acme"))
    with pytest.raises(KeyRefused):
        authenticate(gone, key.secret)


def test_what_a_plugin_seals_in_a_column_of_its_own_is_sealed_anew(reopened):
    from webchatagent.plugins.calendar.models import GoogleLink, Revocation
    from webchatagent.plugins.calendar.tokens import seal, unseal

    first = reopened(OLD)
    acme = create_tenant(first, "acme", "Acme")
    with acme.write() as db:
        tokens = {f"{name}_token": seal(acme, name, f"the {name} token") for name in ("refresh", "access")}
        db.add(GoogleLink(account_id="1", email="a@example.org", scopes="", **tokens))
        db.add(Revocation(token=seal(acme, "revoke", "an old token")))
    assert rotate(reopened(NEW, OLD)).left == {}
    now = load_tenant(reopened(NEW), slug="acme")
    with now.read() as db:
        link, left = db.query(GoogleLink).one(), db.query(Revocation).one()
    assert unseal(now, "refresh", link.refresh_token) == "the refresh token"
    assert unseal(now, "access", link.access_token) == "the access token"
    assert unseal(now, "revoke", left.token) == "an old token"


def test_the_keys_of_before_are_a_list():
    assert load_settings({}, old_master_keys="one, two", master_key="new").master_keys == [b"new", b"one", b"two"]

"""`webchatagent key`: keys of programs on the command line."""

from __future__ import annotations

import re

from webchatagent.core.apikeys import SCOPES


def test_a_key_is_made_shown_once_and_revoked(ok, two):
    made = ok(
        "key", "create", "acme", "--name", "Shop", "--scope", "search", "--scope", "chat", "--days", "9", "--json"
    )
    assert re.fullmatch(r"wca_[0-9a-f]{12}_[\w-]{43}", made["key"]) and made["scopes"] == ["chat", "search"]
    listed = ok("key", "list", "acme", "--json")
    assert [k["id"] for k in listed] == [made["id"]] and listed[0]["state"] == "active" and listed[0]["expires"]
    assert made["key"] not in ok("key", "list", "acme") and "Shop" in ok("key", "list", "acme")
    assert ok("key", "list", "globex", "--json") == []
    assert "is revoked" in ok("key", "revoke", "acme", made["id"])
    assert ok("key", "list", "acme", "--json")[0]["state"] == "revoked"


def test_a_key_without_scopes_may_do_everything(ok, two):
    assert ok("key", "create", "acme", "--name", "All", "--json")["scopes"] == sorted(SCOPES)


def test_what_makes_no_sense_is_refused(ok, refused, cli, two):
    made = ok("key", "create", "acme", "--name", "Shop", "--json")
    assert "no key" in refused("key", "revoke", "globex", made["id"])
    assert "no tenant" in refused("key", "list", "nobody")
    assert "name" in refused("key", "create", "acme", "--name", " ")
    assert "days" in refused("key", "create", "acme", "--name", "x", "--days", "-1")
    assert cli("key", "create", "acme", "--name", "x", "--scope", "everything").exit_code == 2
    assert ok("key", "list", "acme", "--json")[0]["state"] == "active"

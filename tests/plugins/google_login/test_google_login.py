"""Google's sign-in: what is sent, what is read, and what a provider or a browser that lies gets: nobody in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from webchatagent.core import notice, plugins
from webchatagent.core.api import LoginFailed
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.errors import Forbidden
from webchatagent.core.tenants import load_tenant, operator_tenant
from webchatagent.plugins.google_login.config import Config
from webchatagent.plugins.google_login.method import GoogleLogin, methods

from ...identity.forger import Forger, forging
from ...identity.running import CLIENT, REDIRECT, IdentityProvider

ANN = {
    "sub": "google-7",
    "email": "ann@example.org",
    "email_verified": True,
    "name": "Ann",
    "picture": "https://example.org/a.png",
}


def come_back(address: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@pytest.fixture
def forger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forger]:
    """A provider that lies."""
    with forging() as made:
        monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", made.url.removeprefix("http://"))
        yield made


def attempt(forger: Forger, **params: str | None) -> Any:
    """Begin, and come back at once with a code."""
    method = GoogleLogin(Config(**forger.config))
    address, kept = method.begin(REDIRECT)
    sent = come_back(address)
    forger.nonce = sent["nonce"]
    back = {"state": sent["state"], "code": "c", **params}
    return method.finish({k: v for k, v in back.items() if v is not None}, kept)


@pytest.mark.seed("SR-035")
def test_hook_login_methods_sends_to_the_provider_with_all_that_protects_it(
    identity_provider: IdentityProvider,
) -> None:
    (method,) = methods(Config(**identity_provider.config))
    seen = []
    for _ in range(2):
        address, kept = method.begin(REDIRECT)
        sent = come_back(address)
        assert address.startswith(identity_provider.url + "/")
        assert sent["scope"] == "openid email profile" and sent["redirect_uri"] == REDIRECT
        assert (sent["response_type"], sent["client_id"], sent["prompt"]) == ("code", CLIENT, "select_account")
        assert sent["code_challenge_method"] == "S256" and len(sent["code_challenge"]) == 43
        assert set(sent) == {
            *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt"),
            *("code_challenge", "code_challenge_method"),
        }
        seen += [sent["state"], sent["nonce"], kept["verifier"]]
    assert len(set(seen)) == 6 and all(len(value) == 48 for value in seen)


@pytest.mark.seed("SR-036")
@pytest.mark.parametrize("keep", [False, True])
def test_a_real_provider_says_who_it_is(identity_provider: IdentityProvider, keep: bool) -> None:
    method = GoogleLogin(Config(**identity_provider.config, keep_picture=keep))
    address, kept = method.begin(REDIRECT)
    back = come_back(identity_provider.visit(address, ANN))
    found = method.finish(back, kept)
    assert (found.subject, found.email, found.email_verified, found.name) == ("google-7", ANN["email"], True, "Ann")
    assert found.picture == (ANN["picture"] if keep else "") and found.issuer == identity_provider.url
    assert "ann@example.org" not in repr(found)
    with pytest.raises(LoginFailed) as caught:
        method.finish(back, kept)
    assert caught.value.code == "login_odd", "a code works once"


def test_a_real_provider_insists_on_the_verifier(identity_provider: IdentityProvider) -> None:
    method = GoogleLogin(Config(**identity_provider.config))
    address, kept = method.begin(REDIRECT)
    back = come_back(identity_provider.visit(address, ANN))
    with pytest.raises(LoginFailed) as caught:
        method.finish(back, {**kept, "verifier": "x" * 48})
    assert caught.value.code == "login_odd"


def test_a_wrong_secret_is_said_to_be_that(identity_provider: IdentityProvider) -> None:
    method = GoogleLogin(Config(**{**identity_provider.config, "client_secret": "wrong"}))
    address, kept = method.begin(REDIRECT)
    with pytest.raises(LoginFailed) as caught:
        method.finish(come_back(identity_provider.visit(address, ANN)), kept)
    assert caught.value.code == "login_setup"


def test_somebody_says_no(identity_provider: IdentityProvider) -> None:
    method = GoogleLogin(Config(**identity_provider.config))
    address, kept = method.begin(REDIRECT)
    with pytest.raises(LoginFailed) as caught:
        method.finish(come_back(identity_provider.visit(address, None)), kept)
    assert caught.value.code == "login_cancelled"


def test_the_honest_forger_is_believed(forger: Forger) -> None:
    assert attempt(forger).subject == "7"
    assert attempt(forger, iss=forger.url).email == "ann@example.org"
    ((path, body), _) = forger.asked
    assert path == "/token" and "code_verifier=" in body and "grant_type=authorization_code" in body


LIES: dict[str, Callable[[Forger], Any]] = {
    "wrong nonce": lambda f: f.claims.update(nonce="another"),
    "no nonce": lambda f: f.claims.update(nonce=None),
    "wrong issuer": lambda f: f.claims.update(iss="https://accounts.google.com"),
    "no issuer": lambda f: f.claims.update(iss=None),
    "wrong audience": lambda f: f.claims.update(aud="another-client"),
    "further audience": lambda f: f.claims.update(aud=[CLIENT, "another"], azp="another"),
    "audience of another that names this client": lambda f: f.claims.update(aud="another-client", azp=CLIENT),
    "no audience": lambda f: f.claims.update(aud=None),
    "expired": lambda f: f.claims.update(exp=int(time.time()) - 120, iat=int(time.time()) - 500),
    "no expiry": lambda f: f.claims.update(exp=None),
    "expiry that is no number": lambda f: f.claims.update(exp="tomorrow"),
    "not yet valid": lambda f: f.claims.update(nbf=int(time.time()) + 600),
    "no subject": lambda f: f.claims.update(sub=None),
    "empty subject": lambda f: f.claims.update(sub=""),
    "long subject": lambda f: f.claims.update(sub="7" * 300),
    "subject that is no text": lambda f: f.claims.update(sub={"a": 1}),
    "foreign key": lambda f: setattr(f, "sign", "other"),
    "not signed": lambda f: setattr(f, "sign", "none"),
    "signed with the client's secret": lambda f: setattr(f, "sign", "secret"),
    "no ID token": lambda f: f.answers.update({"/token": (200, {"access_token": "a", "token_type": "Bearer"})}),
    "an ID token that is none": lambda f: f.answers.update(
        {"/token": (200, {"access_token": "a", "id_token": "x.y.z"})}
    ),
    "a list": lambda f: f.answers.update({"/token": (200, [1])}),
    "no JSON": lambda f: f.answers.update({"/token": (200, b"<html>")}),
    "no keys": lambda f: f.answers.update({"/keys": (200, {})}),
    "keys that are none": lambda f: f.answers.update({"/keys": (200, {"keys": [{"kty": "RSA"}]})}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_proves_nothing(forger: Forger, lie: str) -> None:
    LIES[lie](forger)
    with pytest.raises(LoginFailed) as caught:
        attempt(forger)
    assert caught.value.code == "login_odd" and caught.value.cure
    assert "ann@example.org" not in str(caught.value)


@pytest.mark.parametrize(
    "params, code",
    [
        ({"state": "another"}, "login_over"),
        ({"state": None}, "login_over"),
        ({"state": "ünicode"}, "login_over"),
        ({"state": "another", "error": "access_denied"}, "login_over"),
        ({"code": None}, "login_odd"),
        ({"iss": "https://accounts.google.com"}, "login_odd"),
        ({"error": "access_denied"}, "login_cancelled"),
        ({"error": "server_error"}, "login_unreachable"),
        ({"error": "invalid_scope", "error_description": "<script>"}, "login_setup"),
    ],
)
def test_a_wrong_way_back_never_reaches_the_provider(forger: Forger, params: dict[str, Any], code: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        attempt(forger, **params)
    assert caught.value.code == code and "<" not in str(caught.value)
    assert not forger.asked


@pytest.mark.parametrize(
    "path, answer",
    [
        ("/.well-known/openid-configuration", (500, {})),
        ("/.well-known/openid-configuration", (200, b"no JSON")),
        ("/.well-known/openid-configuration", (200, {"issuer": "https://other.example.org"})),
        ("/.well-known/openid-configuration", (200, b"x" * 300_000)),
        ("/token", (503, {"error": "temporarily_unavailable"})),
        ("/token", (200, b" " * 300_000)),
        ("/keys", (404, {})),
    ],
)
def test_a_provider_that_fails_is_said_to(forger: Forger, path: str, answer: Any) -> None:
    forger.answers[path] = answer
    with pytest.raises(LoginFailed) as caught:
        attempt(forger)
    assert caught.value.code in ("login_unreachable", "login_odd") and caught.value.status == 400


def test_an_issuer_of_another_address_is_refused(forger: Forger) -> None:
    found = {"issuer": "http://127.0.0.1:1", **dict.fromkeys(("authorization_endpoint", "token_endpoint"), forger.url)}
    forger.answers["/.well-known/openid-configuration"] = (200, {**found, "jwks_uri": forger.url})
    with pytest.raises(LoginFailed, match="another provider"):
        attempt(forger)


@pytest.mark.parametrize("claimed", [False, None, "true", 1])
def test_only_true_is_verified(forger: Forger, claimed: Any) -> None:
    forger.claims["email_verified"] = claimed
    assert attempt(forger).email_verified is False


def test_the_settings_are_tried(platform: Any, forger: Forger) -> None:
    here = operator_tenant(platform)

    def tried(**values: Any) -> list[str]:
        return [p.field for p in plugins.check(here, "google_login", {**forger.config, **values})]

    assert tried() == []
    assert tried(client_id="") == ["client_id"] and tried(client_secret="") == ["client_secret"]
    assert tried(discovery_url="https://accounts.google.com") == ["discovery_url"]
    forger.answers["/.well-known/openid-configuration"] = (404, {})
    assert tried() == ["discovery_url"]


@pytest.mark.seed("SR-039")
def test_only_the_operator_switches_it_and_the_notice_says_so_while_it_is_on(
    platform: Any, acme: Any, forger: Forger
) -> None:
    with pytest.raises(Forbidden):
        plugins.configure(acme, "google_login", forger.config)
    with pytest.raises(Forbidden):
        plugins.enable(acme, "google_login")

    def said() -> str:
        here = load_tenant(platform, slug="platform")
        return " ".join(s for section in notice.compose(here, "en").sections for s in section.sentences)

    assert "Google" not in said()
    here = operator_tenant(platform)
    plugins.configure(here, "google_login", forger.config)
    plugins.enable(here, "google_login")
    assert "Google Ireland Ltd. (IE)" in said() and "outside of the EU (US)" in said()
    assert "google_login" not in load_tenant(platform, slug="acme").enabled
    with here.read() as db:
        stored = db.query(PluginSwitch).filter_by(plugin="google_login").one().config
    assert forger.config["client_secret"] not in str(stored), "the secret is sealed"
    plugins.disable(load_tenant(platform, slug="platform"), "google_login")
    assert "Google" not in said()

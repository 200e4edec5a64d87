"""Starts the provider of this folder, and sits at the browser that is sent there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import urllib3

HERE = Path(__file__).resolve().parent
CLIENT, SECRET = "webchatagent", "a secret of the client"
REDIRECT = "http://localhost/admin/sign-in/google_login-google/back"
CONNECT = "http://localhost/admin/connections/calendar/back"


@dataclass(frozen=True)
class IdentityProvider:
    """A provider that runs: `url` is its issuer."""

    url: str

    @property
    def config(self) -> dict[str, Any]:
        """The settings of the plugin for it."""
        found = f"{self.url}/.well-known/openid-configuration"
        return {"client_id": CLIENT, "client_secret": SECRET, "discovery_url": found}

    @property
    def host(self) -> str:
        """Its host and port."""
        return self.url.removeprefix("http://")

    def visit(self, address: str, person: dict[str, Any] | None) -> str:
        """Follow an address as somebody (None says no), until the provider sends them back; returns where to."""
        http, cookies = urllib3.PoolManager(retries=False), dict[str, str]()
        for _ in range(6):
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items()), "X-Person": json.dumps(person)}
            answer = http.request("GET", address, headers=headers, redirect=False, timeout=10)
            for cookie in answer.headers.getlist("Set-Cookie"):
                name, _, value = cookie.partition(";")[0].partition("=")
                cookies[name] = value
            assert answer.status in (302, 303), (answer.status, answer.data.decode()[:2000])
            address = urljoin(address, answer.headers["Location"])
            if not address.startswith(self.url):
                return address
        raise AssertionError(f"the provider does not send anybody back: {address}")


@contextlib.contextmanager
def running() -> Iterator[IdentityProvider]:
    """The provider, until the block ends; skips where node or its packages are missing, and fails there in CI."""
    if not shutil.which("node") or not (HERE / "node_modules" / "oidc-provider").is_dir():
        reason = "node and `npm ci --prefix tests/identity` are needed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    command = ["node", str(HERE / "provider.mjs"), CLIENT, SECRET, REDIRECT, CONNECT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:  # warnings of its development mode come first
                if line.startswith("http://"):
                    yield IdentityProvider(line.strip())
                    return
            raise RuntimeError("the identity provider did not start")
        finally:
            process.terminate()

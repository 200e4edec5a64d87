"""The guarded fetcher: what must not be fetched is not, and what may is fetched within bounds."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.fetch import Fetcher, FetchFailed, FetchRefused, is_public


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.server.hits.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        path = self.path.split("?")[0].strip("/").replace("-", "_")
        with contextlib.suppress(OSError):
            getattr(self, f"page_{path}", self.page_ok)()
        self.close_connection = True

    def page_ok(self) -> None:
        self.answer(200, b"<h1>hi</h1>", Content_Type="text/html")

    def page_to(self) -> None:
        self.answer(302, Location=self.path.split("?", 1)[1])

    def page_bomb(self) -> None:
        self.answer(200, gzip.compress(b"0" * 50_000_000, 1), Content_Encoding="gzip")

    def page_big(self) -> None:
        self.answer(200, b"x" * 2_500_000)

    def page_gzip(self) -> None:
        self.answer(200, gzip.compress(b"hello ") + gzip.compress(b"again"), Content_Encoding="gzip")

    def page_deflate(self) -> None:
        self.answer(200, zlib.compress(b"hello"), Content_Encoding="deflate")

    def page_deflate_raw(self) -> None:
        deflate = zlib.compressobj(wbits=-15)
        self.answer(200, deflate.compress(b"hello") + deflate.flush(), Content_Encoding="deflate")

    def page_brotli(self) -> None:
        self.answer(200, b"zzz", Content_Encoding="br")

    def page_slow(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(60):
            self.wfile.write(b"1\r\nx\r\n")
            time.sleep(0.1)

    def page_slow_head(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def page_endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def page_garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n")


def serve() -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.hits = []  # type: ignore[attr-defined]
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture(scope="module")
def site() -> Iterator[Any]:
    server = serve()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def inside() -> Iterator[Any]:
    server = serve()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def base(site: Any) -> str:
    return f"http://127.0.0.1:{site.server_port}"


@pytest.fixture
def fetcher(site: Any) -> Fetcher:
    return Fetcher(frozenset({f"127.0.0.1:{site.server_port}"}), deadline=1.0, max_bytes=2_000_000)


PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8", "::ffff:8.8.8.8"]
NOT_PUBLIC = [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.1.1",
    "198.18.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "203.0.113.5",
    "::1",
    "::",
    "fd00::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::127.0.0.1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


DNS = {
    "int.test": ["10.1.2.3"],
    "meta.test": ["169.254.169.254"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "six.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::a9fe:a9fe"],
    "sixto4.test": ["2002:7f00:1::"],
    "zero.test": ["0.0.0.0"],
    "ula.test": ["fd00::1"],
    "ll.test": ["fe80::1%lo"],
}
ATTACKS = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://foo.localhost/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://169.254.169.254/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://10.0.0.1:80/",
    "http://100.100.100.200/",
    *[f"http://{name}/" for name in DNS],
    "http://pub.test:22/",
    "http://pub.test:6379/",
    "http://pub.test:99999/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://pub.test/x",
    "dict://127.0.0.1:11211/",
    "data:text/html,x",
    "//127.0.0.1/",
    "http:///x",
    "http://user:pw@pub.test/",
    "http://@pub.test/",
    "http://pub.test/\r\nX: y",
    "http://127.0.0.1\\@pub.test/",
    "http://pub.test/" + "x" * 3000,
    "",
    "http://[::1",
    "javascript:alert(1)",
]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host in DNS:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in DNS[host]]
        return real(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("url", ATTACKS)
def test_attack_is_refused(fetcher: Fetcher, dns: None, url: str) -> None:
    with pytest.raises(FetchRefused) as caught:
        fetcher.get(url)
    assert caught.value.code == "fetch_refused"


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{inside}/x",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://2130706433/",
        "http://int.test/",
        "//10.0.0.1/",
        "http://[::1]:{inside}/",
        "http://127.0.0.1:{site}/to?http://127.0.0.1:{inside}/",
    ],
)
def test_redirect_inside_is_refused(
    fetcher: Fetcher, dns: None, base: str, site: Any, inside: Any, location: str
) -> None:
    location = location.format(inside=inside.server_port, site=site.server_port)
    with pytest.raises(FetchRefused):
        fetcher.get(f"{base}/to?{location}")
    assert inside.hits == []


def test_second_dns_answer_is_never_used(monkeypatch: pytest.MonkeyPatch, site: Any) -> None:
    calls: list[str] = []

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        calls.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(calls) == 1 else "10.0.0.5", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    fetcher = Fetcher(frozenset({f"pub.test:{site.server_port}"}), deadline=2)
    assert fetcher.get(f"http://pub.test:{site.server_port}/").status == 200
    assert calls == ["pub.test"]


def test_page_is_fetched_with_host_agent_and_lower_case_headers(fetcher: Fetcher, base: str, site: Any) -> None:
    got = fetcher.get(base + "/ok?q=ü#part")
    assert (got.status, got.body, got.headers["content-type"]) == (200, b"<h1>hi</h1>", "text/html")
    assert got.url == base + "/ok?q=%C3%BC"
    sent = site.hits[-1][1]
    assert sent["User-Agent"] == "WebChatAgentBot/1.0" and sent["Host"] == base[7:]


def test_redirect_on_the_site_is_followed(fetcher: Fetcher, base: str) -> None:
    assert fetcher.get(base + "/to?/ok").url == base + "/ok"


def test_redirects_end(fetcher: Fetcher, base: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        fetcher.get(base + "/to?" * 8 + "/ok")
    assert caught.value.code == "fetch_redirects"


def test_allow_host_is_asked_for_every_hop(fetcher: Fetcher, base: str) -> None:
    asked: list[str] = []

    def allow(host: str) -> bool:
        asked.append(host)
        return host == "127.0.0.1"

    with pytest.raises(FetchRefused) as caught:
        fetcher.get(base + "/to?http://www.example.org/", allow_host=allow)
    assert caught.value.code == "fetch_other_host"
    assert asked == ["127.0.0.1", "www.example.org"]


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("bomb", "fetch_too_large"),
        ("big", "fetch_too_large"),
        ("endless", "fetch_too_large"),
        ("slow", "fetch_timeout"),
        ("slow-head", "fetch_timeout"),
        ("brotli", "fetch_encoding"),
        ("garbage", "fetch_failed"),
    ],
)
def test_page_out_of_bounds_ends_in_time_with_its_code(fetcher: Fetcher, base: str, page: str, code: str) -> None:
    """The bound is what ends it: a fetch without one would go on until the test's own time limit."""
    patient = (
        fetcher if code == "fetch_timeout" else Fetcher(fetcher.private_hosts, deadline=60, max_bytes=fetcher.max_bytes)
    )
    with pytest.raises(FetchFailed) as caught:
        patient.get(f"{base}/{page}")
    assert caught.value.code == code


@pytest.mark.parametrize(("page", "body"), [("gzip", b"hello again"), ("deflate", b"hello"), ("deflate-raw", b"hello")])
def test_compressed_page_is_decoded(fetcher: Fetcher, base: str, page: str, body: bytes) -> None:
    assert fetcher.get(f"{base}/{page}").body == body


def test_refused_connection_is_a_failure_with_a_sentence() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(FetchFailed) as caught:
        Fetcher(frozenset({f"127.0.0.1:{port}"}), deadline=1).get(f"http://127.0.0.1:{port}/")
    assert "127.0.0.1" in caught.value.message


def test_proxy_of_the_environment_is_ignored(fetcher: Fetcher, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetcher.get(base + "/ok").status == 200


def test_all_refusals_read_alike(fetcher: Fetcher, dns: None) -> None:
    seen = set()
    for url in ("http://10.0.0.1/", "http://int.test/", "http://127.0.0.1:22/", "http://2130706433/"):
        try:
            fetcher.get(url)
        except WebChatAgentError as error:
            seen.add(str(error))
    assert len(seen) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for site.test with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.test")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("site.test")]), False)
    built = built.add_extension(x509.BasicConstraints(True, None), True)
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A site under TLS whose names are all this machine."""
    server = serve()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    yield server.server_port
    server.shutdown()
    server.server_close()


def over_tls(certificate: Path, port: int, host: str, path: str) -> bytes:
    fetcher = Fetcher(frozenset({f"{host}:{port}"}), deadline=1.0)
    fetcher._tls.load_verify_locations(certificate)
    return fetcher.get(f"https://{host}:{port}{path}").body


def test_page_over_tls_is_checked_against_its_name(certificate: Path, secure: int) -> None:
    assert over_tls(certificate, secure, "site.test", "/ok") == b"<h1>hi</h1>"
    with pytest.raises(FetchFailed) as caught:
        over_tls(certificate, secure, "other.test", "/ok")
    assert caught.value.code == "fetch_tls"


@pytest.mark.parametrize("path", ["/slow", "/slow-head"])
def test_deadline_holds_over_tls(certificate: Path, secure: int, path: str) -> None:
    begin = time.monotonic()
    with pytest.raises(FetchFailed) as caught:
        over_tls(certificate, secure, "site.test", path)
    assert caught.value.code == "fetch_timeout"
    assert time.monotonic() - begin < 3

"""The crawl of a site, against a small web server on this machine."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from webchatagent.core import egress, sandbox
from webchatagent.core.api import Failed, Finding, FoundDocument, SourceSpec, Unchanged, make_fetcher
from webchatagent.core.egress import EgressPolicy, calling
from webchatagent.plugins.website.connector import CONNECTOR
from webchatagent.plugins.website.crawl import Crawl

TEXT = "<p>" + "Opening hours are nine to five on weekdays. " * 8 + "</p>"
Page = tuple[int, dict[str, str], bytes]


def html(body: str, head: str = "", status: int = 200, **headers: str) -> Page:
    page = f"<html lang=en><head><title>A page</title>{head}</head><body>{body}</body></html>"
    return (
        status,
        {"Content-Type": "text/html; charset=utf-8", **{k.replace("_", "-"): v for k, v in headers.items()}},
        page.encode(),
    )


class Site:
    """Pages by path; `hits` are the requests as (path, headers)."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {"/robots.txt": (404, {}, b""), "/sitemap.xml": (404, {}, b"")}
        self.hits: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                site.hits.append((self.path, dict(self.headers)))
                page = site.pages.get(self.path, (404, {}, b"no"))
                if callable(page):
                    page = page(self)
                if page is None:
                    return
                status, headers, body = page
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None  # type: ignore[method-assign]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.hits]

    def crawl(
        self, path: str = "/", known: Any = None, deadline: float = 2, max_bytes: int = 1_000_000, **config: Any
    ) -> dict[str, Finding]:
        self.slept: list[float] = []
        spec = SourceSpec(self.url + path, config, known or {})
        findings = list(Crawl(spec, make_fetcher(deadline=deadline, max_bytes=max_bytes), self.slept.append).run())
        assert len({f.external_id for f in findings}) == len(findings), "a page was reported twice"
        return {f.external_id.removeprefix(self.url): f for f in findings}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", site.host)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module", autouse=True)
def children_end() -> Iterator[None]:
    yield
    sandbox.close()


def test_pages_are_found_along_links(site: Site) -> None:
    site.pages |= {
        "/": html(
            TEXT + '<a href="/a#top">a</a> <a href="b/../a?utm_source=x">a</a> <a href="http://other.test/">o</a>'
            '<a href="mailto:x@y.z">m</a><a href="/pic.png">p</a>'
        ),
        "/a": html(TEXT + "A"),
    }
    found = site.crawl()
    assert set(found) == {"/", "/a"}
    page = found["/"]
    assert isinstance(page, FoundDocument)
    assert (page.title, page.language, page.url) == ("A page", "en", site.url + "/")
    assert page.data and b"Opening hours" in page.data and page.media_type.startswith("text/html")
    assert site.hits[0][1]["User-Agent"].startswith("WebChatAgentBot/1.0")


@pytest.mark.seed("SR-122")
def test_robots_are_obeyed(site: Site) -> None:
    site.pages |= {
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private\nDisallow: /*.pdf$\nCrawl-delay: 60"),
        "/": html(TEXT + '<a href="/private/x">x</a><a href="/f.pdf">f</a><a href="/ok">ok</a>'),
        "/ok": html(TEXT + "ok"),
    }
    assert set(site.crawl()) == {"/", "/ok"}
    assert "/private/x" not in site.paths and "/f.pdf" not in site.paths
    assert site.slept and 4 < max(site.slept) <= 5  # the delay is kept, up to five seconds


def test_robots_that_forbid_the_start_are_named(site: Site) -> None:
    site.pages |= {"/robots.txt": (200, {}, b"User-agent: WebChatAgentBot\nDisallow: /"), "/": html(TEXT)}
    found = site.crawl()["/"]
    assert isinstance(found, Failed) and found.state == "unreachable" and "robots.txt" in found.message
    assert "/" not in site.paths


def test_robots_in_trouble_forbid_all_and_nothing_known_is_lost(site: Site) -> None:
    site.pages |= {"/robots.txt": (503, {}, b""), "/": html(TEXT)}
    found = site.crawl(known={site.url + "/": {}, site.url + "/a": {}})
    assert {(k, f.state) for k, f in found.items() if isinstance(f, Failed)} == {
        ("/", "unreachable"),
        ("/a", "unreachable"),
    }
    assert site.paths == ["/robots.txt"]


def test_sitemaps_with_index_gzip_and_a_loop(site: Site) -> None:
    def urls(kind: str, *paths: str) -> bytes:
        inner, outer = ("sitemap", "sitemapindex") if kind == "index" else ("url", "urlset")
        return (
            f'<?xml version="1.0"?><{outer} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            + "".join(f"<{inner}><loc>{site.url}{p}</loc></{inner}>" for p in paths)
            + f"</{outer}>"
        ).encode()

    site.pages |= {
        "/robots.txt": (200, {}, f"Sitemap: {site.url}/map.xml".encode()),
        "/": html(TEXT),
        "/map.xml": (200, {}, urls("index", "/map.xml", "/one.xml.gz", "/missing.xml", "/two.txt")),
        "/one.xml.gz": (200, {}, gzip.compress(urls("set", "/a", "/b"))),
        "/two.txt": (200, {}, f"{site.url}/c\nhttp://other.test/x".encode()),
        **{p: html(TEXT + p) for p in ("/a", "/b", "/c")},
    }
    assert set(site.crawl()) == {"/", "/a", "/b", "/c"}
    assert site.paths.count("/map.xml") == 1


def test_hostile_sitemap_is_left_out(site: Site) -> None:
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
    )
    site.pages |= {"/sitemap.xml": (200, {}, bomb), "/": html(TEXT)}
    assert set(site.crawl()) == {"/"}


def test_second_run_asks_only_for_what_changed(site: Site) -> None:
    site.pages |= {"/": html(TEXT + '<a href="/a">a</a>', ETag='"1"'), "/a": html(TEXT + "old")}
    first = site.crawl()
    known = {f.external_id: f.memory for f in first.values() if isinstance(f, FoundDocument)}
    second = site.crawl(known=known)
    assert {k: type(f) for k, f in second.items()} == {"/": Unchanged, "/a": Unchanged}  # by ETag, and by its text
    site.pages["/a"] = html(TEXT + "new")
    third = site.crawl(known={f.external_id: f.memory for f in second.values() if isinstance(f, Unchanged)})
    assert {k: type(f) for k, f in third.items()} == {"/": Unchanged, "/a": FoundDocument}


@pytest.mark.parametrize("status", [404, 410])
def test_missing_page_is_gone(site: Site, status: int) -> None:
    site.pages |= {"/": html(TEXT), "/a": (status, {}, b"")}
    found = site.crawl(known={site.url + "/a": {"hash": "x"}})["/a"]
    assert isinstance(found, Failed) and found.state == "gone"


@pytest.mark.parametrize(("status", "words"), [(500, "error"), (403, "login")])
def test_page_in_trouble_is_unreachable(site: Site, status: int, words: str) -> None:
    site.pages |= {"/": (status, {}, b"")}
    found = site.crawl()["/"]
    assert (
        isinstance(found, Failed)
        and found.state == "unreachable"
        and words in found.message
        and str(status) in found.message
    )


@pytest.mark.seed("SR-122")
def test_redirects_stay_on_the_site(site: Site) -> None:
    site.pages |= {
        "/": html(TEXT + '<a href="/old">o</a><a href="/away">w</a><a href="/inside">i</a><a href="/meta">m</a>'),
        "/old": (301, {"Location": "/new"}, b""),
        "/new": html(TEXT + "new"),
        "/away": (302, {"Location": "http://other.test/"}, b""),
        "/inside": (302, {"Location": "http://127.0.0.1:9200/_search"}, b""),
        "/meta": (302, {"Location": "http://169.254.169.254/latest/"}, b""),
    }
    found = site.crawl()
    assert {k for k, f in found.items() if isinstance(f, FoundDocument)} == {"/", "/new"}
    inside = found["/inside"]
    assert isinstance(inside, Failed) and inside.state == "unreachable"


def test_start_that_leads_to_another_host_says_so(site: Site) -> None:
    site.pages |= {"/": (302, {"Location": "http://other.test/"}, b"")}
    found = site.crawl()["/"]
    assert isinstance(found, Failed) and "other.test" in found.message


def test_noindex_and_nofollow(site: Site) -> None:
    site.pages |= {
        "/": html(TEXT + '<a href="/a">a</a><a rel="nofollow" href="/n">n</a><a href="/h">h</a><a href="/x">x</a>'),
        "/a": html(TEXT + '<a href="/b">b</a>', '<meta name="robots" content="noindex">'),
        "/b": html(TEXT + "b"),
        "/n": html(TEXT),
        "/h": html(TEXT + "h", X_Robots_Tag="noindex"),
        "/x": html(TEXT + 'x<a href="/y">y</a>', '<meta name="ROBOTS" content="NOFOLLOW">'),
        "/y": html(TEXT),
    }
    assert set(site.crawl()) == {"/", "/b", "/x"}


def test_canonical_link_names_the_page_once(site: Site) -> None:
    site.pages |= {
        "/": html(TEXT + '<a href="/a?view=1">1</a><a href="/a?view=2">2</a><a href="/c">c</a>'),
        "/a?view=1": html(TEXT + "a", '<link rel="canonical" href="/a">'),
        "/a?view=2": html(TEXT + "a", '<link rel="canonical" href="/a">'),
        "/c": html(TEXT + "c", '<link rel="canonical" href="http://other.test/c">'),
    }
    assert set(site.crawl()) == {"/", "/a", "/c"}


@pytest.mark.seed("SR-122")
def test_limits_of_pages_and_depth(site: Site) -> None:
    for n in range(30):
        site.pages[f"/{n}"] = html(f'{TEXT}{n}<a href="/{n + 1}">next</a>')
    assert len(site.crawl("/0", max_pages=4)) == 4
    assert set(site.crawl("/0", max_depth=2)) == {"/0", "/1", "/2"}


def test_page_made_by_scripts_only_is_reported(site: Site) -> None:
    site.pages |= {"/": html('<div id="root"></div><script src="/app.js"></script>')}
    found = site.crawl()["/"]
    assert isinstance(found, Failed) and found.state == "no_text" and "JavaScript" in found.message


def test_documents_are_found_and_pictures_are_not(site: Site) -> None:
    site.pages |= {
        "/": html(TEXT + '<a href="/Preis%20liste.pdf">p</a><a href="/logo">l</a>'),
        "/Preis%20liste.pdf": (200, {"Content-Type": "application/octet-stream"}, b"%PDF-1.4 x"),
        "/logo": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    }
    found = site.crawl()
    assert set(found) == {"/", "/Preis%20liste.pdf"}
    page = found["/Preis%20liste.pdf"]
    assert isinstance(page, FoundDocument) and page.name == "Preis liste.pdf" and page.media_type == "application/pdf"


def test_huge_body_and_bomb_are_too_large(site: Site) -> None:
    site.pages |= {
        "/": html(TEXT + '<a href="/huge">h</a><a href="/bomb">b</a>'),
        "/huge": (200, {"Content-Type": "text/html"}, b"x" * 1_500_000),
        "/bomb": (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, gzip.compress(b"0" * 50_000_000, 1)),
    }
    found = site.crawl()
    assert {k: f.state for k, f in found.items() if isinstance(f, Failed)} == {
        "/huge": "too_large",
        "/bomb": "too_large",
    }


def test_slow_server_ends_in_time(site: Site) -> None:
    def slow(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        try:
            for _ in range(40):
                handler.wfile.write(b"x")
                time.sleep(0.1)
        except OSError:
            pass

    site.pages |= {"/": slow}
    begin = time.monotonic()
    found = site.crawl(deadline=0.7)["/"]
    assert isinstance(found, Failed) and found.state == "unreachable" and time.monotonic() - begin < 5


def test_site_that_stops_answering_loses_nothing(site: Site) -> None:
    known = {f"{site.url}/{n}": {"hash": "x"} for n in range(30)}
    site.pages |= {f"/{n}": (500, {}, b"") for n in range(30)} | {"/": (500, {}, b"")}
    found = site.crawl(known=known)
    assert len(found) == 31 and all(isinstance(f, Failed) and f.state == "unreachable" for f in found.values())
    assert len(site.hits) < 20


def test_site_that_is_not_there(site: Site) -> None:
    site.server.shutdown()
    site.server.server_close()
    found = site.crawl()["/"]
    assert isinstance(found, Failed) and found.state == "unreachable"


def test_private_site_is_refused_without_the_operator(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", "")
    site.pages |= {"/": html(TEXT)}
    found = site.crawl()["/"]
    assert isinstance(found, Failed) and found.state == "unreachable" and "public" in found.message
    assert site.hits == []


def test_crawl_passes_the_egress_guard_with_the_hosts_of_its_target_only(site: Site) -> None:
    site.pages |= {"/": html(TEXT)}
    egress.install(EgressPolicy(declared={"website": ("*",)}, private_hosts=frozenset({site.host})))
    try:
        with calling("website", SimpleNamespace(id=3), hosts=CONNECTOR.hosts(site.url)):
            assert isinstance(site.crawl()["/"], FoundDocument)
        assert {entry for entry in egress.recent() if entry[0]} == {("website", 3, "127.0.0.1")}
        egress.install(EgressPolicy(mode="none", private_hosts=frozenset({site.host})))
        with calling("website", SimpleNamespace(id=3), hosts=CONNECTOR.hosts(site.url)):
            refused = site.crawl()["/"]
        assert isinstance(refused, Failed) and refused.state == "unreachable"
    finally:
        egress.reset()


def test_busy_server_is_asked_again_once(site: Site) -> None:
    answers = [(429, {"Retry-After": "3"}, b""), html(TEXT)]
    site.pages |= {"/": lambda handler: answers.pop(0)}
    assert isinstance(site.crawl()["/"], FoundDocument)
    assert 3.0 in site.slept

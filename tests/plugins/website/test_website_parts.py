"""Addresses, robots.txt and the connector's own promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webchatagent.core.api import WebChatAgentError
from webchatagent.plugins.website.connector import CONNECTOR
from webchatagent.plugins.website.page import inspect
from webchatagent.plugins.website.robots import parse_robots
from webchatagent.plugins.website.sitemap import parse_sitemap
from webchatagent.plugins.website.urls import canonical, page_key

ROBOTS = Path(__file__).resolve().parents[4] / "shared/evaldata/robots/real.dev.jsonl"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Example.ORG:80", "http://example.org/"),
        ("https://example.org:443/a/", "https://example.org/a/"),
        ("http://example.org/a/../b/./c#x", "http://example.org/b/c"),
        ("http://example.org/../../x", "http://example.org/x"),
        ("http://example.org/?utm_source=a&q=1&fbclid=2", "http://example.org/?q=1"),
        ("http://example.org//a//b", "http://example.org/a/b"),
        ("http://example.org/a;jsessionid=AB12?x=1", "http://example.org/a?x=1"),
        ("http://example.org/%7euser/ü", "http://example.org/~user/%C3%BC"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("mailto:a@b.c", ""),
        ("javascript:void(0)", ""),
        ("http://u:p@example.org/", ""),
        ("http://[::1", ""),
        ("", ""),
        ("http://", ""),
        (
            "http://example.org/दस्तावेज़",
            "http://example.org/%E0%A4%A6%E0%A4%B8%E0%A5%8D%E0%A4%A4%E0%A4%BE%E0%A4%B5%E0%A5%87%E0%A4%9C%E0%A4%BC",
        ),
    ],
)
def test_canonical_address(url: str, expected: str) -> None:
    assert canonical(url) == expected
    assert canonical(expected) == expected


def test_scheme_and_www_do_not_make_another_page() -> None:
    assert page_key("http://www.example.org/a?x=1") == page_key("https://example.org/a?x=1")
    assert page_key("http://example.org/a") != page_key("http://example.org:8080/a")


def test_connector_claims_and_names_its_hosts() -> None:
    assert (
        CONNECTOR.claims("https://example.org/x") and not CONNECTOR.claims("/tmp/x") and not CONNECTOR.claims("ftp://x")
    )
    assert CONNECTOR.hosts("https://www.example.org/x") == {"example.org", "www.example.org"}
    assert not CONNECTOR.local


@pytest.mark.parametrize(
    ("meta", "header"),
    [
        (b'<meta charset="iso-8859-1">', ""),
        (b"", "text/html; charset=iso-8859-1"),
        (b'<meta charset="no-such-set">', ""),
    ],
)
def test_title_is_read_in_the_declared_charset(meta: bytes, header: str) -> None:
    title = inspect("p", header, b"<html><head>" + meta + b"<title>Stra\xdfe</title></head><body>x</body></html>")[
        "title"
    ]
    assert title in ("Straße", "Stra\ufffde")
    assert ("no-such" in meta.decode()) == (title != "Straße")


def test_deep_page_is_inspected() -> None:
    assert inspect("p", "", b"<div>" * 10_000 + b"<a href=/x>x</a>")["links"] == ["/x"]


@pytest.mark.parametrize("body", [b"", b"not xml", b"<broken", b"\x1f\x8bbroken", b"<urlset></urlset>"])
def test_sitemap_that_is_none(body: bytes) -> None:
    assert parse_sitemap(body) == ([], [])


def test_robots_page_of_html_allows_all() -> None:
    assert parse_robots(b"<!doctype html><p>Disallow: /").allowed("http://x.test/")


def test_real_robots_files_are_read() -> None:
    if not ROBOTS.exists():
        pytest.skip("evaldata is not here")
    count = 0
    for line in ROBOTS.open(encoding="utf-8"):
        row = json.loads(line)
        text = next(
            v for k, v in row.items() if isinstance(v, str) and k in ("text", "robots", "content", "body", "robots_txt")
        )
        robots = parse_robots(text.encode())
        assert 0 <= robots.delay <= 5
        robots.allowed("http://example.org/some/page?x=1")
        count += 1
    assert count > 100


def test_wrong_setting_is_named() -> None:
    from webchatagent.core.api import SourceSpec

    with pytest.raises(WebChatAgentError, match="max_pages"):
        list(CONNECTOR.find(SourceSpec("http://example.org/", {"max_pages": 0})))

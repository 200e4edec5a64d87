"""The crawl of one site: one page at a time, from the start along its links and sitemaps."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import ValidationError

from webchatagent.core.api import (
    Blob,
    DocumentProblem,
    Failed,
    Fetched,
    Fetcher,
    Finding,
    FoundDocument,
    SourceSpec,
    State,
    Unchanged,
    WebChatAgentError,
    run_limited,
)

from .config import Config
from .robots import Robots, read_robots
from .sitemap import read_sitemaps
from .urls import bare_host, canonical, is_asset, page_key, site_of

GIVE_UP = 10
"""So many pages in a row that cannot be reached mean that the site is down."""
MAX_WAIT = 5.0
_HTML = ("text/html", "application/xhtml+xml", "")
_DOCUMENTS = (
    "application/pdf",
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.oasis.opendocument",
    "text/plain",
    "text/markdown",
    "application/rtf",
    "text/rtf",
    "application/epub+zip",
    "text/csv",
)


class Crawl:
    """One run over a site. `sleep` is replaced in tests."""

    def __init__(self, spec: SourceSpec, fetcher: Fetcher, sleep: Callable[[float], None] = time.sleep) -> None:
        try:
            self._config = Config.model_validate(spec.config)
        except ValidationError as error:
            first = error.errors()[0]
            raise DocumentProblem("unreachable", f"The setting {first['loc'][0]} is wrong: {first['msg']}") from None
        self._fetcher, self._sleep, self._known = fetcher, sleep, spec.known
        self._start = canonical(spec.target)
        self._queue: deque[tuple[str, int]] = deque()
        self._queued: set[str] = set()
        self._answered: set[str] = set()
        self._asked = 0.0
        self._delay = self._config.crawl_delay
        self._robots = Robots(lambda url: True)

    def run(self) -> Iterator[Finding]:
        """Every page that is there, and those that could not be had."""
        if not self._start:
            yield Failed("start", "unreachable", "This is not a web address")
            return
        try:
            self._robots = read_robots(self._fetcher, self._start, self._allow_host)
        except WebChatAgentError as error:
            yield from self._all_unreachable(error.message)
            return
        if not self._robots.reachable:
            yield from self._all_unreachable("The site is in trouble: its robots.txt cannot be read")
            return
        self._delay = max(self._delay, self._robots.delay)
        self._fill_queue()
        yield from self._pages()

    def _fill_queue(self) -> None:
        self._enqueue(self._start, 0)
        for url, memory in self._known.items():
            depth = memory.get("depth", "1")
            self._enqueue(url, int(depth) if depth.isdigit() else 1)
        if self._config.max_depth:
            sitemaps = self._robots.sitemaps or (urljoin(self._start, "/sitemap.xml"),)
            for url in read_sitemaps(
                self._fetcher, sitemaps, self._allow_host, self._config.max_pages * 2, self._pause
            ):
                self._enqueue(url, 1)

    def _pages(self) -> Iterator[Finding]:
        found = fetched = misses = 0
        while self._queue and found < self._config.max_pages and fetched < self._config.max_pages * 3:
            url, depth = self._queue.popleft()
            if not self._robots.allowed(url):
                if url == self._start:
                    yield Failed(
                        url, "unreachable", "The site's robots.txt does not allow this page to be read", url=url
                    )
                continue
            fetched += 1
            for finding in self._page(url, depth):
                found += 1
                missed = isinstance(finding, Failed) and finding.state == "unreachable"
                misses = misses + 1 if missed else 0
                yield finding
            if misses >= GIVE_UP:
                yield from self._all_unreachable("The site does not answer any more")
                return

    def _all_unreachable(self, reason: str) -> Iterator[Finding]:
        """Say it of the start and of every page known, lest they count as gone."""
        for url in dict.fromkeys([self._start, *self._known]):
            if page_key(url) not in self._answered:
                yield self._failed(url, "unreachable", reason)

    def _page(self, url: str, depth: int) -> Iterator[Finding]:
        try:
            answer = self._ask(url)
        except WebChatAgentError as error:
            if error.code != "fetch_other_host" or url == self._start or url in self._known:
                state: State = "too_large" if error.code == "fetch_too_large" else "unreachable"
                yield self._failed(url, state, error.message)
            return
        final = canonical(answer.url) or url
        if page_key(final) in self._answered:
            return
        if answer.status == 304:
            yield self._unchanged(url, self._known[url])
        elif answer.status in (404, 410):
            yield self._failed(url, "gone", f"The page is not there any more (HTTP {answer.status})")
        elif answer.status != 200:
            reason = "asks for a login" if answer.status in (401, 403) else "answers with an error"
            yield self._failed(url, "unreachable", f"The page {reason} (HTTP {answer.status})")
        elif not self._robots.allowed(final):
            return
        else:
            yield from self._content(url, final, depth, answer)

    def _ask(self, url: str) -> Fetched:
        memory = self._known.get(url, {})
        headers = {
            name: memory[key]
            for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
            if memory.get(key)
        }
        self._pause()
        answer = self._fetcher.get(url, headers, allow_host=self._allow_host)
        if answer.status in (429, 503):
            wait = answer.headers.get("retry-after", "")
            self._sleep(min(float(wait) if wait.isdigit() else 1.0, MAX_WAIT))
            answer = self._fetcher.get(url, headers, allow_host=self._allow_host)
        return answer

    def _content(self, url: str, final: str, depth: int, answer: Fetched) -> Iterator[Finding]:
        media_type = answer.headers.get("content-type", "")
        kind = media_type.partition(";")[0].strip().lower()
        if answer.body.startswith(b"%PDF-"):  # many servers call a PDF something else
            kind = media_type = "application/pdf"
        directives = answer.headers.get("x-robots-tag", "").lower()
        memory = {
            "etag": answer.headers.get("etag", ""),
            "modified": answer.headers.get("last-modified", ""),
            "depth": str(depth),
        }
        if kind in _HTML:
            yield from self._html(final, depth, answer, memory, media_type, directives)
        elif kind.startswith(_DOCUMENTS):
            if "noindex" not in directives and "none" not in directives:
                yield self._document(
                    final,
                    unquote(urlsplit(final).path.rpartition("/")[2]),
                    "",
                    media_type,
                    answer.body,
                    {**memory, "hash": hashlib.sha256(answer.body).hexdigest()},
                )
        elif url == self._start or url in self._known:
            yield self._failed(url, "unsupported", f"Content of the type {kind} is not read")

    def _html(
        self, final: str, depth: int, answer: Fetched, memory: dict[str, str], media_type: str, directives: str
    ) -> Iterator[Finding]:
        try:
            page = run_limited(
                "webchatagent.plugins.website.page:inspect", Blob("page.html", answer.body, media_type), seconds=20
            )
        except DocumentProblem as problem:
            yield self._failed(final, "broken", problem.message)
            return
        base = urljoin(final, page["base"]) if page["base"] else final
        if not (page["nofollow"] or "nofollow" in directives or "none" in directives):
            for href in page["links"]:
                self._enqueue(canonical(href, base), depth + 1)
        identity = self._identity(final, canonical(page["canonical"], base) if page["canonical"] else "")
        if page["noindex"] or "noindex" in directives or "none" in directives or page_key(identity) in self._answered:
            self._answered.add(page_key(final))
            return
        self._answered.add(page_key(final))
        if page["script_only"]:
            yield self._failed(
                identity, "no_text", "The page has no text without JavaScript, which is not run", page["title"]
            )
            return
        yield self._document(
            identity,
            page["title"],
            page["language"],
            media_type or "text/html",
            answer.body,
            {**memory, "hash": page["hash"]},
        )

    def _identity(self, final: str, link: str) -> str:
        """The page's canonical link when it stays on the site; many sites name their front page on every page."""
        front = urlsplit(link).path in ("", "/") and not urlsplit(link).query
        return link if link and site_of(link) == site_of(self._start) and not front else final

    def _document(
        self, url: str, title: str, language: str, media_type: str, body: bytes, memory: Mapping[str, str]
    ) -> Finding:
        if self._known.get(url, {}).get("hash") == memory["hash"]:
            return self._unchanged(url, memory)
        self._answered.add(page_key(url))
        name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]) or bare_host(urlsplit(url).hostname or "")
        return FoundDocument(
            url,
            title=title or name,
            name=name,
            url=url,
            media_type=media_type,
            language=language,
            data=body,
            memory=memory,
        )

    def _unchanged(self, url: str, memory: Mapping[str, str]) -> Finding:
        self._answered.add(page_key(url))
        return Unchanged(url, memory)

    def _failed(self, url: str, state: State, message: str, title: str = "") -> Finding:
        self._answered.add(page_key(url))
        return Failed(url, state, message, url=url, title=title)

    def _allow_host(self, host: str) -> bool:
        return bare_host(host) == site_of(self._start)[0]

    def _enqueue(self, url: str, depth: int) -> None:
        url = canonical(url)
        if (
            not url
            or depth > self._config.max_depth
            or site_of(url) != site_of(self._start)
            or (is_asset(url) and depth)
        ):
            return
        key = page_key(url)
        if key not in self._queued and len(self._queued) < self._config.max_pages * 20:
            self._queued.add(key)
            self._queue.append((url, depth))

    def _pause(self) -> None:
        """Wait until the site may be asked again."""
        wait = self._asked + self._delay - time.monotonic()
        if self._delay and wait > 0:
            self._sleep(wait)
        self._asked = time.monotonic()

"""Pages, web hooks and jobs of a plugin: there while it is on, and within its tenant."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from sqlalchemy import select

from webchatagent.core.api import PluginJob, Route, RouteResponse, hookimpl, start_job
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.jobs import KINDS
from webchatagent.core.manifest import Manifest
from webchatagent.core.plugin_jobs import know_kinds, start_regular_jobs
from webchatagent.core.registry import Registry
from webchatagent.core.tenants import load_tenant
from webchatagent.jobs.worker import Worker
from webchatagent.web.app import create_public


class Plugin:
    """A plugin with a web hook, a page and a job; `done` is what the job was run with."""

    def __init__(self) -> None:
        self.done, self.told, self.fail = [], [], False
        self.module = module = ModuleType("tester")

        def answer(tenant, request):
            status = 403 if request.query.get("refuse") else 200
            return RouteResponse({"tenant": tenant.slug, "got": request.body.decode(), **request.parts}, status)

        @hookimpl
        def routes(tenant):
            return [
                Route("webhook", answer, ("POST",), max_body=100),
                Route("confirm/<token>", lambda t, r: RouteResponse(f"<p>{r.parts['token']}</p>")),
            ]

        def run(tenant, **arguments):
            self.done.append((tenant.slug, arguments))
            if self.fail:
                raise RuntimeError("no")

        @hookimpl
        def jobs():
            said = lambda tenant, **arguments: self.told.append((tenant.slug, arguments))  # noqa: E731
            return [
                PluginJob("post", run, attempts=1, gave_up=said),
                PluginJob("revoke", run, even_off=True),
                PluginJob("daily", run, every_seconds=86_400),
            ]

        module.routes, module.jobs = routes, jobs


def switch(tenant, on: bool) -> None:
    """Switch the plugin of this test on or off, which has no settings."""
    with tenant.write() as db:
        row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == "tester"))
        if row is None:
            db.add(row := PluginSwitch(plugin="tester"))
        row.enabled = on


@pytest.fixture
def tester(platform) -> Iterator[Plugin]:
    found, known = Plugin(), platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    manifest = Manifest(id="tester", name="Tester", summary="For a test.", category="tools")
    plugins["tester"] = (manifest, found.module)
    platform.registry = Registry(plugins, known._always, known.broken)
    know_kinds(platform)
    yield found
    for kind in [name for name in KINDS if name.startswith("tester.")]:  # the ledger's table is the process's
        del KINDS[kind]


@pytest.fixture
def client(platform, tester, acme, globex):
    switch(acme, True)
    return create_public(platform).test_client()


def test_hook_routes(client):
    answer = client.post("/x/tester/acme/webhook", data="hello")
    assert (answer.status_code, answer.json) == (200, {"tenant": "acme", "got": "hello"})
    page = client.get("/x/tester/acme/confirm/abc")
    assert (page.text, page.content_type) == ("<p>abc</p>", "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/x/tester/globex/webhook", 404),  # off for that tenant
        ("POST", "/x/tester/nobody/webhook", 404),
        ("POST", "/x/offline/acme/webhook", 404),
        ("GET", "/x/tester/acme/webhook", 405),
        ("GET", "/x/tester/acme/confirm/a/b", 404),
        ("GET", "/x/tester/acme/other", 404),
    ],
)
def test_what_is_not_there(client, method, path, status):
    answer = client.open(path, method=method)
    assert answer.status_code == status and answer.json["error"]["code"]


def test_a_body_has_the_size_that_the_route_allows(client):
    assert client.post("/x/tester/acme/webhook", data="x" * 101).status_code == 413


def test_senders_who_are_refused_again_and_again_have_to_wait(platform, tester, acme):
    switch(acme, True)
    object.__setattr__(platform.settings, "rate_limits", "on")
    client = create_public(platform).test_client()
    answers = [client.post("/x/tester/acme/webhook?refuse=1").status_code for _ in range(62)]
    assert answers[0] == 403 and answers[-1] == 429


def work(platform) -> None:
    while Worker(platform).run_due():
        pass


def begin(tenant, kind: str, **ids: int) -> str:
    with tenant.write() as db:
        return start_job(db, kind, **ids)[0]


def state(tenant, job: str) -> str:
    with tenant.read() as db:
        return db.scalar(select(BackgroundJob.state).where(BackgroundJob.id == job))


def test_hook_jobs(platform, tester, acme, globex):
    switch(acme, True)
    job = begin(load_tenant(platform, slug="acme"), "tester.post", number=7)
    begin(globex, "tester.post", number=8)  # off there
    work(platform)
    assert tester.done == [("acme", {"number": 7})]
    assert state(acme, job) == "done"


def test_a_job_of_a_plugin_that_was_switched_off_is_left_unless_it_is_meant_for_that(platform, tester, acme):
    switch(acme, True)
    for kind in ("tester.post", "tester.revoke"):
        begin(acme, kind)
    switch(acme, False)
    work(platform)
    assert len(tester.done) == 1


def test_a_plugin_is_told_when_its_job_failed_for_the_last_time(platform, tester, acme):
    switch(acme, True)
    tester.fail = True
    job = begin(acme, "tester.post", number=1)
    work(platform)
    assert tester.told == [("acme", {"number": 1})] and state(acme, job) == "failed"


def test_a_regular_job_is_started_once_in_each_of_its_periods(platform, tester, acme, globex):
    switch(acme, True)
    for _ in range(3):
        for slug in ("acme", "globex"):
            start_regular_jobs(load_tenant(platform, slug=slug))
        work(platform)
    assert tester.done == [("acme", {})]

"""A server whose Elasticsearch is hanging, dead, overloaded, red, or has lost the index: what a visitor gets, and what
is there afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time

import pytest
from elasticsearch import Elasticsearch

from webchatagent.jobs.schedule import tick
from webchatagent.testing.house import house_in
from webchatagent.testing.processes import free_port

from ..elastic_node import running

pytestmark = pytest.mark.service
QUESTION = "When does the lighthouse open?"
TEXT = b"The lighthouse opens at seven in the morning on every day of the week."


class Cluster:
    """A node of this test alone, which it may stop and kill."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.start()

    def start(self):
        self.node = running.start(self.folder, self.port)
        self.client = Elasticsearch(self.node.url, request_timeout=20)

    def signal(self, number):
        os.kill(self.node.pid, number)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    try:
        made = Cluster(folder)
    except running.Absent as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Elasticsearch cannot be started: {missing}")
    yield made
    made.signal(signal.SIGKILL)


@pytest.fixture
def house(cluster, tmp_path, migrated_database):
    """A server on the cluster, with a text that answers the question."""
    data = tmp_path / "house"
    data.mkdir()
    url = f"{cluster.node.url}?prefix={tmp_path.name.replace('_', '').lower()[-20:]}"
    with house_in(data, tmp_path, migrated_database, elasticsearch_url=url) as made:
        assert made.upload("hours.txt", TEXT)[0] < 400
        assert made.ended("hours.txt").state == "searchable"
        assert answer(made) == (200, True)
        yield made
        assert "Traceback" not in made.server.log


def answer(house):
    """The status, and whether the answer is the one of the text."""
    status, _, text = house.chat(QUESTION)
    return status, "seven" in text


def wait_until(what, seconds=60.0):
    """Wait for something to become true; returns after how long."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() < begin + seconds
        time.sleep(0.1)
    return time.monotonic() - begin


def is_away(house):
    """A visitor is asked to try again, the process lives, and says that it is not ready. Returns how long that took."""
    begin = time.monotonic()
    status, headers, text = house.chat(QUESTION)
    took = time.monotonic() - begin
    error = json.loads(text)["error"]
    assert (status, error["code"]) == (503, "try_again") and "try again" in error["message"], text
    assert int(headers["Retry-After"]) > 0
    assert house.send("GET", "/healthz")[0] == 200
    return took


def upload_while_away(house):
    """A file that is taken in although the index is away."""
    assert house.upload("later.txt", b"The ferry leaves the harbour at noon.")[0] < 400


def is_whole_again(house, figures, what):
    """Questions are answered, and what was uploaded meanwhile is found, once."""
    seconds = wait_until(lambda: answer(house) == (200, True))
    assert house.ended("later.txt").state == "searchable"
    assert house.platform.chunks.documents(house.bot.tenant.id) == {d.id: d.chunks for d in house.documents().values()}
    assert "noon" in house.chat("When does the ferry leave the harbour?")[2]
    figures.line(
        "faults of Elasticsearch", f"{what}: answers again after {seconds:.1f} s, lost 0, doubled 0, HTTP 500: 0"
    )


def test_a_hanging_cluster(house, cluster, figures):
    cluster.signal(signal.SIGSTOP)
    try:
        first = is_away(house)
        assert first < 10 and is_away(house) < 2  # the next ones do not wait for it
        upload_while_away(house)
        assert house.send("GET", "/readyz")[0] == 503
    finally:
        cluster.signal(signal.SIGCONT)
    is_whole_again(house, figures, "SIGSTOP")


def test_a_dead_cluster(house, cluster, figures):
    cluster.signal(signal.SIGKILL)
    try:
        is_away(house)
        upload_while_away(house)
        parts = json.loads(house.send("GET", "/readyz")[2])["parts"]
        assert next(p for p in parts if p["name"] == "elasticsearch")["state"] == "down"
    finally:
        cluster.start()
    is_whole_again(house, figures, "kill -9 and start")


def test_a_cluster_that_refuses_with_429(house, cluster, figures):
    limit = {"indices.breaker.request.limit": "1b", "indices.breaker.total.limit": "1b"}
    cluster.client.cluster.put_settings(persistent=limit)
    try:
        wait_until(lambda: house.chat(QUESTION)[0] == 503)
        is_away(house)
        upload_while_away(house)
    finally:
        cluster.client.cluster.put_settings(persistent=dict.fromkeys(limit))
    is_whole_again(house, figures, "429")


def test_a_red_index(house, cluster, figures):
    """A shard whose files are gone: the index is there, red, until somebody deletes it; then it is made again."""
    (index,) = cluster.client.indices.get_alias(name=house.platform.chunks._indexes.chunks)
    uuid = cluster.client.indices.get_settings(index=index)[index]["settings"]["index"]["uuid"]
    cluster.client.indices.close(index=index)
    (shard,) = cluster.node.data.rglob(f"{uuid}/0")
    shutil.rmtree(shard)
    cluster.client.indices.open(index=index, wait_for_active_shards="0")
    wait_until(lambda: cluster.client.cluster.health(index=index)["status"] == "red")
    is_away(house)
    upload_while_away(house)
    assert house.send("GET", "/readyz")[0] == 503
    cluster.client.indices.delete(index=index)
    wait_until(lambda: restored(house))
    is_whole_again(house, figures, "red, then deleted")


def restored(house):
    """Whether the question is answered again; the clock strikes meanwhile."""
    tick(house.platform)
    return answer(house) == (200, True)


def test_a_lost_index_is_made_again_from_the_stored_texts(house, cluster, figures):
    found = list(cluster.client.indices.get_alias(name=house.platform.chunks._indexes.chunks))
    cluster.client.indices.delete(index=",".join(found))
    assert answer(house)[1] is False
    upload_while_away(house)

    wait_until(lambda: restored(house))
    is_whole_again(house, figures, "index deleted")

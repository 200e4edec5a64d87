"""The address and its password; items that are refused; what holds without a node."""

from __future__ import annotations

import json
import logging

import pytest

from webchatagent.core.analysis import trigrams, words
from webchatagent.core.errors import IndexUnavailable
from webchatagent.core.settings import SettingError, load_settings
from webchatagent.stores import elastic_bulk
from webchatagent.stores.chunks_elastic import ElasticsearchChunkStore
from webchatagent.stores.elastic_client import Connection, read_address
from webchatagent.stores.elastic_records import gram_count, read_ref
from webchatagent.testing.scripted_server import ScriptedServer


def test_the_address_is_taken_apart_and_hides_its_password():
    address = read_address("https://anna:s%40cret@es.example.org:9243/base?prefix=shop&shards=3&ca=/etc/ca.pem")
    assert (address.url, address.prefix, address.shards, address.authority) == (
        "https://es.example.org:9243/base",
        "shop",
        3,
        "/etc/ca.pem",
    )
    assert address.login == ("anna", "s@cret") and "s@cret" not in repr(address)
    settings = load_settings({}, elasticsearch_url="https://anna:secret@es.example.org")
    assert "secret@" not in repr(settings)


@pytest.mark.parametrize("url", ["es.example.org:9200", "ftp://x", "http://", "http://x:9200?shards=none"])
def test_a_wrong_address_is_refused(url):
    with pytest.raises(SettingError):
        read_address(url)


def test_a_cluster_that_is_not_there_is_left_alone_and_its_password_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    at = [0.0]
    connection = Connection(read_address("http://anna:hush-hush@127.0.0.1:9/"), clock=lambda: at[0])
    for _ in range(2):
        with pytest.raises(IndexUnavailable) as found, connection.asking() as client:
            client.cluster.health()
    tried = [r for r in caplog.records if "does not answer" in r.getMessage()]
    assert len(tried) == 1  # the second one was not sent
    at[0] = 6.0
    with pytest.raises(IndexUnavailable), connection.asking() as client:
        client.cluster.health()
    assert len([r for r in caplog.records if "does not answer" in r.getMessage()]) == 2
    assert "hush-hush" not in caplog.text and "hush-hush" not in str(found.value)
    connection.close()


def test_a_store_is_opened_without_calling_anybody():
    store = ElasticsearchChunkStore("http://127.0.0.1:9/")
    assert store.ping().state == "down"
    with pytest.raises(IndexUnavailable):
        store.stats(1)


@pytest.mark.parametrize("text", ["banana ananas", "in inner a aaaa ababab", "Straße grüßt", "क्षत्रिय पुस्तकालय खुलता", ""])
def test_trigrams_are_counted_as_the_analysis_makes_them(text):
    made, folded = trigrams(text), " ".join(words(text))
    for gram in {*made, "zzz", "an", "a", "in"}:
        assert gram_count(gram, folded) == made.count(gram), gram


@pytest.mark.parametrize("ref", ["", "1.2.3", "1.2.1-ab.x", 7, "x.2.1-ab.0", "1.2.1-ab.0.5"])
def test_what_is_no_name_of_a_chunk_is_none(ref):
    assert read_ref(ref) is None


def bulk_answer(*items):
    """The answer of a cluster to a bulk request: (id, status) for each item."""
    shown = [{"index": {"_id": i, "status": s, **({} if s < 300 else {"error": {"type": "busy"}})}} for i, s in items]
    body = json.dumps({"errors": any(s > 299 for _, s in items), "items": shown}).encode()
    kind = b"Content-Type: application/vnd.elasticsearch+json;compatible-with=9\r\nX-Elastic-Product: Elasticsearch\r\n"
    return b"HTTP/1.1 200 OK\r\n" + kind + b"Content-Length: %d\r\n\r\n" % len(body) + body


def sent_ids(server):
    """Which items each request had."""
    lines = [asked.body.decode().splitlines() for asked in server.asked]
    return [[json.loads(line)["index"]["_id"] for line in some[::2]] for some in lines]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(elastic_bulk, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(elastic_bulk, "LONGEST_PAUSE", 0.02)
    made = ScriptedServer()
    yield made
    made.close()


ACTIONS = [{"_index": "a", "_id": n, "_source": {}} for n in ("one", "two")]


def test_only_the_item_that_was_refused_is_sent_again(server):
    connection = Connection(read_address(server.url))
    server.script(bulk_answer(("one", 201), ("two", 429)))
    server.script(bulk_answer(("two", 201)))
    with connection.writing() as client:
        assert elastic_bulk.write(client, ACTIONS) == 2
    assert sent_ids(server) == [["one", "two"], ["two"]]


def test_an_item_that_stays_refused_is_reported_and_not_tried_for_ever(server):
    connection = Connection(read_address(server.url))
    server.script(bulk_answer(("one", 201), ("two", 429)))
    for _ in range(elastic_bulk.TRIES):
        server.script(bulk_answer(("two", 429)))
    with pytest.raises(IndexUnavailable, match="1 changes"), connection.writing() as client:
        elastic_bulk.write(client, ACTIONS)
    assert len(server.asked) == 1 + elastic_bulk.TRIES

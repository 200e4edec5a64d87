"""Which hosts may be called, said at each start and in the notices."""

from __future__ import annotations

import json
import logging

import pytest

from webchatagent.core.calls import list_calls, say_calls
from webchatagent.core.logs import JsonLines, shorten
from webchatagent.core.notice import compose
from webchatagent.core.plugins import enable, save_config
from webchatagent.core.settings import SettingError, load_settings


@pytest.mark.seed("SR-091")
def test_every_host_of_a_plugin_that_is_on_is_named_with_its_country(make_platform):
    from webchatagent.core.tenants import create_tenant

    platform = make_platform(data_region="DE", redis_url="redis://10.0.0.9:6379")
    acme, globex = create_tenant(platform, "acme", "Acme"), create_tenant(platform, "globex", "Globex")
    assert [c.host for c in list_calls(platform)] == ["10.0.0.9"]
    save_config(acme, "llm_gemini", {"api_key": "AIza-of-a-test"})
    enable(acme, "llm_gemini")
    found = {c.host: c for c in list_calls(platform)}
    manifest = platform.registry.manifests["llm_gemini"]
    named = {h for h in manifest.egress if h != "*"}
    assert named and named <= set(found)
    assert all(found[h].country == manifest.recipient.country for h in named)
    lines = say_calls(platform)
    assert "hosted in DE" in lines[0]
    assert all(any(h in line and manifest.recipient.country in line for line in lines) for h in named)
    assert not globex.enabled & {"llm_gemini"}


@pytest.mark.seed("SR-091")
@pytest.mark.parametrize("language", ["en", "de", "hi"])
def test_the_notice_says_where_the_server_stands(make_platform, language):
    from webchatagent.core.tenants import create_tenant

    said, unsaid = (
        [
            sentence
            for section in compose(create_tenant(p, "acme", "Acme"), language).sections
            for sentence in section.sentences
        ]
        for p in (make_platform("a", data_region="DE"), make_platform("b"))
    )
    assert [s for s in said if s not in unsaid and "DE" in s]


def test_a_region_is_a_country():
    with pytest.raises(SettingError, match="DATA_REGION"):
        load_settings({}, data_region="Germany")


def test_a_host_outside_of_the_region_is_marked(make_platform):
    from webchatagent.core.calls import Call

    assert Call("a", "A", "US", "x").outside("DE") and not Call("a", "A", "IE", "x").outside("DE")
    assert Call("a", "A", "IE", "x").outside("IN") and not Call("a", "A", "US", "x").outside("")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("from 192.168.17.5 at 10:20:30", "from 192.168.17.0 at 10:20:30"),
        ("2001:db8:1:2::5 and 127.0.0.1", "2001:db8:1:: and 127.0.0.1"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3::"),
    ],
)
def test_addresses_are_cut_to_their_network(said, kept):
    assert shorten(said) == kept


def test_a_json_line_holds_the_kind_and_place_of_an_error_and_not_what_it_said():
    try:
        raise ValueError("the visitor wrote: my name is Anna")
    except ValueError:
        import sys

        record = logging.LogRecord("web", logging.ERROR, "x.py", 1, "request %s failed", ("r1",), sys.exc_info())
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "request r1 failed", "ValueError")
    assert "test_calls.py" in line["where"] and "Anna" not in json.dumps(line)

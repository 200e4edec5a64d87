"""The demo bot knows the documentation: it answers from it in three languages, also where no embedding model is."""

from __future__ import annotations

import asyncio

import pytest

from webchatagent.cli.demonstration import SUGGESTIONS, seed
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import find_bot
from webchatagent.core.registry import Registry
from webchatagent.core.sources import list_sources
from webchatagent.core.turns import TurnRunner

ANSWERS = {
    "How do I add a website as a source?": ("Quick start", "**Add a website**"),
    "Wie füge ich eine Website als Quelle hinzu?": ("Schnellstart", "**Website hinzufügen**"),
    "मैं स्रोत के रूप में वेबसाइट कैसे जोड़ूँ?": ("त्वरित आरंभ", "**वेबसाइट जोड़ें**"),
    "How do I make a backup?": ("", "copy the whole data folder"),
    "Setzt der Chat Cookies?": ("Schnellstart", "keine Cookies"),
    "मैं डेमो कैसे शुरू करूँ?": ("त्वरित आरंभ", "`make demo`"),
    "How do I write a plugin?": ("Plugins", "`plugin.toml`"),
}
UNKNOWN = [
    "Who won the football world cup?",
    "Wer hat die Fußballweltmeisterschaft gewonnen?",
    "क्रिकेट विश्व कप किसने जीता?",
]


def without_embeddings(platform):
    """The platform on a machine without an embedding model."""
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items() if n != "embeddings_local"}
    platform.registry = Registry(plugins, known._always)


@pytest.fixture
def guide(platform, run_jobs):
    """The demo's bot on a machine without an embedding model, when all pages are indexed."""
    without_embeddings(platform)
    seed(platform, "http://127.0.0.1:8080")
    run_jobs()
    return find_bot(platform, "demo/guide")


def test_the_demo_answers_from_the_docs_in_three_languages(guide):
    async def ask(question):
        return await TurnRunner().reply(await asyncio.to_thread(accept_turn, guide, None, question))

    for question, (title, phrase) in ANSWERS.items():
        reply = asyncio.run(ask(question))
        assert not reply.refused and phrase in reply.text, (question, reply.text)
        assert not title or reply.sources[0]["title"] == title, question
    for question in UNKNOWN:
        assert asyncio.run(ask(question)).refused, question
    assert set(SUGGESTIONS) <= set(ANSWERS)


def test_every_page_is_searchable_and_a_second_start_changes_nothing(guide, platform, run_jobs):
    documents = [d for _, found in list_sources(guide.tenant, guide.id) for d in found]
    assert {d.state for d in documents} == {"searchable"}
    assert {"README.md", "quick-start.md", "de/schnellstart.md", "hi/quick-start.md"} <= {
        d.external_id for d in documents
    }
    versions = {d.id: d.version for d in documents}
    seed(platform, "http://127.0.0.1:8080")
    run_jobs()
    again = [d for _, found in list_sources(guide.tenant, guide.id) for d in found]
    assert {d.id: d.version for d in again} == versions

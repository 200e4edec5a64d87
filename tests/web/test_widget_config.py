"""The public start-up values of the widget."""

from __future__ import annotations

import pytest

from webchatagent.core.bots import change_bot, change_settings
from webchatagent.core.texts import LANGUAGES


@pytest.fixture
def config(client, bot):
    """A function that reads the config of the bot."""
    return lambda: client.get(f"/api/bots/{bot.public_id}/config").get_json()


def test_the_usual_greeting_comes_in_every_language(config, bot):
    greeting = config()["greeting"]
    assert set(greeting) == set(LANGUAGES) and len(set(greeting.values())) == 3
    assert all(bot.name in text for text in greeting.values())


def test_a_greeting_of_the_tenant_is_said_as_it_was_written(config, acme, bot, platform):
    change_bot(acme, bot.id, name=bot.name, locale="de", greeting="Moin!", settings=bot.settings)
    assert config()["greeting"] == "Moin!"


def test_the_words_of_the_button_come_with_the_config(config):
    labels = config()["labels"]
    assert set(labels) == set(LANGUAGES) and all(len(words) == 4 and all(words) for words in labels.values())


def test_teaser_and_opening_are_off_until_they_are_set(config, acme, bot, client):
    assert config()["teaser"] is None and config()["autoOpen"] is None
    change_settings(acme, bot.id, teaser="Questions?", teaser_seconds=3, open_seconds=20)
    client.application.extensions["webchatagent"].bots.forget()
    assert config()["teaser"] == {"text": "Questions?", "after": 3} and config()["autoOpen"] == {"after": 20}

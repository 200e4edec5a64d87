"""What tests of core share: a bot that was taught, with a model that says what the test enqueues."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from webchatagent.core.bots import find_bot
from webchatagent.core.db.chats import TurnRow

TEXTS = {
    "opening": "The shop opens at nine in the morning and closes at six in the evening.",
    "returns": "Goods can be returned to the shop within thirty days, in the morning too.",
}


@pytest.fixture
def asked(bot, scripted_model, add_texts):
    """The bot, with two texts and a model that says what the test enqueues."""
    add_texts(bot, TEXTS)
    return find_bot(bot.tenant.platform, bot.public_id)


@pytest.fixture
def turn_rows(bot):
    """A function that reads the bot's turns as they are stored, oldest first."""

    def read():
        with bot.tenant.read() as db:
            return list(db.scalars(select(TurnRow).order_by(TurnRow.id)))

    return read

"""What models cost: a tenant's own price table, in whole micro-units of one currency."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict, Field

MICRO = 1_000_000
"""Micro-units in one unit of a currency; prices are for as many tokens, so that no fraction is lost."""
MOST = 1_000_000 * MICRO
"""The highest price: a million units for a million tokens."""
MODELS = 200
"""Models in one table."""


class Price(BaseModel):
    """The price of one model in micro-units for a million tokens, in and out."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tokens_in: int = Field(0, ge=0, le=MOST)
    tokens_out: int = Field(0, ge=0, le=MOST)


class Prices(BaseModel):
    """A tenant's price table. It is empty until somebody fills it in: no price is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    models: Mapping[str, Price] = Field(default_factory=dict, max_length=MODELS)

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> int:
        """What tokens of a model cost, in micro-units, rounded to the nearest; 0 for a model without a price."""
        price = self.models.get(model)
        if price is None:
            return 0
        return (tokens_in * price.tokens_in + tokens_out * price.tokens_out + MICRO // 2) // MICRO

    def highest(self, models: Collection[str], tokens_in: int, tokens_out: int) -> int:
        """The most that tokens cost with one of these models, or with any of the table when none is named."""
        return max((self.cost(m, tokens_in, tokens_out) for m in models or self.models), default=0)


FREE = Prices.model_validate({})

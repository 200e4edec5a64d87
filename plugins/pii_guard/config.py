"""What a tenant sets about personal data on its way to a model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Config(BaseModel):
    """How much is replaced."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    mode: Literal["off", "standard", "strict"] = Field(
        "standard",
        description="Off: nothing is replaced. Standard: what is surely personal. Strict: streets and recognised names too.",
    )
    regions: tuple[str, ...] = Field(
        ("DE", "IN", "AT", "CH", "GB", "US"),
        max_length=12,
        description="Countries whose phone numbers are known without a country code, two letters each.",
    )

    @field_validator("regions")
    @classmethod
    def _countries(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(value.strip().upper() for value in values)
        if not all(len(value) == 2 and value.isascii() and value.isalpha() for value in found):
            raise ValueError("write two letters for each country, such as DE")
        return found

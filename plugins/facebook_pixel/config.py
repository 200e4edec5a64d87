"""What a tenant sets: the pixel."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """The pixel of a tenant's website."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    pixel_id: str = Field("", pattern=r"^(\d{5,20})?$", description="Of your pixel at Meta, digits; empty for none.")

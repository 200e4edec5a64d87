"""What a tenant sets: the container."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Config(BaseModel):
    """The Tag Manager of a tenant's website."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    container_id: str = Field("", max_length=20, description="Such as GTM-ABC1234; empty for none.")
    advertising: bool = Field(False, description="Whether the container also holds tags of advertising.")

    @field_validator("container_id")
    @classmethod
    def _container(cls, value: str) -> str:
        value = value.strip().upper()
        if value and not re.fullmatch(r"GTM-[A-Z0-9]{4,12}", value):
            raise ValueError("a container is written like GTM-ABC1234")
        return value

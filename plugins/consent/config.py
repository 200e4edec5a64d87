"""What a tenant sets: words of their own, and the small button."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """The consent layer of a tenant's website."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    text: str = Field(
        "",
        max_length=600,
        description="Instead of our sentence above the choices.",
        json_schema_extra={"widget": "textarea"},
    )
    button: bool = Field(True, description="A small button by which visitors change their mind.")

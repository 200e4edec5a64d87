"""What a tenant sets: what is asked and when, and who is told."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Config(BaseModel):
    """Leads of a tenant."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: str = Field("", max_length=120, description="The heading of the form; empty for ours.")
    intro: str = Field("", max_length=500, description="What the details are for, above the form; empty for ours.")
    on_refusal: bool = Field(True, description="Show the form when the bot does not know an answer.")
    after_answers: int = Field(0, ge=0, le=20, description="Show it under this answer of a conversation; 0 for never.")
    phone: bool = Field(True, description="Ask for a phone number.")
    company: bool = Field(False, description="Ask for the company.")
    message: bool = Field(True, description="Ask what it is about.")
    questions: tuple[str, ...] = Field(
        (), max_length=8, description="Questions of your own, one a line; a star at the end makes it needed."
    )
    marketing: bool = Field(False, description="Offer a box for offers and news beyond an answer; it is never ticked.")
    newsletter: bool = Field(False, description="Offer a box for the newsletter, which is confirmed by mail.")
    notify: str = Field("", max_length=200, description="An address that gets a mail for each lead.")
    webhook_url: str = Field("", max_length=300, description="An address of yours that is told of each lead.")
    webhook_secret: SecretStr = Field(SecretStr(""), description="What the messages to it are signed with.")
    keep_days: int = Field(
        365, ge=0, le=3650, description="Days that a lead is kept after its last change; 0 for ever."
    )

    @field_validator("questions")
    @classmethod
    def _questions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(line.strip()[:200] for line in value if line.strip(" *"))

    @field_validator("notify")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().lower()
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            raise ValueError("this is no e-mail address")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _server(cls, value: str) -> str:
        value = value.strip()
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, with https://")
        return value

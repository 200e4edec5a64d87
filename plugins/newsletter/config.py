"""What a tenant sets: words for the form, and where the addresses are handed to."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

KEY = re.compile(r"[A-Za-z0-9]{10,64}-([a-z]{2,4}\d{1,3})")
"""A key of Mailchimp ends with the name of its data centre."""
HOSTS = "*.api.mailchimp.com"


class Config(BaseModel):
    """The newsletter of a tenant."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    title: str = Field("", max_length=120, description="The heading of the form; empty for Newsletter.")
    intro: str = Field("", max_length=500, description="What the newsletter is about, above the form.")
    api_key: SecretStr = Field(
        SecretStr(""), description="From your Mailchimp account; without it nothing is handed on."
    )
    audience_id: str = Field("", max_length=20, description="Of the Mailchimp audience that gets the addresses.")
    tags: tuple[str, ...] = Field(
        (), max_length=20, description="Tags that new addresses get at Mailchimp, one a line."
    )
    unsubscribe_field: str = Field(
        "",
        max_length=10,
        description="The audience's merge field that gets the link to unsubscribe here, such as UNSUB.",
    )
    statistics: bool = Field(False, description="Fetch how often each campaign was opened and clicked in all.")
    api_url: str = Field("", max_length=200, description="Mailchimp's own, unless you try this with another server.")

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if text and not KEY.fullmatch(text):
            raise ValueError("a key of Mailchimp ends with its data centre, such as -us6")
        return SecretStr(text)

    @field_validator("audience_id")
    @classmethod
    def _audience(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"[0-9a-z]{4,20}", value):
            raise ValueError("an audience ID is letters and digits, such as a36b032126")
        return value

    @field_validator("unsubscribe_field")
    @classmethod
    def _field(cls, value: str) -> str:
        value = value.strip().upper()
        if value and not re.fullmatch(r"[A-Z][A-Z0-9_]{0,9}", value):
            raise ValueError("a merge field is up to ten letters and digits, such as UNSUB")
        return value

    @field_validator("tags")
    @classmethod
    def _tags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(tag.strip()[:100] for tag in value if tag.strip())

    @field_validator("api_url")
    @classmethod
    def _server(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, with https://")
        return value

    @property
    def hands_on(self) -> bool:
        """Whether confirmed addresses are handed to Mailchimp."""
        return bool(self.api_key.get_secret_value() and self.audience_id)

    @property
    def base(self) -> str:
        """Where Mailchimp's interface is."""
        match = KEY.fullmatch(self.api_key.get_secret_value())
        centre = match[1] if match else "us1"
        return self.api_url or f"https://{centre}.api.mailchimp.com/3.0"

"""What a tenant sets: the number at Meta, its secrets, which bot answers, and how much one person may ask."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

GRAPH = "https://graph.facebook.com/v23.0/"


class Config(BaseModel):
    """WhatsApp of a tenant. Numbers of Meta are text: they do not fit into every program's integers."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    token: SecretStr = Field(SecretStr(""), description="The access token of a system user, without an end.")
    app_secret: SecretStr = Field(SecretStr(""), description="The secret of your Meta app.")
    business_id: str = Field("", max_length=40, description="The WhatsApp Business Account ID.")
    phone_number_id: str = Field("", max_length=40, description="The phone number ID, which is not the number.")
    bot: str = Field("", max_length=63, description="The short name of the bot that answers; empty for the first.")
    optin_text: str = Field(
        "", max_length=500, description="What people agree to who send START, such as news twice a month."
    )
    per_person: int = Field(30, ge=1, le=1000, description="Messages of one person an hour that are answered.")
    per_hour: int = Field(1000, ge=1, le=100_000, description="Messages of all people an hour that are answered.")
    keep_files: bool = Field(True, description="Keep pictures and documents that people send.")
    api_url: str = Field(GRAPH, max_length=200, description="Meta's own, unless you try this with another server.")

    @field_validator("business_id", "phone_number_id")
    @classmethod
    def _number(cls, value: str) -> str:
        value = value.strip()
        if value and not (value.isascii() and value.isdigit()):
            raise ValueError("this is a number without spaces and signs")
        return value

    @field_validator("api_url")
    @classmethod
    def _server(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, with https://")
        return value + "/"

    @property
    def complete(self) -> bool:
        """Whether everything is there that calling Meta needs."""
        return bool(self.token.get_secret_value() and self.phone_number_id)

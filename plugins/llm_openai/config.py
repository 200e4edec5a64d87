"""What a tenant sets to use OpenAI, or a service with the same interface."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

OPENAI = "https://api.openai.com/v1"


class Config(BaseModel):
    """The account, the models, and where they are."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    api_key: SecretStr = Field(SecretStr(""), description="The key of your account; it starts with sk-.")
    base_url: str = Field(
        OPENAI, max_length=300, description="Another address with the same interface, or OpenAI's own."
    )
    chat_models: tuple[str, ...] = Field(
        ("gpt-5-mini",), max_length=20, description="The models that a bot may choose, by the provider's names."
    )
    embedding_model: str = Field("", max_length=100, description="A model that finds passages by meaning; empty: none.")
    dimensions: int = Field(512, ge=64, le=3072, description="The length of its vectors.")
    max_tokens: int = Field(4000, ge=100, le=32000, description="The longest answer that a bot may set, in tokens.")
    timeout: float = Field(15.0, ge=2, le=120, description="Seconds to wait for the next word.")
    region: Literal["world", "eu", "house"] = Field("world", description="Where the service works on what it is sent.")
    service: str = Field("", max_length=200, description="Who runs the other address, for your privacy notice.")
    country: str = Field("", pattern="^([A-Z]{2})?$", description="The country of that company, two letters.")
    policy: str = Field("", max_length=300, description="The address of its privacy policy.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as https://api.example.org/v1")
        return value

    @property
    def own(self) -> bool:
        """Whether the address is OpenAI's own."""
        return self.base_url == OPENAI

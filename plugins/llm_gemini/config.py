"""What a tenant sets to use Gemini."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

GOOGLE = "https://generativelanguage.googleapis.com"


class Config(BaseModel):
    """The account and the models."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    api_key: SecretStr = Field(SecretStr(""), description="The key of your project.")
    paid: bool = Field(
        False, description="The project is billed. Google learns from what unpaid projects send; this is said openly."
    )
    base_url: str = Field(GOOGLE, max_length=300, description="Google's address, or that of a gateway in front of it.")
    chat_models: tuple[str, ...] = Field(
        ("gemini-2.5-flash",), max_length=20, description="The models that a bot may choose, by Google's names."
    )
    embedding_model: str = Field("", max_length=100, description="A model that finds passages by meaning; empty: none.")
    dimensions: int = Field(768, ge=128, le=3072, description="The length of its vectors.")
    max_tokens: int = Field(4000, ge=100, le=32000, description="The longest answer that a bot may set, in tokens.")
    timeout: float = Field(15.0, ge=2, le=120, description="Seconds to wait for the next words.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as https://gateway.example.org")
        return value

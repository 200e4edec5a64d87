"""Where a tenant's Ollama server is, and which of its models are used."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Config(BaseModel):
    """The server and its models."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    base_url: str = Field("http://127.0.0.1:11434", max_length=300, description="The address of the server.")
    token: SecretStr = Field(SecretStr(""), description="A token, when a proxy in front of the server asks for one.")
    chat_models: tuple[str, ...] = Field(
        ("qwen3:8b",), max_length=20, description="The models that a bot may choose, as `ollama list` names them."
    )
    embedding_model: str = Field("", max_length=100, description="A model that finds passages by meaning; empty: none.")
    dimensions: int = Field(1024, ge=64, le=4096, description="The length of its vectors.")
    max_tokens: int = Field(4000, ge=100, le=32000, description="The longest answer that a bot may set, in tokens.")
    timeout: float = Field(
        60.0, ge=2, le=300, description="Seconds to wait for the next word; loading a model takes long."
    )

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as http://ollama.example.org:11434")
        return value

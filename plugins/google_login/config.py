"""What the operator sets: the client that was registered with Google."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

WELL_KNOWN = "/.well-known/openid-configuration"
GOOGLE = "https://accounts.google.com" + WELL_KNOWN


class Config(BaseModel):
    """The OAuth client, and where the provider describes itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    client_id: str = Field("", max_length=200, description="Of the OAuth client in the Google Cloud console.")
    client_secret: SecretStr = Field(SecretStr(""), description="It stands beside the client ID.")
    discovery_url: str = Field(GOOGLE, max_length=200, description="Where the provider describes itself.")
    keep_picture: bool = Field(False, description="Also keep the address of the person's picture.")

    @field_validator("discovery_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip()
        if not value.startswith(("https://", "http://")) or not value.endswith(WELL_KNOWN):
            raise ValueError(f"write the whole address; it ends with {WELL_KNOWN}")
        return value

    @property
    def complete(self) -> bool:
        """Whether the client is set."""
        return bool(self.client_id and self.client_secret.get_secret_value())

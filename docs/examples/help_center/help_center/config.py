"""What a tenant sets."""

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr


class Config(BaseModel):
    """The help centre and the way into it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    base_url: HttpUrl = HttpUrl("https://help.example.org")
    token: SecretStr = Field(SecretStr(""), max_length=200)
    show_authors: bool = False

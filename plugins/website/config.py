"""What a tenant may set for its websites; a source of its own may set other values."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Config(BaseModel):
    """The settings of website sources."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    max_pages: int = Field(200, ge=1, le=5000, description="How many pages are read at most.")
    max_depth: int = Field(5, ge=0, le=20, description="How many links a page may be away from the first.")
    refresh_hours: int = Field(24, ge=0, le=8760, description="Hours after which a website is read anew; 0 for never.")
    crawl_delay: float = Field(0.0, ge=0, le=5, description="Seconds between two requests.")
    publish_key: SecretStr = Field(SecretStr(""), description="A key for programs that say that a site was published.")

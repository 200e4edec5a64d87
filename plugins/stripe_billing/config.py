"""What the operator sets: the account at Stripe, and how long somebody may take to pay."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

API = "https://api.stripe.com"


class Config(BaseModel):
    """The account, and the rules of paying."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    secret_key: SecretStr = Field(SecretStr(""), description="In Stripe's dashboard below Developers, API keys.")
    webhook_secret: SecretStr = Field(SecretStr(""), description="Stripe shows it with the web hook.")
    grace_days: int = Field(7, ge=0, le=90, description="Days in which all goes on after a payment failed.")
    automatic_tax: bool = Field(False, description="Stripe works out the taxes.")
    keep_years: int = Field(8, ge=0, le=30, description="Years for which invoices are kept.")
    api_url: str = Field(API, max_length=200, description="Stripe's own, unless you try this with another server.")

    @field_validator("api_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, such as https://api.stripe.com")
        return value

    @field_validator("secret_key")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if text and not text.startswith(("sk_", "rk_")):
            raise ValueError("a secret key begins with sk_ or rk_")
        return SecretStr(text)

    @field_validator("webhook_secret")
    @classmethod
    def _signing(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if text and not text.startswith("whsec_"):
            raise ValueError("a signing secret begins with whsec_")
        return SecretStr(text)

    @property
    def ready(self) -> bool:
        """Whether the account is set."""
        return bool(self.secret_key.get_secret_value())

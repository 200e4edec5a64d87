"""What a tenant sets: one service with its address and secrets, and the look-ups and actions that it offers."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""A value in a template: `{order}`, or `{secret_1}`."""
SECRETS = ("secret_1", "secret_2")
FORBIDDEN = frozenset({"host", "content-length", "transfer-encoding", "connection", "cookie", "idempotency-key"})
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


def names_in(template: Any) -> set[str]:
    """The values that a template of text, lists and objects asks for."""
    if isinstance(template, str):
        return set(NAME.findall(template))
    if isinstance(template, dict):
        return set().union(*map(names_in, template.values()))
    return set().union(*map(names_in, template)) if isinstance(template, (list, tuple)) else set()


class Parameter(BaseModel):
    """Something that the model fills in. `personal`: the visitor's real value goes out, not its placeholder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    description: str = Field("", max_length=500)
    label: str = Field("", max_length=80)
    type: Literal["string", "integer", "number", "boolean"] = "string"
    required: bool = True
    personal: bool = False
    choices: tuple[str, ...] = Field((), max_length=50)
    max_length: int = Field(200, ge=1, le=2000)

    @model_validator(mode="after")
    def _possible(self) -> Parameter:
        if self.name in SECRETS:
            raise ValueError(f"{self.name} is the name of a secret")
        if self.type != "string" and (self.personal or self.choices):
            raise ValueError("only text can be personal or one of some choices")
        return self


class Action(BaseModel):
    """One look-up, or one action that the visitor confirms. Templates hold `{parameter}` and `{secret_1}`.

    `writes` is true for every method but GET unless it says otherwise. `show` is a JMESPath expression. `example` are
    arguments to try it with; what writes is never tried.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    description: str = Field(min_length=1, max_length=1000)
    title: str = Field("", max_length=200)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: str = Field(pattern=r"^/[^\s?#\\]{0,500}$")
    query: dict[str, str] = Field(default_factory=dict, max_length=30)
    headers: dict[str, str] = Field(default_factory=dict, max_length=20)
    body: dict[str, Any] | None = None
    parameters: tuple[Parameter, ...] = Field((), max_length=20)
    show: str = Field("", max_length=300)
    writes: bool | None = None
    done: str = Field("", max_length=500)
    example: dict[str, Any] | None = None

    @property
    def only_proposes(self) -> bool:
        """Whether the visitor has to confirm it."""
        return self.method != "GET" if self.writes is None else self.writes

    @field_validator("show")
    @classmethod
    def _expression(cls, value: str) -> str:
        import jmespath

        if value:
            try:
                jmespath.compile(value)
            except jmespath.exceptions.JMESPathError as error:
                raise ValueError(f"this is no JMESPath expression: {type(error).__name__}") from None
        return value

    @model_validator(mode="after")
    def _known_names(self) -> Action:
        known = [p.name for p in self.parameters]
        if len(set(known)) != len(known):
            raise ValueError("two parameters have one name")
        if names_in(self.path) & set(SECRETS):
            raise ValueError("a secret does not belong in the path: use a header")
        asked = names_in([self.path, self.query, self.headers, self.body])
        if unknown := sorted(asked - {*known, *SECRETS}):
            raise ValueError(f"nothing is called {unknown[0]}: add a parameter of this name")
        needed = {p.name for p in self.parameters if p.required}
        if optional := sorted((names_in(self.path) & set(known)) - needed):
            raise ValueError(f"{optional[0]} stands in the path, so it must be required")
        if self.body is not None and self.method == "GET":
            raise ValueError("a GET has no body")
        return self


class Config(BaseModel):
    """The service and what it offers."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    base_url: str = Field(
        "", max_length=300, description="The address of the service, such as https://api.example.org."
    )
    headers: dict[str, str] = Field(
        default_factory=dict, description='Headers of every request, such as {"Authorization": "Bearer {secret_1}"}.'
    )
    secret_1: SecretStr = Field(SecretStr(""), description="A key or password, for {secret_1}.")
    secret_2: SecretStr = Field(SecretStr(""), description="Another one, for {secret_2}.")
    actions: tuple[Action, ...] = Field((), max_length=20, description="The look-ups and actions, as a list.")
    timeout: float = Field(8.0, ge=1, le=10, description="Seconds to wait for the service.")
    own: bool = Field(False, description="The service is your own, so that nobody else receives anything.")
    company: str = Field("", max_length=200, description="Who runs the service, for your privacy notice.")
    country: str = Field("", pattern="^([A-Z]{2})?$", description="The country of that company, two letters.")
    policy: str = Field("", max_length=300, description="The address of its privacy policy.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("write the whole address, such as https://api.example.org/v1")
        return value

    @model_validator(mode="after")
    def _sound(self) -> Config:
        names = [a.name for a in self.actions]
        if len(set(names)) != len(names):
            raise ValueError("two actions have one name")
        for headers in (self.headers, *(a.headers for a in self.actions)):
            if wrong := [n for n in headers if not _HEADER.fullmatch(n) or n.lower() in FORBIDDEN]:
                raise ValueError(f"the header {wrong[0][:60]} cannot be set")
        if unknown := sorted(names_in(self.headers) - set(SECRETS)):
            raise ValueError(f"headers of every request know secrets only, not {unknown[0]}")
        return self

    def secrets(self) -> dict[str, str]:
        """The secrets that are set, by name."""
        values = {name: getattr(self, name).get_secret_value() for name in SECRETS}
        return {name: value for name, value in values.items() if value}

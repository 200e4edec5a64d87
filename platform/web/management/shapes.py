"""What goes in and comes out of the management API. Names are camelCase, times ISO 8601 in UTC, unknown fields refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    field_validator,
)
from pydantic.alias_generators import to_camel

from ...core.bots import BotSettings
from ...core.document_list import GROUPS
from ...core.documents import STATES
from ...core.storable import storable
from ...core.texts import LANGUAGES
from ..origins import normal_origin

MAX_ID = 2**31 - 1
MAX_TEXT = 200_000


def _origin(text: str) -> str:
    """The origin in its normal form. Raises ValueError."""
    normal = normal_origin(text)
    if not normal:
        raise ValueError("an origin is https://host, without a path")
    return normal


def _whole(value: Any) -> Any:
    """5.0 is a whole number in JSON; "5" is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Whole = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(storable)]
Slug = Annotated[str, Field(pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
Origin = Annotated[
    str,
    Field(pattern=r"^https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?$", max_length=300),
    AfterValidator(_origin),
]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
Time = Annotated[datetime, PlainSerializer(_utc, return_type=str, when_used="json")]
Locale = Literal[LANGUAGES]  # type: ignore[valid-type]
State = Literal[STATES]  # type: ignore[valid-type]
Item = TypeVar("Item")


class Shape(BaseModel):
    """The base of everything that comes out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Input(Shape):
    """The base of everything that comes in."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=False)


class Page(Shape, Generic[Item]):
    """A page of a list. `next` is the cursor of the following page, or null at the end."""

    data: list[Item]
    next: str | None


class Problem(Shape):
    """What was wrong: a code for programs, a sentence for people, and the field it is about."""

    code: str
    message: str
    field: str | None = None


class ErrorBody(Shape):
    """Every error has this body."""

    error: Problem


class Empty(Shape):
    """Nothing to say."""


class Paged(BaseModel):
    """Where in a list."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(50, ge=1, le=100, description="How many at most.")
    cursor: str = Field("", max_length=200, description="`next` of the page before.")


# -- bots ---------------------------------------------------------------------------------------------------------


class Settings(BotSettings):
    """The settings of a bot. Those that are left out in a change stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)
    allowed_origins: list[Origin] = Field(
        default_factory=list, max_length=100, description="Websites that may show the bot, such as https://example.org."
    )
    suggestions: list[Annotated[Text, Field(max_length=200)]] = Field(default_factory=list, max_length=4)
    session_days: int = Field(0, ge=0, le=3650, description="0: a session never expires.")
    teaser: Text = Field("", max_length=140, description="A line beside the button of the chat; empty for none.")
    instructions: Text = Field("", max_length=8000)
    unknown_answer: Text = Field("", max_length=1000)
    chat_model: Text = Field("", max_length=100)
    fallback_models: list[Annotated[Text, Field(max_length=100)]] = Field(default_factory=list, max_length=4)

    @field_validator("*", mode="before")
    @classmethod
    def _take_whole_numbers(cls, value: Any) -> Any:
        return _whole(value)


class Bot(Shape):
    """A bot. `id` is the public id that its embed snippet names."""

    id: str
    slug: str
    name: str
    locale: str
    greeting: str
    settings: Settings


class BotPage(Page[Bot]):
    """A page of a list of bots."""


class NewBot(Input):
    """A bot to make."""

    slug: Slug
    name: Name
    locale: Locale | None = Field(None, description="The tenant's when left out.")
    greeting: Text = Field("", max_length=1000)
    settings: Settings | None = None


class BotChange(Input):
    """What to change on a bot; what is left out stays."""

    name: Name | None = None
    locale: Locale | None = None
    greeting: Text | None = Field(None, max_length=1000)
    settings: Settings | None = None


# -- sources and documents ----------------------------------------------------------------------------------------


class Source(Shape):
    """A source. `states` counts its documents by state."""

    id: int
    kind: str
    target: str
    title: str
    state: str
    error: str
    states: dict[str, int]
    chunks: int
    vectors: int
    created_at: Time
    synced_at: Time | None


class SourcePage(Page[Source]):
    """A page of a list of sources."""


class NewSource(Input):
    """A website to read."""

    target: Annotated[str, Field(pattern=r"^[hH][tT][tT][pP][sS]?://", max_length=2000)] = Field(
        description="A public http or https address."
    )
    title: Text = Field("", max_length=500)


class Document(Shape):
    """A document. `externalId` names it within its source; `error` says why it is not searchable."""

    id: int
    source_id: int
    external_id: str
    title: str
    url: str
    media_type: str
    language: str
    size: int
    state: State
    error: str
    chunks: int
    vectors: int
    created_at: Time
    changed_at: Time
    searchable_at: Time | None


class DocumentPage(Page[Document]):
    """A page of a list of documents."""


class NewDocument(Input):
    """A text to answer from. The same `id` again replaces it."""

    id: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
    text: Annotated[Text, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")] = Field(description="Markdown.")
    title: Text = Field("", max_length=500)
    url: Annotated[str, Field(max_length=2000, pattern=r"^(https?://[^\s\x00-\x1f]+)?$")] = ""
    lang: Language | None = None


class Upload(BaseModel):
    """One file, as `multipart/form-data`."""

    model_config = ConfigDict(extra="forbid")
    file: bytes = Field(json_schema_extra={"format": "binary"}, description="At most 50 MB; its name becomes its id.")


class Taken(Shape):
    """What came of what was sent: documents that are new or changed, and how many are as they were."""

    source_id: int
    documents: list[Document]
    unchanged: int


class DocumentQuery(Paged):
    """Which documents."""

    show: Literal[GROUPS] = Field(  # type: ignore[valid-type]
        "all", description="`passing` ends by itself, `trouble` stays until somebody does something."
    )
    source: int = Field(0, ge=0, le=MAX_ID, description="Only those of this source.")
    q: Text = Field("", max_length=100, description="Part of a title, a name or an external id.")


# -- search -------------------------------------------------------------------------------------------------------


class Question(Input):
    """A question to find passages for."""

    query: Annotated[Text, Field(min_length=1, max_length=4000, pattern=r"\S")]
    limit: Whole = Field(10, ge=1, le=50)
    language: Language | None = Field(None, description="Of the question; found out when left out.")


class Leg(Shape):
    """How one way of searching saw a passage."""

    rank: int
    score: float


class Passage(Shape):
    """A passage, with the rank and score of every leg that found it."""

    rank: int
    score: float
    document_id: int
    chunk: int
    title: str
    heading: str
    text: str
    url: str
    page: int
    language: str
    legs: dict[str, Leg]


class Passages(Shape):
    """Passages, the best first."""

    data: list[Passage]


# -- conversations ------------------------------------------------------------------------------------------------


class Conversation(Shape):
    """A conversation. `refused` counts questions without an answer; `opening` is how the first question begins."""

    id: int
    bot: str
    language: str
    restricted: bool
    started_at: Time
    last_at: Time
    ended_at: Time | None
    messages: int
    up: int
    down: int
    refused: int
    opening: str


class ConversationPage(Page[Conversation]):
    """A page of a list of conversations."""


class Message(Shape):
    """A message. `rating` is the visitor's, of an answer."""

    id: str
    role: Literal["visitor", "bot", "agent"]
    text: str
    language: str
    sources: list[dict[str, Any]]
    rating: Literal["up", "down"] | None
    comment: str
    refused: bool
    created_at: Time


class Transcript(Shape):
    """A conversation with its last 500 messages, oldest first; of a restricted one no message is handed out."""

    id: int
    bot: str
    language: str
    restricted: bool
    started_at: Time
    last_at: Time
    ended_at: Time | None
    messages: list[Message]


class ConversationQuery(Paged):
    """Which conversations."""

    bot: str = Field("", max_length=36, description="Only those with this bot.")

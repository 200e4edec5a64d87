"""The forms of a bot."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional, Regexp

from webchatagent.core.bots import taken_slugs
from webchatagent.core.tenants import Tenant

from .forms import REQUIRED
from .languages import LANGUAGES
from .slugs import slug_of

TOO_LONG = _("This is too long.")
SECONDS = _("Please enter a whole number from 0 to 3600.")
HOUR = r"^(3600|3[0-5]\d\d|[12]?\d{1,3})$"
"""A number of seconds up to an hour."""
SIGNS = r"^(4000|[1-3]\d{3}|[1-9]\d\d)$"
"""From 100 to 4000."""
DAYS = r"^(36[0-4]\d|3650|3[0-5]\d\d|[12]?\d{1,3})$"
"""From 0 to 3650."""
TIME = {"type": "number", "min": "0", "max": "3600", "step": "1", "inputmode": "numeric"}


def free_slug(tenant: Tenant, name: str) -> str:
    """A short name that no bot of the tenant has yet."""
    base, taken = slug_of(name), taken_slugs(tenant)
    return next(s for s in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if s not in taken)


class NewBotForm(FlaskForm):  # type: ignore[misc]
    """What a new bot needs."""

    name = StringField(
        _("Name"),
        [InputRequired(REQUIRED), Length(max=200, message=TOO_LONG)],
        description=_("Visitors see it at the top of the chat."),
        render_kw={"autofocus": True},
    )
    locale = SelectField(
        _("Language"),
        choices=list(LANGUAGES.items()),
        description=_("Of the greeting and the buttons. Questions are answered in the visitor's language."),
    )
    greeting = TextAreaField(
        _("Greeting"),
        [Optional(), Length(max=1000, message=TOO_LONG)],
        description=_("The first message in the chat. Leave it empty for the usual one."),
        render_kw={"rows": 2},
    )
    slug = StringField(
        _("Short name"),
        [
            Optional(),
            Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*$", message=_("Use lower-case letters, digits and dashes.")),
            Length(max=63, message=TOO_LONG),
        ],
        description=_("For the command line and the address. Leave it empty to make it from the name."),
    )

    def validate_name(self, field: Field) -> None:
        """Refuse a name of blanks."""
        if not (field.data or "").strip():
            raise ValidationError(str(REQUIRED))


GROUPS: tuple[tuple[Any, Any, tuple[str, ...]], ...] = (
    (_("Basics"), _("Who the bot is and how it says hello."), ("name", "locale", "greeting", "suggestions")),
    (
        _("Answers"),
        _("How it speaks, and what it says when it does not know."),
        ("unknown_answer", "strict", "instructions"),
    ),
    (_("Chat window"), _("How it looks on your website."), ("accent", "theme", "position", "close_behaviour")),
    (
        _("Drawing attention"),
        _("Visitors who talked with the bot before are left alone."),
        ("teaser", "teaser_seconds", "open_seconds"),
    ),
    (_("Conversations"), _("How long they last, and how much fits into a question."), ("max_message", "session_days")),
    (_("Where it may appear"), _("Other websites cannot show it."), ("allowed_origins", "api_key_required")),
)


class BotForm(FlaskForm):  # type: ignore[misc]
    """What a tenant sets on a bot, in the groups of `GROUPS`."""

    groups = GROUPS

    name = StringField(
        _("Name"),
        [InputRequired(REQUIRED), Length(max=200, message=TOO_LONG)],
        description=_("Visitors see it at the top of the chat."),
    )
    locale = SelectField(
        _("Language"),
        choices=list(LANGUAGES.items()),
        description=_("Of the greeting and the buttons. Questions are answered in the visitor's language."),
    )
    greeting = TextAreaField(
        _("Greeting"),
        [Optional(), Length(max=1000, message=TOO_LONG)],
        description=_("The first message in the chat. Leave it empty for the usual one."),
        render_kw={"rows": 2},
    )
    suggestions = TextAreaField(
        _("Suggested questions"),
        [Optional(), Length(max=500, message=TOO_LONG)],
        description=_("Up to four, one a line. Visitors can tap them."),
        render_kw={"rows": 4},
    )
    unknown_answer = TextAreaField(
        _("Answer when the sources say nothing"),
        [Optional(), Length(max=1000, message=TOO_LONG)],
        description=_("Say where people can turn to. Leave it empty for the usual sentence."),
        render_kw={"rows": 3},
    )
    strict = BooleanField(
        _("Only answers with a source"),
        description=_("An answer that cites nothing is withdrawn, and the sentence above stands in its place."),
    )
    instructions = TextAreaField(
        _("Instructions"),
        [Optional(), Length(max=8000, message=TOO_LONG)],
        description=_("Tone and rules for the answers, such as: use formal language, keep it short."),
        render_kw={"rows": 4},
    )
    accent = StringField(
        _("Colour"), [Regexp(r"^#[0-9a-fA-F]{6}$", message=_("Please choose a colour."))], render_kw={"type": "color"}
    )
    theme = SelectField(
        _("Light or dark"), choices=[("auto", _("As the visitor's device")), ("light", _("Light")), ("dark", _("Dark"))]
    )
    position = SelectField(_("Side of the page"), choices=[("right", _("Right")), ("left", _("Left"))])
    teaser = StringField(
        _("Line beside the button"),
        [Optional(), Length(max=140, message=TOO_LONG)],
        description=_("Visitors who have not opened the chat yet see it. Leave it empty for none."),
    )
    teaser_seconds = StringField(
        _("The line comes after (seconds)"), [Optional(), Regexp(HOUR, message=SECONDS)], render_kw=TIME
    )
    open_seconds = StringField(
        _("The chat opens by itself after (seconds)"),
        [Optional(), Regexp(HOUR, message=SECONDS)],
        description=_("Once the visitor scrolls, and never on a phone. 0 means that it does not."),
        render_kw=TIME,
    )
    close_behaviour = SelectField(
        _("When the visitor closes the chat"),
        choices=[
            ("minimise", _("Keep the conversation")),
            ("end", _("End the conversation")),
            ("end_and_erase", _("End the conversation and delete it")),
        ],
    )
    max_message = StringField(
        _("Longest question (characters)"),
        [Optional(), Regexp(SIGNS, message=_("Please enter a whole number from 100 to 4000."))],
        render_kw={"type": "number", "min": "100", "max": "4000", "step": "1", "inputmode": "numeric"},
    )
    session_days = StringField(
        _("A conversation ends after (days)"),
        [Optional(), Regexp(DAYS, message=_("Please enter a number from 0 to 3650."))],
        description=_("After this many days without a message a visitor begins anew. 0 means never."),
        render_kw={"type": "number", "min": "0", "max": "3650", "step": "1", "inputmode": "numeric"},
    )
    api_key_required = BooleanField(
        _("Programs need an API key"),
        description=_("Requests that come from no website, such as those of your own server, must bring one."),
    )
    allowed_origins = TextAreaField(
        _("Websites that may show this bot"),
        [Optional(), Length(max=8000, message=TOO_LONG)],
        description=_("One address a line, such as https://www.example.org. This server and localhost always may."),
        render_kw={"rows": 3, "spellcheck": "false", "class": "mono"},
    )

    def validate_name(self, field: Field) -> None:
        """Refuse a name of blanks."""
        if not (field.data or "").strip():
            raise ValidationError(str(REQUIRED))

    def validate_suggestions(self, field: Field) -> None:
        """Refuse a fifth."""
        if len([line for line in (field.data or "").splitlines() if line.strip()]) > 4:
            raise ValidationError(gettext("Please write four questions at most."))

    def validate_allowed_origins(self, field: Field) -> None:
        """Refuse what is not `https://host`, and bring paths and capitals down to the origin."""
        origins = [origin_of(line) for line in (field.data or "").splitlines() if line.strip()]
        wrong = [o for o in origins if o is None]
        if wrong:
            raise ValidationError(gettext("Please write each address as https://www.example.org, one a line."))
        field.data = "\n".join(dict.fromkeys(o for o in origins if o))


def origin_of(text: str) -> str | None:
    """`scheme://host[:port]` of an address, or None. A bare host means https."""
    text = text.strip().lower()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.hostname or ""
    plain = host.replace("-", "").replace(".", "")
    if (
        parts.scheme not in ("http", "https")
        or not plain
        or not plain.isalnum()
        or parts.username
        or "." not in host + ("." if host == "localhost" else "")
    ):
        return None
    return f"{parts.scheme}://{host}{port}"

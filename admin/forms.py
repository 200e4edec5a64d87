"""Forms that are not made from a model: the log-in, and the base of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, PasswordField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from webchatagent.core.apikeys import SCOPES
from webchatagent.core.privacy import DATA, PURPOSES
from webchatagent.core.servicenotices import MAX_BODY, MAX_SUBJECT
from webchatagent.core.support import MAX_REASON, MIN_REASON, MINUTES
from webchatagent.core.texts import say

from .languages import LANGUAGES, role_label, scope_label, spoken
from .roles import MEMBER_ROLES

REQUIRED = _("Please fill in this field.")


class LoginForm(FlaskForm):  # type: ignore[misc]
    """E-mail and password."""

    email = StringField(
        _("E-mail"),
        [InputRequired(REQUIRED), Length(max=320)],
        render_kw={"type": "email", "autocomplete": "username", "autofocus": True, "inputmode": "email"},
    )
    password = PasswordField(
        _("Password"), [InputRequired(REQUIRED), Length(max=256)], render_kw={"autocomplete": "current-password"}
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, with the present one as proof."""

    present = PasswordField(
        _("Present password"),
        [InputRequired(REQUIRED), Length(max=256)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        _("New password"),
        [InputRequired(REQUIRED), Length(max=256)],
        description=_("At least 12 characters."),
        render_kw={"autocomplete": "new-password"},
    )


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A password for a new account, or in place of a forgotten one."""

    new = PasswordField(
        _("Password"),
        [Length(max=256)],
        description=_("At least 12 characters."),
        render_kw={"autocomplete": "new-password", "autofocus": True},
    )


class AddressForm(FlaskForm):  # type: ignore[misc]
    """An e-mail address, to get a link by mail."""

    email = StringField(
        _("E-mail"),
        [InputRequired(REQUIRED), Length(max=320)],
        render_kw={"type": "email", "autocomplete": "email", "autofocus": True, "inputmode": "email"},
    )


class CompanyForm(NewPasswordForm):
    """What a new workspace needs."""

    company = StringField(
        _("Company or team"),
        [Length(max=200)],
        description=_("Your colleagues and your visitors read this name."),
        render_kw={"autocomplete": "organization", "autofocus": True},
    )
    locale = SelectField(_("Language"), choices=list(LANGUAGES.items()))

    def __init__(self) -> None:
        super().__init__(data={"locale": spoken()})


class NewWorkspaceForm(FlaskForm):  # type: ignore[misc]
    """What a new workspace needs of somebody whom a provider has proven."""

    company = StringField(
        _("Company or team"),
        [InputRequired(REQUIRED), Length(max=200)],
        description=_("Your colleagues and your visitors read this name."),
        render_kw={"autocomplete": "organization", "autofocus": True},
    )
    locale = SelectField(_("Language"), choices=list(LANGUAGES.items()))

    def __init__(self) -> None:
        super().__init__(data={"locale": spoken()})


class JoinForm(FlaskForm):  # type: ignore[misc]
    """A button: whoever presses it has proven who they are."""


class ProofForm(FlaskForm):  # type: ignore[misc]
    """The password of an account, as proof that it is theirs."""

    password = PasswordField(
        _("Password"), [InputRequired(REQUIRED), Length(max=256)], render_kw={"autocomplete": "current-password"}
    )


class WorkspaceForm(FlaskForm):  # type: ignore[misc]
    """What an owner sets on a workspace."""

    groups: tuple[tuple[Any, Any, tuple[str, ...]], ...] = (
        (_("Workspace"), _("What colleagues and visitors read."), ("name", "locale")),
        (_("Conversations"), _("How long they are kept."), ("retention_days",)),
        (
            _("Responsible"),
            _("Who is responsible for the data of visitors. It stands in the privacy notice and in the imprint."),
            ("responsible", "address", "country", "email", "phone"),
        ),
    )
    name = StringField(_("Name"), [InputRequired(REQUIRED), Length(max=200)])
    locale = SelectField(
        _("Language"), choices=list(LANGUAGES.items()), description=_("Of new bots, mails and the privacy notice.")
    )
    retention_days = IntegerField(
        _("Days"),
        [NumberRange(0, 3650, message=_("Please enter a number from 0 to 3650."))],
        description=_(
            "After so many days without a message a conversation is deleted. 0 keeps it until you delete it."
        ),
        render_kw={"type": "number", "min": "0", "max": "3650"},
    )
    responsible = StringField(_("Company or person"), [Length(max=200)])
    address = TextAreaField(_("Address"), [Length(max=500)], render_kw={"rows": 3})
    country = StringField(_("Country"), [Length(max=100)])
    email = StringField(_("E-mail"), [Length(max=320)], render_kw={"type": "email"})
    phone = StringField(_("Phone"), [Length(max=40)], render_kw={"type": "tel"})


class TenantForm(FlaskForm):  # type: ignore[misc]
    """What a new tenant needs."""

    name = StringField(_("Name"), [InputRequired(REQUIRED), Length(max=200)])
    slug = StringField(
        _("Short name"),
        [
            InputRequired(REQUIRED),
            Regexp(r"^[a-z0-9]+(-[a-z0-9]+)*$", message=_("Use lower-case letters, digits and dashes.")),
            Length(max=63),
        ],
    )
    locale = SelectField(_("Language"), choices=list(LANGUAGES.items()))
    email = StringField(
        _("E-mail of the owner"), [InputRequired(REQUIRED), Length(max=320)], render_kw={"type": "email"}
    )


def _subject() -> StringField:
    return StringField(_("Subject"), [Optional(), Length(max=MAX_SUBJECT)])


def _body() -> TextAreaField:
    return TextAreaField(_("Text"), [Optional(), Length(max=MAX_BODY)], render_kw={"rows": 6})


class NoticeForm(FlaskForm):  # type: ignore[misc]
    """A service notice: subject and text in each language."""

    subject_en, body_en = _subject(), _body()
    subject_de, body_de = _subject(), _body()
    subject_hi, body_hi = _subject(), _body()


class WithdrawalForm(FlaskForm):  # type: ignore[misc]
    """Who withdrew what, when, and where the mail is."""

    email = StringField(
        _("E-mail"), [InputRequired(REQUIRED), Length(max=320)], render_kw={"type": "email", "inputmode": "email"}
    )
    purpose = SelectField(_("What is withdrawn"))
    received = DateField(_("Received on"), [InputRequired(REQUIRED)])
    proof = StringField(
        _("Where the mail is kept"),
        [InputRequired(REQUIRED), Length(min=3, max=500)],
        description=_("Such as: mailbox privacy, ticket 4711. It stays in the ledger as the proof."),
    )

    def __init__(self, choices: Sequence[tuple[str, Any]]) -> None:
        super().__init__()
        self.purpose.choices = list(choices)


RECIPIENT_KINDS: dict[str, Any] = {
    "hosting": _("Hosting"),
    "proxy": _("Delivery and protection"),
    "mail": _("Sending of mails"),
    "other": _("Something else"),
}


class RecipientForm(FlaskForm):  # type: ignore[misc]
    """A recipient that is no plugin."""

    name = StringField(_("Name"), [InputRequired(REQUIRED), Length(max=200)])
    kind = SelectField(_("What for"), choices=list(RECIPIENT_KINDS.items()))
    country = StringField(
        _("Country"),
        [InputRequired(REQUIRED), Regexp("^[A-Za-z]{2}$", message=_("Please enter two letters, such as DE."))],
        description=_("Two letters, such as DE."),
        render_kw={"maxlength": 2},
    )
    privacy_url = StringField(
        _("Address of its privacy policy"),
        [Optional(), Regexp("^https://[^ ]+$", message=_("Please enter an address that begins with https://."))],
        render_kw={"type": "url"},
    )
    purpose = SelectField(_("Purpose"))
    data = SelectMultipleField(
        _("Which data"), [InputRequired(REQUIRED)], widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.purpose.choices = [(p, say(f"purpose_{p}", spoken())) for p in PURPOSES]
        self.data.choices = [(d, say(f"data_{d}", spoken())) for d in DATA]


class VisitForm(FlaskForm):  # type: ignore[misc]
    """Why an operator enters a tenant, and for how long."""

    reason = TextAreaField(
        _("Reason"),
        [InputRequired(REQUIRED), Length(min=MIN_REASON, max=MAX_REASON, message=_("Please say why, in a sentence."))],
        description=_("The people of the workspace read it."),
        render_kw={"rows": 2, "maxlength": MAX_REASON},
    )
    minutes = SelectField(_("How long"), default="30")

    def __init__(self) -> None:
        super().__init__()
        self.minutes.choices = [(str(n), ngettext("%(num)d minute", "%(num)d minutes", n)) for n in MINUTES]


class KeyForm(FlaskForm):  # type: ignore[misc]
    """What a new key of a program needs."""

    name = StringField(
        _("Name"), [InputRequired(REQUIRED), Length(max=100)], description=_("The program that uses it, such as: shop.")
    )
    scopes = SelectMultipleField(
        _("What it may do"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    days = IntegerField(
        _("Days"),
        [Optional(), NumberRange(0, 3650, message=_("Please enter a number from 0 to 3650."))],
        description=_("How long it works. Leave it empty for: until you revoke it."),
        render_kw={"type": "number", "min": "0", "max": "3650"},
    )

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.scopes.choices = [(scope, scope_label(scope)) for scope in SCOPES]


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of the second factor."""

    code = StringField(
        _("Code"),
        [InputRequired(REQUIRED), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True},
    )


class ContactForm(FlaskForm):  # type: ignore[misc]
    """What is known of a contact."""

    name = StringField(_("Name"), [Length(max=200)])
    email = StringField(_("E-mail"), [Length(max=320)], render_kw={"type": "email", "inputmode": "email"})
    phone = StringField(_("Phone"), [Length(max=40)], render_kw={"type": "tel", "inputmode": "tel"})


class InviteForm(FlaskForm):  # type: ignore[misc]
    """Whom to invite, and in which role."""

    email = StringField(
        _("E-mail"), [InputRequired(REQUIRED), Length(max=320)], render_kw={"type": "email", "inputmode": "email"}
    )
    role = SelectField(_("Role"), default="editor")

    def __init__(self) -> None:
        super().__init__()
        self.role.choices = [(role, role_label(role)) for role in MEMBER_ROLES]

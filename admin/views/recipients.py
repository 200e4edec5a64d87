"""Recipients that are no plugin: hosting, proxy, mail. They stand in the privacy notice of every workspace."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from webchatagent.core import recipients
from webchatagent.core.admin_views import AdminView
from webchatagent.core.db.operating import OtherRecipient
from webchatagent.core.tenants import Tenant

from ..forms import RECIPIENT_KINDS, RecipientForm
from ..languages import country_name
from ..roles import rights

FIELDS = ("name", "kind", "country", "privacy_url", "purpose", "data")


def values_of(form: RecipientForm) -> dict[str, Any]:
    """What was typed."""
    return {name: form[name].data or "" for name in FIELDS}


def change(tenant: Tenant, row: OtherRecipient, form: RecipientForm) -> None:
    """Write the form to the recipient."""
    recipients.save_recipient(tenant, values_of(form), row.id)


RECIPIENTS = AdminView(
    id="recipients",
    model=OtherRecipient,
    title=_("Recipients"),
    intro=_("Who gets personal data besides the plugins. They stand in the privacy notice of every workspace."),
    icon="building",
    group="installation",
    list_columns=("name", "kind", "country", "privacy_url"),
    show_columns=("name", "kind", "country", "privacy_url"),
    labels={"name": _("Name"), "kind": _("What for"), "country": _("Country"), "privacy_url": _("Privacy policy")},
    formatters={"country": lambda code: country_name(code), "kind": lambda kind: RECIPIENT_KINDS.get(kind, kind)},
    order=("name", "asc"),
    rights=rights(read=("operator",), write=("operator",)),
    add_title=_("New recipient"),
    add_form=RecipientForm,
    add=lambda tenant, form: recipients.save_recipient(tenant, values_of(form)),
    edit_title=_("Change a recipient"),
    edit_form=RecipientForm,
    fill=lambda row: {name: getattr(row, name) for name in FIELDS},
    change=change,
    delete=lambda tenant, row: recipients.delete_recipient(tenant, row.id),
    confirm_delete=_("Take this recipient out of the privacy notices?"),
    empty_title=_("No recipients yet"),
    empty_text=_("Add who hosts this server, who stands in front of it and who sends its mails."),
)

"""Contacts: people who told who they are. Correcting and deleting go through the privacy hooks."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from webchatagent.core import contacts
from webchatagent.core.admin_views import AdminAction, AdminView
from webchatagent.core.db.chats import Contact
from webchatagent.core.tenants import Tenant

from ..forms import ContactForm

FULL = frozenset({"read", "edit", "delete"})
RIGHTS = {
    "owner": FULL,
    "privacy": FULL,
    "operator": FULL,
    "agent": frozenset({"read", "edit"}),
    "editor": frozenset({"read"}),
}


def fill(row: Contact) -> dict[str, Any]:
    """The values of the form."""
    return {"name": row.name, "email": row.email, "phone": row.phone}


def change(tenant: Tenant, row: Contact, form: ContactForm) -> None:
    """Correct what was changed, and nothing else."""
    typed = {name: (form[name].data or "").strip() for name in ("name", "email", "phone")}
    changes = {name: value for name, value in typed.items() if value != getattr(row, name)}
    if changes:
        contacts.correct_contact(tenant, row.id, changes)


def delete(tenant: Tenant, row: Contact) -> None:
    """Erase a contact everywhere."""
    contacts.erase_contact(tenant, row.id)


def restrict(tenant: Tenant, rows: list[Contact]) -> None:
    """Stop using the chosen contacts."""
    for row in rows:
        contacts.restrict_contact(tenant, row.id, True)


def release(tenant: Tenant, rows: list[Contact]) -> None:
    """Use the chosen contacts again."""
    for row in rows:
        contacts.restrict_contact(tenant, row.id, False)


CONTACTS = AdminView(
    id="contacts",
    model=Contact,
    title=_("Contacts"),
    intro=_("People who told who they are. Their conversations stand beside them."),
    icon="contact",
    list_columns=("name", "email", "phone", "restricted", "created_at"),
    show_columns=("name", "email", "phone", "restricted", "created_at"),
    search_column="email",
    labels={
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "restricted": _("Restricted"),
        "created_at": _("Since"),
    },
    formats={"created_at": "time", "restricted": "yes_no"},
    rights=RIGHTS,
    edit_title=_("Correct a contact"),
    edit_form=ContactForm,
    fill=fill,
    change=change,
    delete=delete,
    confirm_delete=_("Delete this contact with all its conversations, here and in every plugin?"),
    show_template="wca/contact.html",
    show_values=lambda tenant, row: {"talks": contacts.talks_of(tenant, row.id)},
    actions=(
        AdminAction("restrict", _("Restrict"), restrict),
        AdminAction("release", _("Lift the restriction"), release),
    ),
    empty_title=_("No contacts yet"),
    empty_text=_("When a visitor leaves a name or an address, it appears here."),
)

"""The audit trail: who did what, when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from webchatagent.core.db.records import AuditEntry

from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..members import emails_of
from ..paging import Pager
from ..roles import rights

SIZE = 50
ACTIONS: dict[str, Any] = {
    "account.deleted": _("deleted their account"),
    "account.locked": _("locked an account"),
    "account.password_changed": _("changed a password"),
    "account.second_factor_off": _("switched the second step off"),
    "account.second_factor_on": _("switched the second step on"),
    "account.registered": _("registered"),
    "account.login_linked": _("linked a sign-in of another company"),
    "account.login_unlinked": _("unlinked a sign-in of another company"),
    "account.unlocked": _("unlocked an account"),
    "bot.caps_changed": _("changed the limits of a bot"),
    "bot.changed": _("changed a bot"),
    "bot.created": _("made a bot"),
    "bot.deleted": _("deleted a bot for good"),
    "bot.discarded": _("deleted a bot"),
    "bot.restored": _("brought a bot back"),
    "consent.withdrawn": _("recorded a withdrawal"),
    "table.exported": _("took a table along"),
    "bot.version_restored": _("brought a version of a bot back"),
    "contact.corrected": _("corrected a contact"),
    "contact.erased": _("deleted a contact"),
    "contact.released": _("lifted the restriction of a contact"),
    "contact.restricted": _("restricted a contact"),
    "conversation.answered": _("answered a conversation by hand"),
    "conversation.deleted": _("deleted a conversation"),
    "document.added": _("added a document"),
    "document.deleted": _("deleted documents"),
    "document.retried": _("had documents read again"),
    "embedding.cancelled": _("cancelled the switch of the embedding model"),
    "embedding.chosen": _("chose another embedding model"),
    "embedding.discarded": _("deleted the former vectors"),
    "embedding.rolled_back": _("went back to the former embedding model"),
    "embedding.switched": _("moved answers to another embedding model"),
    "document.uploaded": _("uploaded documents"),
    "invitation.withdrawn": _("withdrew an invitation"),
    "jobs.cancelled": _("cancelled jobs"),
    "jobs.retried": _("ran jobs again"),
    "key.created": _("made an API key"),
    "key.revoked": _("revoked an API key"),
    "member.invited": _("invited somebody"),
    "member.joined": _("joined"),
    "member.removed": _("took somebody out"),
    "member.role_changed": _("changed a role"),
    "notice.dropped": _("deleted the draft of a service notice"),
    "notice.sent": _("sent a service notice"),
    "notice.written": _("wrote a service notice"),
    "plugin.configured": _("set up a plugin"),
    "plugin.disabled": _("switched a plugin off"),
    "notice.published": _("published the privacy notice"),
    "request.filed": _("took a request of a person"),
    "request.done": _("did what a person asked for"),
    "request.incomplete": _("did a part of what a person asked for"),
    "request.refused": _("refused a request of a person"),
    "plan.changed": _("changed what the plan allows"),
    "plugin.enabled": _("switched a plugin on"),
    "recipient.deleted": _("deleted a recipient"),
    "recipient.saved": _("saved a recipient"),
    "source.added": _("added a source"),
    "source.deleted": _("deleted a source for good"),
    "source.discarded": _("deleted a source"),
    "source.restored": _("brought a source back"),
    "source.synced": _("had a source read again"),
    "support.begun": _("entered for support"),
    "support.ended": _("ended a visit of support"),
    "support.opened": _("opened as support"),
    "tenant.changed": _("changed the settings of the workspace"),
    "tenant.closed": _("closed the workspace"),
    "tenant.created": _("made the workspace"),
    "tenant.erased": _("erased the workspace"),
    "tenant.reopened": _("opened the workspace again"),
    "tenant.restored": _("restored the workspace with a backup"),
}
"""What stands behind the name of the person. A test compares it with what the code records."""


class AuditPage(Page):
    """Entries, the latest first. They hold ids and counts, never content."""

    route_base = "/audit"
    default_view = "list"
    label, icon, menu = _("Audit trail"), "list", "privacy"
    rights = rights(read=("owner", "privacy", "operator"), write=())

    @page("/")
    def list(self) -> str:
        """The trail of this tenant, of all actions or of one."""
        number, action = Pager.number(), request.args.get("action", "")
        action = action if action in ACTIONS else ""
        wanted = [AuditEntry.action == action] if action else []
        with tenant().read() as db:
            total = db.scalar(select(func.count(AuditEntry.id)).where(*wanted)) or 0
            query = select(AuditEntry).where(*wanted).order_by(AuditEntry.id.desc()).limit(SIZE)
            rows = db.scalars(query.offset(number * SIZE)).all()
        emails = emails_of(platform(), [int(n.removeprefix("user:")) for n in _people(rows)])
        return self.show_page(
            "wca/audit.html",
            rows=rows,
            pager=Pager(number, SIZE, total),
            actions=ACTIONS,
            action=action,
            who=lambda name: who(name, emails),
        )


def _people(rows: Sequence[AuditEntry]) -> set[str]:
    return {n for row in rows for n in (row.actor, row.target) if n.startswith("user:") and n[5:].isdigit()}


def who(name: str, emails: dict[int, str]) -> str:
    """A person's address, or what acted; a person whose account is gone keeps the number."""
    kind, _colon, number = name.partition(":")
    if kind == "user" and number.isdigit():
        return emails.get(int(number), name)
    if name.startswith("key "):
        return gettext("API key %(n)s", n=name.removeprefix("key "))
    return {"system": gettext("The system"), "command line": gettext("Command line")}.get(name, name)

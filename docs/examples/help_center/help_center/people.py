"""The rights of a person: the help centre keeps the names and addresses of authors, so it is asked to act on them."""

from webchatagent.core.api import ErasureReport, ExportPart, Subject, Tenant

from .client import author_path, call
from .config import Config


def export(tenant: Tenant, subject: Subject, rows: bool) -> list[ExportPart]:
    """What the help centre keeps on an author: with `rows`, the rows; else how many there are."""
    if not subject.email:
        return []
    found = call(tenant.config(Config), "GET", author_path(subject.email))["articles"]
    shown = [{"title": a["title"], "author": a["author"]} for a in found] if rows else ()
    return [ExportPart("help_center_articles", len(found), shown, "index", 0, ("your help centre",))]


def change(tenant: Tenant, subject: Subject, method: str, changes: dict[str, str] | None = None) -> ErasureReport:
    """Correct an author, or take the author's name off every article. Safe to repeat."""
    if not subject.email:
        return ErasureReport()
    done = call(tenant.config(Config), method, author_path(subject.email), changes)
    return ErasureReport({"help_center_articles": done["changed"]})

"""`privacy`: a person's rights from the command line, and what persons asked for."""

from __future__ import annotations

from typing import Any

import click

from ..core import requests
from ..core.errors import InvalidRequest
from ..core.privacy import ErasureReport, ExportPart, Subject
from ..core.sessions import locate_session
from ..core.tenants import Platform, Tenant, load_tenant
from .context import Context, Result, common


@click.group()
def privacy() -> None:
    """Export, rectify, restrict or erase what is kept on one person."""


def _subject(platform: Platform, slug: str, email: str, session: str) -> tuple[Tenant, Subject]:
    tenant = load_tenant(platform, slug=slug)
    if session:
        located = locate_session(platform, session)
        if located is None or located.tenant != tenant:
            raise InvalidRequest("There is no such session.", "give the id from the visitor's browser", field="session")
        return tenant, Subject(session_id=located.session_id)
    if not email:
        raise InvalidRequest("Say whom you mean.", "give --email or --session", field="email")
    return tenant, Subject(email=email)


def _person(function):  # type: ignore[no-untyped-def]
    for option in (
        click.option("--session", default="", help="The visitor's session id."),
        click.option("--email", default="", help="An e-mail address."),
        click.argument("tenant_slug", metavar="TENANT"),
    ):
        function = option(function)
    return function


def _receipts(found: list[tuple[str, ErasureReport]]) -> Result:
    data: dict[str, dict[str, dict[str, Any]]] = {
        plugin: {"done": dict(r.done), "kept": dict(r.kept)} for plugin, r in found
    }
    return Result(data, [f"{plugin}: {what} {n}" for plugin, r in data.items() for what, n in r["done"].items()])


@privacy.command("export")
@_person
@common
def export(context: Context, tenant_slug: str, email: str, session: str) -> Result:
    """Everything kept on a person, of core and of every plugin that is on."""
    tenant, subject = _subject(context.platform, tenant_slug, email, session)
    parts: list[tuple[str, ExportPart]] = tenant.hooks.each("subject_export", tenant=tenant, subject=subject)
    data = [
        {
            "plugin": plugin,
            "name": p.name,
            "count": p.count,
            "purpose": p.purpose,
            "retention_days": p.retention_days,
            "recipients": list(p.recipients),
            "rows": list(p.rows),
        }
        for plugin, p in parts
    ]
    return Result(data, [f"{plugin}: {p.name} {p.count}" for plugin, p in parts] + ["(--json prints the data)"])


@privacy.command("rectify")
@_person
@click.option("--set", "changes", multiple=True, required=True, metavar="FIELD=VALUE", help="name, email or phone.")
@common
def rectify(context: Context, tenant_slug: str, email: str, session: str, changes: tuple[str, ...]) -> Result:
    """Correct name, e-mail or phone everywhere."""
    tenant, subject = _subject(context.platform, tenant_slug, email, session)
    wrong = next((c for c in changes if "=" not in c), None)
    if wrong is not None:
        raise InvalidRequest(
            f"{wrong!r} is not FIELD=VALUE.", "write for example --set email=anna@example.org", field="set"
        )
    values = dict(c.partition("=")[::2] for c in changes)
    return _receipts(tenant.hooks.call("subject_rectify", tenant=tenant, subject=subject, changes=values))


@privacy.command("restrict")
@_person
@click.option("--lift", is_flag=True, help="Take the mark away.")
@common
def restrict(context: Context, tenant_slug: str, email: str, session: str, lift: bool) -> Result:
    """Mark a person's data as restricted, or take the mark away."""
    tenant, subject = _subject(context.platform, tenant_slug, email, session)
    return _receipts(tenant.hooks.call("subject_restrict", tenant=tenant, subject=subject, restricted=not lift))


@privacy.command("erase")
@_person
@click.option("--yes", is_flag=True, help="Really: nothing of it can be brought back.")
@common
def erase(context: Context, tenant_slug: str, email: str, session: str, yes: bool) -> Result:
    """Delete everything on a person."""
    tenant, subject = _subject(context.platform, tenant_slug, email, session)
    if not yes:
        raise InvalidRequest("This deletes everything on this person.", "add --yes when you mean it", field="yes")
    return _receipts(tenant.hooks.call("subject_erase", tenant=tenant, subject=subject))


@privacy.command("requests")
@click.argument("tenant_slug", metavar="TENANT")
@common
def list_of_requests(context: Context, tenant_slug: str) -> Result:
    """What persons asked for: the open requests first, the one that is due next at the top."""
    tenant = load_tenant(context.platform, slug=tenant_slug)
    rows = requests.list_requests(tenant)
    data = [
        {
            "id": row.id,
            "kind": row.kind,
            "channel": row.channel,
            "state": row.state,
            "missing": row.missing.split(),
            "created_at": row.created_at.isoformat(),
            "due_at": row.due_at.isoformat(),
            "receipt": row.receipt or {},
        }
        for row in rows
    ]
    lines = [f"{row.id}  {row.kind}  {row.state}  until {row.due_at:%Y-%m-%d}" for row in rows]
    return Result(data, lines or ["Nobody asked for anything."])

"""`backup`, `restore` and `rotate-key`."""

from __future__ import annotations

from pathlib import Path

import click

from ..core.errors import WebChatAgentError
from .context import Context, Result, common

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--tenant", metavar="SLUG", help="Only this tenant.")
@common
def backup(context: Context, file: Path, tenant: str | None) -> Result:
    """Write everything, or one tenant, into one FILE; servers and workers may go on.

    It holds the rows of every table and the bytes of documents. Keep the master key with it: secrets stay sealed.
    """
    from ..core.backup.making import make_backup
    from ..core.tenants import load_tenant

    platform = context.platform
    made = make_backup(platform, file, load_tenant(platform, slug=tenant) if tenant else None)
    total = sum(made.rows.values())
    lines = [f"{file}: {total} rows of {len(made.rows)} tables, {made.blobs} files of documents"]
    return Result({"file": str(file), "rows": made.rows, "blobs": made.blobs, "gone": made.gone}, lines)


@click.command()
@click.argument("file", type=FILE)
@common
def restore(context: Context, file: Path) -> Result:
    """Read a backup back: everything into an empty installation, a tenant where it was erased.

    The database may be another one than that of the backup. Documents are indexed anew by the workers.
    """
    from ..core.backup.restoring import restore_backup
    from ..serverlock import server_is_running

    platform = context.platform
    if server_is_running(platform.settings) and not platform.settings.redis_url:
        raise WebChatAgentError("A server uses this data folder.", "stop it first", code="folder_in_use")
    done = restore_backup(platform, file)
    lines = [
        f"{sum(done.rows.values())} rows, {done.blobs} files; {done.documents} documents are waiting to be indexed",
        *(f"no account has the address {email}: invite this person again" for email in done.unknown_people),
    ]
    data = {"rows": {n: c for n, c in done.rows.items() if c}, "blobs": done.blobs, "documents": done.documents}
    return Result({**data, "unknown_people": done.unknown_people}, lines)


@click.command("rotate-key")
@common
def rotate_key(context: Context) -> Result:
    """Seal every stored secret with the present master key, so that those of before can be forgotten.

    Set WEBCHATAGENT_MASTER_KEY to a new key and WEBCHATAGENT_OLD_MASTER_KEYS to the one of before, then run this.
    """
    from ..core.keyring import rotate

    done = rotate(context.platform)
    lines = [f"{done.sealed} secrets are sealed with the present key"]
    if done.left:
        lines += [f"{n} in {where} still need an old key" for where, n in sorted(done.left.items())]
    else:
        lines.append("nothing needs an old key any more: empty WEBCHATAGENT_OLD_MASTER_KEYS")
    return Result({"sealed": done.sealed, "left": done.left}, lines)

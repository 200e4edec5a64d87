"""A look at every part: what works, what does not, and how to repair it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import text

from .core.db.row_security import check_wall
from .core.errors import WebChatAgentError
from .core.tenancy import system_scope
from .core.tenants import Health, Platform
from .redis_client import connect


@dataclass(frozen=True)
class Row:
    """One part's state: ok, degraded or down; `plugin` is whose part it is, empty for the platform's own."""

    name: str
    state: str
    message: str
    cure: str = ""
    plugin: str = ""


def look(platform: Platform) -> list[Row]:
    """The state of every configured part, plugins' checks included."""
    checks: list[tuple[str, Callable[[], Health]]] = [
        ("data folder", lambda: _folder(platform)),
        ("database", lambda: _database(platform)),
        ("plugins", lambda: _plugins(platform)),
    ]
    if platform.settings.blobs_url:
        checks.append(("files", lambda: _blobs(platform)))
    if platform.settings.redis_url:
        checks.append(("redis", lambda: _redis(platform)))
    if platform.settings.elasticsearch_url:
        checks.append(("elasticsearch", lambda: _elasticsearch(platform)))
    rows = [_run(name, check) for name, check in checks]
    of_plugins = platform.registry.platform.each("health_checks")
    return rows + [_run(check.name, check.run, plugin) for plugin, check in of_plugins]


def _run(name: str, check: Callable[[], Health], plugin: str = "") -> Row:
    try:
        found = check()
    except Exception as error:  # a check of a plugin; that it fails is the finding
        return Row(name, "down", f"{name} does not answer ({type(error).__name__}).", "see the log", plugin)
    return Row(name, found.state, found.message, found.cure, plugin)


def _folder(platform: Platform) -> Health:
    probe = platform.settings.folder / ".writable"
    try:
        probe.write_bytes(b"x" * 4096)
        probe.unlink(missing_ok=True)
    except OSError as error:
        return Health("down", f"The data folder cannot be written: {error.strerror}.", "free some disk space")
    return Health("ok", "The data folder can be written.")


def _database(platform: Platform) -> Health:
    with system_scope("look at the database"), platform.database.read() as db:
        db.execute(text("select count(*) from tenant"))
    try:
        check_wall(platform.database.engine)
    except WebChatAgentError as error:
        return Health("down", error.message, error.cure)
    kind = platform.database.engine.dialect.name
    return Health("ok", f"The database answers ({'PostgreSQL' if kind == 'postgresql' else 'SQLite'}).")


def _blobs(platform: Platform) -> Health:
    key = platform.blobs.put(0, b"probe")  # no tenant has this number
    platform.blobs.delete(0, key)
    return Health("ok", "Files can be stored.")


def _plugins(platform: Platform) -> Health:
    broken = platform.registry.broken
    if broken:
        name, reason = next(iter(broken.items()))
        return Health("degraded", f"The plugin {name} is not loaded: {reason}", "repair or uninstall it")
    return Health("ok", f"{len(platform.registry.manifests)} plugins are loaded.")


def _redis(platform: Platform) -> Health:
    import redis

    try:
        connect(platform.settings.redis_url, 1.0).ping()
    except redis.RedisError:
        return Health(
            "degraded", "Redis does not answer; jobs run later and limits are counted per process.", "start Redis"
        )
    return Health("ok", "Redis answers.")


def _elasticsearch(platform: Platform) -> Health:
    from .stores.chunks_elastic import ElasticsearchChunkStore

    assert isinstance(platform.chunks, ElasticsearchChunkStore)
    return platform.chunks.ping()

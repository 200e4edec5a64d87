"""`demo`, `serve` and `worker`: the processes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..core.calls import say_calls
from ..core.cores import one_core
from ..core.errors import WebChatAgentError
from ..core.jobs import QUEUES
from ..core.live import STORE_SECONDS
from ..core.logs import set_up
from ..core.observing import count_together
from ..core.settings import MOST_PROCESSES, Settings
from ..core.tenants import Platform
from .context import Context, common

STOP_SECONDS = 10
"""How long threads of a server may take to end."""
DRAIN_SECONDS = 20
"""How long accepted turns may go on when a server stops; those that need longer are cut, and can be asked again."""


def options(function: Any) -> Any:
    """`--host` and `--port`."""
    function = click.option("--port", default=8080, show_default=True, help="Port to listen on.")(function)
    return click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")(function)


@click.command()
@options
@click.option(
    "--processes", type=click.IntRange(1, MOST_PROCESSES), help="How many (WEBCHATAGENT_PROCESSES, default 1)."
)
@common
def serve(context: Context, host: str, port: int, processes: int | None) -> None:
    """Serve the public app and the admin; without Redis the jobs run in a thread of this process."""
    settings = context.settings_only(processes)
    if settings.processes > 1:
        run_processes(settings, host, port)
    else:
        run_server(settings, host, port)


@click.command()
@options
@common
def demo(context: Context, host: str, port: int) -> None:
    """The whole platform with one tenant whose bot knows this project's documentation."""
    from .demonstration import announce, seed

    def prepare(platform: Platform) -> None:
        announce(seed(platform, f"http://{host}:{port}"))

    run_server(context.settings_only(), host, port, prepare)


@click.command()
@click.option("--burst", is_flag=True, help="Stop when nothing is due.")
@click.option("--queue", "queues", multiple=True, type=click.Choice(QUEUES), help="Only this kind of work; repeatable.")
@common
def worker(context: Context, burst: bool, queues: tuple[str, ...]) -> None:
    """Run background jobs: from Redis when it is set, else straight from the ledger."""
    from ..jobs.worker import Worker
    from ..jobs.workers import release_dead

    platform = context.platform
    set_up(platform.settings.log_format)
    if platform.settings.redis_url:
        from ..jobs.redis_worker import work

        work(platform, burst=burst, queues=queues)
        return
    drainer = Worker(platform, queues=queues)
    if burst:
        release_dead(platform.database)
        while drainer.run_due():
            pass
    else:
        drainer.run()


def run_processes(settings: Settings, host: str, port: int) -> None:
    """Serve with several processes on one port. Raises WebChatAgentError when that cannot be."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    count_together(settings.folder)
    from .. import admin, app, web  # noqa: F401  (once for all processes)
    from ..web import app as public  # noqa: F401
    from .processes import Processes

    if not settings.redis_url:
        raise WebChatAgentError(
            f"{settings.processes} processes need Redis, to share limits and to hand jobs to workers.",
            "set WEBCHATAGENT_REDIS_URL, or serve with one process",
            code="redis_needed",
        )
    set_up(settings.log_format)
    sockets = _bind(host, port)

    def work(place: int, beat: Callable[[], None]) -> None:
        run_server(settings, host, port, sockets=sockets, place=place, beat=beat)

    Processes(settings.processes, work, sockets, DRAIN_SECONDS + 2 * STOP_SECONDS).run()


def run_server(
    settings: Settings,
    host: str,
    port: int,
    prepare: Any = None,
    *,
    sockets: Sequence[socket.socket] = (),
    place: int | None = None,
    beat: Callable[[], None] | None = None,
) -> None:
    """Build a process and serve until it is told to stop. Raises WebChatAgentError when it cannot start.

    One of several gets its `sockets` and its `place` among them, and calls `beat` every few seconds.
    """
    from ..app import build_platform, build_server, guard_egress, make_folder, prepare_database
    from ..jobs.schedule import start_schedule
    from ..jobs.worker import start_thread
    from ..serverlock import lock_server

    set_up(settings.log_format)
    make_folder(settings.folder)
    lock = lock_server(settings) if not settings.redis_url else None
    platform = build_platform(settings)
    if settings.production:
        _refuse_pending(platform)
    else:
        prepare_database(platform)
    if not place:
        for line in say_calls(platform):
            click.echo(line, err=True)
    guard_egress(platform)
    app, drainer = build_server(platform)
    if prepare:
        prepare(platform)
    listening = list(sockets) or _bind(host, port)
    stop = threading.Event()
    thread = start_thread(drainer) if drainer else None
    clock = start_schedule(platform, stop)
    gc.collect()
    gc.freeze()  # what the start made stays; the collector need not look at it again and again
    server = draining_server(app, server_config(app, host, port, beat))
    try:
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again at its end: what follows must run
            signal.signal(number, lambda *_: None)
        with contextlib.suppress(SystemExit), one_core(place):  # the exit is how uvicorn ends when it cannot start
            server.run(sockets=listening)
    finally:
        stop.set()
        clock.join(STOP_SECONDS)
        if drainer and thread:
            drainer.stop()
            thread.join(STOP_SECONDS)
        if lock:
            lock.close()


def _bind(host: str, port: int) -> list[socket.socket]:
    from ..web.listening import open_sockets

    try:
        return open_sockets(host, port)
    except OSError:
        raise WebChatAgentError(
            f"The address {host}:{port} cannot be used.", "choose another with --port", code="address_in_use"
        ) from None


def draining_server(app: Any, config: Any) -> Any:
    """A server that lets accepted turns end when it stops, read or not, and takes nothing new meanwhile."""
    import uvicorn

    class Draining(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            ending = asyncio.ensure_future(app.finish(DRAIN_SECONDS)) if app.finish else None
            await super().shutdown(sockets)
            if ending:
                await ending

    return Draining(config)


def server_config(app: Any, host: str, port: int, beat: Callable[[], None] | None = None) -> Any:
    """How uvicorn serves the platform. Proxies are trusted in the app itself, by number."""
    import uvicorn

    from ..web.listening import BACKLOG, patient_protocol
    from .processes import BEAT_SECONDS

    async def notify() -> None:
        if beat:
            beat()

    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=patient_protocol(),
        loop="webchatagent.core.loop:new_loop",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=DRAIN_SECONDS + int(STORE_SECONDS),
        callback_notify=notify if beat else None,
        timeout_notify=BEAT_SECONDS,
        proxy_headers=False,
        lifespan="on",
        h11_max_incomplete_event_size=65536,
    )


def _refuse_pending(platform: Platform) -> None:
    from ..app import migration_folders
    from ..core.db.migrate import pending
    from ..core.db.row_security import check_wall

    missing = pending(platform.database, migration_folders(platform))
    if missing:
        raise WebChatAgentError(
            f"The database lacks {', '.join(missing)}.", "run `webchatagent migrate` first", code="not_migrated"
        )
    check_wall(platform.database.engine)

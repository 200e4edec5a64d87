"""`demo`, `serve` and `worker`: the processes."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
from typing import Any

import click

from ..core.calls import say_calls
from ..core.cores import one_core
from ..core.errors import WebChatAgentError
from ..core.logs import set_up
from ..core.settings import Settings
from ..core.tenants import Platform
from .context import Context, common

STOP_SECONDS = 10


def options(function: Any) -> Any:
    """`--host` and `--port`."""
    function = click.option("--port", default=8080, show_default=True, help="Port to listen on.")(function)
    return click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")(function)


@click.command()
@options
@common
def serve(context: Context, host: str, port: int) -> None:
    """Serve the public app and the admin; without Redis the jobs run in a thread of this process."""
    run_server(context.settings_only(), host, port)


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
@common
def worker(context: Context, burst: bool) -> None:
    """Run background jobs: from Redis when it is set, else straight from the ledger."""
    from ..jobs.worker import Worker
    from ..jobs.workers import release_dead

    platform = context.platform
    set_up(platform.settings.log_format)
    if platform.settings.redis_url:
        from ..jobs.redis_queue import work

        work(platform, burst=burst)
        return
    drainer = Worker(platform)
    if burst:
        release_dead(platform.database)
        while drainer.run_due():
            pass
    else:
        drainer.run()


def run_server(settings: Settings, host: str, port: int, prepare: Any = None) -> None:
    """Build a process and serve until it is told to stop. Raises WebChatAgentError when it cannot start."""
    import uvicorn

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
    for line in say_calls(platform):
        click.echo(line, err=True)
    guard_egress(platform)
    app, drainer = build_server(platform)
    if prepare:
        prepare(platform)
    stop = threading.Event()
    thread = start_thread(drainer) if drainer else None
    start_schedule(platform, stop)
    gc.collect()
    gc.freeze()  # what the start made stays; the collector need not look at it again and again
    server = uvicorn.Server(server_config(app, host, port))
    try:
        for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again at its end: what follows must run
            signal.signal(number, lambda *_: None)
        with contextlib.suppress(SystemExit), one_core():  # the exit is how uvicorn ends when it cannot listen
            server.run()
    finally:
        stop.set()
        if drainer and thread:
            drainer.stop()
            thread.join(STOP_SECONDS)
        if lock:
            lock.close()
    if not server.started:
        raise WebChatAgentError(
            f"The address {host}:{port} cannot be used.", "choose another with --port", code="address_in_use"
        )


def server_config(app: Any, host: str, port: int) -> Any:
    """How uvicorn serves the platform. Proxies are trusted in the app itself, by number."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="webchatagent.core.loop:new_loop",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=4096,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_SECONDS,
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

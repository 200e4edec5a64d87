"""The `webchatagent` command as real processes: servers, signals, and arguments that are no text."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time

from webchatagent.testing.processes import COMMAND, free_port


def process(*arguments, **more):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


def answers(server, port):
    """Wait until a server listens."""
    limit = time.monotonic() + 30
    while True:
        assert time.monotonic() < limit
        assert server.poll() is None, server.communicate()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)


def test_a_second_server_on_one_folder_and_one_on_a_taken_port_are_refused(ok, data, two, lines):
    port = free_port()
    server = process("serve", "--port", port, "--data", data)
    try:
        answers(server, port)
        second = process("serve", "--port", free_port(), "--data", data)
        _, said = second.communicate(timeout=30)
        assert second.returncode == 1 and re.fullmatch(
            rf"error: Another server \(process {server.pid}\) uses .+ \(.+\)\n", said
        )
        taken = process("serve", "--port", port, "--data", data.parent / "other")
        _, said = taken.communicate(timeout=60)
        assert taken.returncode == 1 and f"error: The address 127.0.0.1:{port} cannot be used. (" in said
        assert "Traceback" not in said
        found = ok("source", "add", "acme/bot", lines, "--wait", "--json")  # beside the running server
        assert found["states"] == {"searchable": 2}
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0


def test_a_question_in_broken_bytes_is_no_trace(data, two):
    broken = process("ask", "acme/bot", os.fsdecode(b"pool \xff\xfe"), "--data", data)
    _, said = broken.communicate(timeout=60)
    assert "Traceback" not in said, said


def test_production_serves_a_migrated_database_and_no_other(tmp_path, data):
    keys = {
        "WEBCHATAGENT_ENV": "production",
        "WEBCHATAGENT_SECRET_KEY": "s" * 40,
        "WEBCHATAGENT_MASTER_KEY": "m" * 40,
        "WEBCHATAGENT_PUBLIC_URL": "https://chat.example.org",
    }
    fresh = process("serve", "--port", free_port(), "--data", tmp_path / "fresh", env={**os.environ, **keys})
    _, said = fresh.communicate(timeout=60)
    assert fresh.returncode == 1 and re.fullmatch(
        r"error: The database lacks .+ \(run `webchatagent migrate` first\)\n", said
    )
    port = free_port()
    server = process("serve", "--port", port, "--data", data, env={**os.environ, **keys})
    try:
        answers(server, port)
    finally:
        server.terminate()
        server.communicate(timeout=30)

"""Redis is connected to in one place, which sets how long anybody waits."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"platform/redis_client.py", "platform/testing/redis.py"}


def connects(node: ast.AST) -> bool:
    """Whether a call makes a client of Redis."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called.split(".")[-1] in ("Redis", "StrictRedis", "ConnectionPool") or called.endswith("Redis.from_url")


def test_nobody_else_makes_a_client():
    files = [p for room in ("platform", "admin", "plugins") for p in (ROOT / room).rglob("*.py")]
    found = {
        p.relative_to(ROOT).as_posix()
        for p in files
        if any(connects(node) for node in ast.walk(ast.parse(p.read_text(encoding="utf-8"))))
    }
    assert found == ALLOWED

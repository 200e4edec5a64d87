"""The committed build is what the sources give, small enough, and carries nothing it must not."""

import gzip
import json
import os
import re
import shutil
import subprocess
from functools import cache

from conftest import DIST, ROOT, missing

WIDGET = ROOT / "widget"
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|document\.cookie|srcdoc"
)


@cache
def problem_with_npm() -> str:
    """Why the build tools cannot be had, or an empty string; installs them once where they are missing."""
    if not shutil.which("npm"):
        return "npm is not installed"
    if (WIDGET / "node_modules" / "esbuild").is_dir():
        return ""
    done = subprocess.run(["npm", "ci", "--silent"], cwd=WIDGET, capture_output=True, text=True, timeout=300)
    return "" if done.returncode == 0 else f"npm ci failed: {done.stderr.strip()[-300:]}"


def npm(*command: str, **extra: str) -> None:
    reason = problem_with_npm()
    if reason:
        missing(reason)
    done = subprocess.run(command, cwd=WIDGET, capture_output=True, text=True, timeout=300, env={**os.environ, **extra})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def manifest() -> dict:
    return json.loads((DIST / "manifest.json").read_text())


def test_sizes():
    sizes = {name: len(gzip.compress((DIST / name).read_bytes(), 9, mtime=0)) for name in manifest()["files"]}
    assert sizes["loader.js"] <= 3072, sizes
    assert sum(sizes.values()) <= 30 * 1024, sizes


def test_dist_holds_the_files_of_the_manifest_and_no_others():
    listed = {*manifest()["files"], "manifest.json"}
    assert {path.name for path in DIST.iterdir()} == listed
    assert manifest()["panel"] in (DIST / "loader.js").read_text()


def test_no_markup_or_code_from_text():
    for path in [*DIST.glob("*.js"), *(WIDGET / "src").rglob("*.js")]:
        assert not FORBIDDEN.search(path.read_text(encoding="utf-8")), path.name


def test_lock_file_names_no_registry():
    assert '"resolved"' not in (WIDGET / "package-lock.json").read_text()


def test_dist_is_a_fresh_build(tmp_path):
    npm("node", "scripts/build.mjs", str(tmp_path))
    fresh = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in DIST.iterdir()}
    assert fresh.keys() == committed.keys()
    assert all(fresh[name] == committed[name] for name in fresh), "run `npm run build` in widget/"


def test_types():
    npm("npm", "run", "--silent", "check")


def test_units():
    npm("npm", "test", "--silent")

"""A disk that fills up under a running server: said in the contract's shape, nothing lost, and all is well afterwards."""

from __future__ import annotations

import contextlib
import json
import subprocess

import pytest

from webchatagent.testing.house import TRACES, assert_error, house_in

pytestmark = pytest.mark.service
QUESTION = "When does the walrus sleep?"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_said_and_nothing_is_lost(small_disk, tmp_path, migrated_database):
    with house_in(small_disk, tmp_path, migrated_database) as house:
        house.upload("walrus.txt", b"The walrus sleeps on the ice until noon.")
        house.ended("walrus.txt")
        session = house.chat(QUESTION)[1]["X-Chat-Session-Id"]
        before = house.history(session)
        assert_error(house.upload("large.txt", b"walrus " * 3_000_000), 503, "try_again")
        assert set(house.documents()) == {"walrus.txt"}
        house.assert_whole()
        fill(small_disk)
        assert_error(house.upload("small.txt", b"The quagga is gone. " * 9000), 503, "try_again")
        for _ in range(40):  # until the pages that the database has in reserve are used up
            refused = house.chat("x " * 2000, **{"X-Chat-Session-Id": session})
            if refused[0] != 200:
                break
        assert_error(refused, 503, "try_again")
        assert int(refused[1]["Retry-After"]) > 0
        kept = house.history(session)
        assert kept[:2] == before and len(kept) % 2 == 0
        (small_disk / "ballast").unlink()
        assert json.loads(house.upload("small.txt", b"The quagga is gone.")[2])["documents"] == 1
        assert house.ended("small.txt").state == "searchable"
        status, _, text = house.chat("Where is the quagga?", **{"X-Chat-Session-Id": session})
        assert status == 200 and "gone" in text and len(house.history(session)) == len(kept) + 2
        house.assert_whole()
        assert not TRACES.search(house.server.log)


def fill(disk):
    """Leave nothing free."""
    with open(disk / "ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass

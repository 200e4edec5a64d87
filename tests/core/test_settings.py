"""Settings: what a process refuses to start with, what it shows of itself, and the keys it makes."""

from __future__ import annotations

import multiprocessing

import pytest

from webchatagent.core.settings import SETTINGS, SettingError, load_settings, read_or_make


@pytest.mark.parametrize("name", ["TRUSTED_PROXIES", "LOG_DAYS"])
@pytest.mark.parametrize("value", ["many", "-1", "1.5", "२"])
def test_a_number_that_is_none_is_named(name, value):
    with pytest.raises(SettingError, match=f"WEBCHATAGENT_{name}"):
        load_settings({f"WEBCHATAGENT_{name}": value})


def test_an_argument_wins_over_the_environment_and_an_empty_value_is_none():
    environ = {"WEBCHATAGENT_DATA": "/from-environment", "WEBCHATAGENT_EGRESS": ""}
    assert str(load_settings(environ).folder) == "/from-environment"
    assert str(load_settings(environ, data="/from-command").folder) == "/from-command"
    assert load_settings(environ).egress == "declared"


def test_private_hosts_are_a_list():
    found = load_settings({"WEBCHATAGENT_PRIVATE_HOSTS": " 127.0.0.1:80, ,localhost:81 "}).private_hosts
    assert found == {"127.0.0.1:80", "localhost:81"}


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.secret], ids=lambda s: s.name)
def test_no_secret_is_shown(setting):
    settings = load_settings({f"WEBCHATAGENT_{setting.name}": "canary-4711"})
    assert "canary" not in repr(settings) and "canary" not in str(settings) and "canary" not in f"{settings}"


def test_a_name_that_is_no_setting_is_an_attribute_error():
    with pytest.raises(AttributeError):
        load_settings({}).colour_of_the_sky  # noqa: B018


def test_a_key_from_the_environment_is_not_written(tmp_path):
    settings = load_settings({"WEBCHATAGENT_MASTER_KEY": "k" * 40}, data=str(tmp_path))
    assert settings.key("MASTER_KEY") == b"k" * 40 and list(tmp_path.iterdir()) == []


def test_a_key_file_is_private_whatever_the_umask(tmp_path):
    import os

    before = os.umask(0)
    try:
        text = read_or_make(tmp_path / "new" / "key.txt")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "key.txt").stat().st_mode & 0o777 == 0o600 and len(text) == 43
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["key.txt"]


def _make(folder, barrier, out):
    barrier.wait()
    out.put([read_or_make(folder / f"key{n}.txt") for n in range(200)])


def test_two_processes_at_once_agree_on_every_key(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(2), context.Queue()
    children = [context.Process(target=_make, args=(tmp_path, barrier, out)) for _ in range(2)]
    for child in children:
        child.start()
    one, two = out.get(timeout=60), out.get(timeout=60)
    for child in children:
        child.join(30)
    assert one == two and all(len(key) == 43 for key in one) and len(set(one)) == 200


def test_two_processes_may_look_at_one_folder_at_once(tmp_path, monkeypatch):
    from pathlib import Path

    from webchatagent.app import make_folder

    touch = Path.touch

    def touched_and_taken_away(self, *arguments, **more):
        touch(self, *arguments, **more)
        self.unlink()

    monkeypatch.setattr(Path, "touch", touched_and_taken_away)
    assert make_folder(tmp_path) == tmp_path

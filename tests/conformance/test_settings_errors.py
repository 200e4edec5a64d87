"""Settings are one table, and errors name the cure."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

from webchatagent.core import errors
from webchatagent.core.settings import SETTINGS, SettingError, load_settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
CODES = re.compile(r'code="([a-z_]+)"|code = (?:\d+, )?"([a-z_]+)"|"code": "([a-z_]+)"')
INNER = {"error", "document_problem"}  # classes that others refine
GOOD = {"ENV": "production", "SECRET_KEY": "s" * 40, "MASTER_KEY": "m" * 40, "PUBLIC_URL": "https://chat.example.org"}


def codes_in_the_code() -> set[str]:
    """Every error code that is written somewhere."""
    found: set[str] = set()
    for folder in ("platform", "admin", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= {"".join(groups) for groups in CODES.findall(path.read_text(encoding="utf-8"))}
    from webchatagent.core.documents import PASSING, STATES
    from webchatagent.core.login import Trouble as LoginTrouble
    from webchatagent.core.models import Trouble
    from webchatagent.web.app import CODES as HTTP

    found |= {f"model_{trouble}" for trouble in get_args(Trouble)}
    found |= {f"login_{trouble}" for trouble in get_args(LoginTrouble)}
    return (
        found | set(HTTP.values()) | {f"document_{s}" for s in STATES if s not in PASSING and s != "searchable"}
    ) - INNER


def test_every_code_is_documented_and_none_is_invented():
    documented = set()
    for line in PAGE.splitlines():
        if line.startswith("- `"):
            documented |= set(re.findall(r"`([a-z_]+)`", re.split(r": | \(", line)[0]))
    assert documented == codes_in_the_code()


def test_an_error_says_what_and_how_to_repair_it():
    error = errors.InvalidRequest("It is wrong.", "write it right", field="name")
    assert str(error) == "It is wrong. (write it right)"
    assert error.as_json() == {"error": {"code": "invalid_request", "message": "It is wrong.", "field": "name"}}
    assert error.status == 422


def test_every_error_class_has_a_docstring_and_a_snake_case_code():
    for _, cls in inspect.getmembers(errors, inspect.isclass):
        if issubclass(cls, errors.WebChatAgentError):
            assert inspect.getdoc(cls) and re.fullmatch(r"[a-z]+(_[a-z]+)*", cls.code)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_a_setting_has_a_default_that_works_and_a_sentence(setting):
    assert setting.help.endswith(".") and "|" not in setting.help
    assert not setting.choices or setting.default in setting.choices
    assert getattr(load_settings({}), setting.name.lower()) is not None


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.choices], ids=lambda s: s.name)
def test_a_wrong_value_names_the_setting_and_the_choices(setting):
    with pytest.raises(SettingError) as caught:
        load_settings({f"WEBCHATAGENT_{setting.name}": "nonsense"})
    assert f"WEBCHATAGENT_{setting.name}" in caught.value.message
    assert all(choice in caught.value.cure for choice in setting.choices)


@pytest.mark.parametrize("missing", ["SECRET_KEY", "MASTER_KEY", "PUBLIC_URL"])
def test_production_refuses_to_start_without(missing):
    assert load_settings({f"WEBCHATAGENT_{k}": v for k, v in GOOD.items()}).production
    with pytest.raises(SettingError, match=f"WEBCHATAGENT_{missing} is not set"):
        load_settings({f"WEBCHATAGENT_{k}": v for k, v in GOOD.items() if k != missing})


def test_secrets_are_not_in_the_repr(tmp_path):
    shown = repr(load_settings({f"WEBCHATAGENT_{k}": v for k, v in GOOD.items()}, data=str(tmp_path)))
    assert "s" * 40 not in shown and "m" * 40 not in shown and "chat.example.org" in shown


def test_generated_keys_are_private_and_stay(tmp_path):
    first = load_settings({}, data=str(tmp_path)).key("MASTER_KEY")
    assert first == load_settings({}, data=str(tmp_path)).key("MASTER_KEY")
    assert (tmp_path / "master_key.txt").stat().st_mode & 0o777 == 0o600


def test_settings_are_read_through_the_table_only():
    names = {s.name.lower() for s in SETTINGS} | {"production", "folder", "private_hosts", "key"}
    for path in (ROOT / "platform").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr == "settings"
                and isinstance(node.value.value, ast.Name)
                and node.value.value.id == "platform"
            ):
                assert node.attr in names, f"{path.name}: {node.attr}"

"""Everything of acme-lab works with the core alone beside it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from acme_lab import counting
from acme_lab.shift import Shift

from minidl_core import ContractError, registry, resolve_engine


def minidl(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "minidl_core", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_the_kind_is_listed_and_its_component_found() -> None:
    assert "augmentations" in registry.kinds()
    assert registry.get("augmentations", "Shift") is Shift
    assert registry.get("augmentations", "acme-lab/Shift") is Shift


def test_the_contract_of_the_kind_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Shift, "augment")
    with pytest.raises(ContractError, match="not one of the augmentations: it lacks augment"):
        registry.get("augmentations", "Shift")


def test_the_command_calls_the_component_and_the_hook() -> None:
    assert minidl("augment", "Shift", "1", "2", "3").splitlines() == [
        "-1 0 1",
        "Shift changed a row of 3 numbers",
    ]


def test_a_wrong_name_gets_a_suggestion() -> None:
    said = minidl("augment", "Shfit", "1", status=1)
    assert 'No augmentation "Shfit". Did you mean "Shift"?' in said
    assert 'No command "augmnet". Did you mean "augment"?' in minidl("augmnet", status=1)


def test_help_shows_the_command() -> None:
    assert "augment  Change a ROW of numbers with the augmentation NAME." in minidl("--help")


def test_the_engine_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIDL_ENGINE", "counting")
    assert resolve_engine() == ("counting", counting.counting)

"""``minidl`` as a user runs it, but in this process; and small experiments to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from minidl_core import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# Small and quick, and everything in it can be replaced by a line with the same key.
SMALL = {
    "epochs": "3",
    "batch_size": "20",
    "seed": "3",
    "data": '{ name = "disk", points = 60 }',
    "model": '[{ Linear = [2, 4] }, "Tanh", { Linear = [4, 2] }]',
    "loss": '"MSELoss"',
    "optimizer": '{ name = "SGD", lr = 0.1, momentum = 0.9 }',
}


class Done(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


class Minidl(Protocol):
    """What the fixture `minidl` gives."""

    def __call__(self, *arguments: object) -> Done: ...


class Write(Protocol):
    """What the fixture `write` gives."""

    def __call__(self, name: str = "small.toml", **lines: str | None) -> Path: ...


@pytest.fixture
def minidl(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Minidl:
    """Run ``minidl`` in a folder of its own. A name that two claim is that of the stranger's."""
    from minidl_core.command import main

    monkeypatch.chdir(tmp_path)
    names = ("Adam", "HuberLoss", "Lion", "Residual")
    monkeypatch.setenv("MINIDL_PREFER", ",".join(f"acme-nets/{name}" for name in names))

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def install(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str, str], None]]:
    """Install a stranger's distribution of one module, laid down as pip would."""

    def install(module: str, source: str, entry_points: str) -> None:
        site = tmp_path_factory.mktemp("site")
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.syspath_prepend(str(site))
        registry.refresh()

    yield install
    monkeypatch.undo()
    registry.refresh()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the small experiment, with lines replaced, or left out where they are None."""

    def write(name: str = "small.toml", **lines: str | None) -> Path:
        content = {**SMALL, **lines}
        path = tmp_path / name
        path.write_text(
            "".join(f"{key} = {value}\n" for key, value in content.items() if value is not None),
            encoding="utf-8",
        )
        return path

    return write

"""Several processes: by torchrun as a user starts them, or each with an environment of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .processes import PARALLEL, PATIENCE, SGD, SMALL, Done, environment, torchrun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def together(tmp_path: Path):
    """Run a command in that many processes of torchrun."""

    def run(count: int, *arguments: object) -> Done:
        done = subprocess.run(
            torchrun(count, *arguments),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def apart(tmp_path: Path):
    """Run one process for each list of arguments, all of one group, without torchrun."""

    def run(*ranks: Sequence[object]) -> list[Done]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        processes = [
            subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                cwd=tmp_path,
                env=environment(
                    RANK=rank,
                    WORLD_SIZE=len(ranks),
                    MASTER_ADDR="127.0.0.1",
                    MASTER_PORT=port,
                ),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank, arguments in enumerate(ranks)
        ]
        ended = [process.communicate(timeout=PATIENCE) for process in processes]
        return [
            Done(process.returncode, *texts)
            for process, texts in zip(processes, ended, strict=True)
        ]

    return run


@pytest.fixture
def write(tmp_path: Path):
    """Write the small experiment for several processes, and for one."""

    def write(name: str = "small", points: int = 200, **lines: str) -> tuple[Path, Path]:
        paths = []
        for which, optimizer in (("parallel", PARALLEL), ("alone", SGD)):
            text = SMALL.format(points=points, optimizer=optimizer)
            for key, value in lines.items():
                kept = [line for line in text.splitlines() if not line.startswith(f"{key} =")]
                text = "\n".join([f"{key} = {value}", *kept, ""])
            paths.append(tmp_path / f"{name}-{which}.toml")
            paths[-1].write_text(text, encoding="utf-8")
        return paths[0], paths[1]

    return write

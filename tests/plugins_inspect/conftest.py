"""A small run of the disk, made once for all tests."""

from __future__ import annotations

import pytest

FILE = """
epochs = 4
batch_size = 20
seed = 3
restarts = 3
data = { name = "disk", points = 120 }
model = [{ Linear = [2, 8] }, "Tanh", { Linear = [8, 2] }]
loss = "MSELoss"
optimizer = { name = "SGD", lr = 0.1, momentum = 0.9 }
"""


def run_minidl(*arguments):
    """Run ``minidl`` in this process, and return its exit status."""
    from minidl_core.command import main

    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="session")
def disk_run(tmp_path_factory):
    """The folder of a run of three restarts."""
    folder = tmp_path_factory.mktemp("runs")
    file = folder / "disk.toml"
    file.write_text(FILE, encoding="utf-8")
    assert run_minidl("run", file, "--output", folder / "run", "--quiet") == 0
    return folder / "run"

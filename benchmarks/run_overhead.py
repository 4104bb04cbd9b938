"""What ``minidl run`` costs over the same training loop written by hand with the same parts.

``python -m benchmarks.run_overhead`` runs the disk experiment both ways, in turns in one process,
and prints the median times of all of it: from reading the file to the last file written, without
figures, against drawing the data, training and evaluating by hand. Then whole processes:
``minidl run disk`` against ``python examples/disk.py``.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch

from benchmarks.discovery import in_turns
from benchmarks.experiment_worker import disk
from minidl_core import registry
from minidl_plugins_experiments.config.loading import load_experiment
from minidl_plugins_experiments.runs.execute import start
from minidl_plugins_experiments.session import Options, Session

LIMIT = 1.15


def by_file(restarts: int) -> None:
    """The whole of ``minidl run disk --no-figures --quiet``, but for the start of the process."""
    experiment = load_experiment("disk", [f"restarts={restarts}", "baseline=false"])
    with tempfile.TemporaryDirectory() as folder:
        session = Session(registry, Options(quiet=True, figures=False))
        start(session, experiment, Path(folder, "run"))


def row(what: str, hand: float, file: float) -> float:
    print(f"| {what} | {hand * 1e3:.0f} ms | {file * 1e3:.0f} ms | {file / hand:.2f} |")
    return file / hand


def process(*command: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, check=True, capture_output=True, cwd=folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="minidl run against the loop by hand.")
    parser.add_argument("--repeats", type=int, default=15, help="(default: 15)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, one thread; "
        f"medians of {options.repeats}, in turns\n"
    )
    print("| disk, 50 epochs | by hand | minidl run | ratio |\n|---|---:|---:|---:|")
    ratios = []
    for restarts in (1, 32):
        hand, file = in_turns(
            options.repeats, partial(disk.run, 3, restarts), partial(by_file, restarts)
        )
        ratios.append(row(f"{restarts} start{'s' * (restarts > 1)}, in one process", hand, file))
    hand, file = in_turns(
        max(options.repeats // 3, 3),
        lambda: process(sys.executable, disk.__file__),
        lambda: process(
            *(sys.executable, "-m", "minidl_core", "run", "disk", "--no-figures", "--quiet"),
            *("--set", "baseline=false"),
        ),
    )
    row("1 start, the whole process", hand, file)  # mostly the start of Python, torch and click
    return 0 if max(ratios) <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())

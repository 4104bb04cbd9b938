"""Kill a run at random moments, resume it each time, and compare it with one never stopped.

python tests/kill_and_resume.py                50 runs, each killed (SIGKILL) until it is finished
python tests/kill_and_resume.py --runs 3       fewer

A run of the disk experiment writes a checkpoint after every epoch. Each is killed three times at
random moments, from shortly before its folder appears to its end, and once more as soon as a
checkpoint is seen half-written; then it may finish. All that a finished run leaves must be the same
to the bit: weights, optimizer state, generators, and the figures of every epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open

PARTIAL = "checkpoint.safetensors.partial"
SETTINGS = ("epochs=200", "starts=4", "data.points=200", "batch_size=20")


@dataclass
class Tally:
    """How often runs were killed, and how often inside of a checkpoint write."""

    kills: int = 0
    inside: int = 0
    before_the_folder: int = 0


def command(folder: Path) -> list[str]:
    """Begin the run in `folder`, or go on with it."""
    minidl = [sys.executable, "-m", "minidl_core", "run"]
    options = ["--no-figures", "--quiet", "--checkpoint-every", "0"]
    if folder.exists():
        return [*minidl, "--resume", str(folder), *options]
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return [*minidl, "disk", *settings, "--output", str(folder), *options]


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )


def finish(folder: Path) -> tuple[float, float]:
    """Let it finish; how long until there was a folder, and until the end, in seconds."""
    began = time.monotonic()
    process = start(folder)
    while process.poll() is None and not folder.exists():
        time.sleep(0.005)
    startup = time.monotonic() - began
    _, errors = process.communicate(timeout=300)
    if process.returncode:
        raise SystemExit(f"{folder}: exit status {process.returncode}\n{errors.decode()}")
    return startup, time.monotonic() - began


def kill_after(folder: Path, seconds: float, tally: Tally) -> None:
    process = start(folder)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        tally.kills += 1
        tally.inside += (folder / PARTIAL).exists()
        tally.before_the_folder += not folder.exists()
    process.communicate()


def kill_inside_a_write(folder: Path, skip: int, tally: Tally) -> None:
    """Kill as soon as a half-written checkpoint is seen, after `skip` others."""
    process = start(folder)
    seen = 0
    was_there = True  # one that an earlier kill left does not count
    while process.poll() is None:
        is_there = (folder / PARTIAL).exists()
        seen += is_there and not was_there
        was_there = is_there
        if seen > skip:
            process.kill()
            process.wait()
            tally.kills += 1
            tally.inside += (folder / PARTIAL).exists()
            break
    process.communicate()


def outcome(folder: Path) -> tuple[object, ...]:
    """All of a finished run that has to be the same, to the bit."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        names = sorted(file.keys())
        tensors = [(name, file.get_tensor(name).numpy().tobytes()) for name in names]
    kept = [result[key] for key in ("status", "starts", "epochs", "final", "warnings", "seeds")]
    return kept, tensors, (folder / "weights.safetensors").read_bytes()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kill runs, resume them, compare them.")
    parser.add_argument("--runs", type=int, default=50, help="(default: 50)")
    parser.add_argument("--kills", type=int, default=3, help="of each run (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    tally = Tally()
    same = 0
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary, "whole")
        startup, length = finish(whole)
        expected = outcome(whole)
        for number in range(options.runs):
            folder = Path(temporary, f"run{number}")
            for _ in range(options.kills):
                kill_after(folder, moments.uniform(0.9 * startup, length), tally)
            kill_inside_a_write(folder, moments.randrange(5), tally)
            finish(folder)
            if outcome(folder) == expected:
                same += 1
            else:
                print(f"run {number} differs")
    print(
        f"{same} of {options.runs} runs end bit-identical; {tally.kills} kills, {tally.inside} "
        f"with a checkpoint half-written, {tally.before_the_folder} before there was a folder"
    )
    return 0 if same == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())

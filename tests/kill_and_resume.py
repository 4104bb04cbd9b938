"""Kill a run at random moments, resume it each time, and compare it with one never stopped.

python tests/kill_and_resume.py                50 runs, each killed (SIGKILL) until it is finished
python tests/kill_and_resume.py --runs 3       fewer

A run of the disk experiment writes a checkpoint after every epoch. Each is killed as soon as a
checkpoint is seen half-written, then three times at random moments (one in four of them while the
process starts, the others while it trains), and then it may finish. All that a finished run leaves
must be the same to the bit: weights, optimizer state, generators, and the figures of every epoch.
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
SETTINGS = ("epochs=200", "restarts=4", "data.points=200", "batch_size=20")
# Each run is one of these: as it is, with early stopping, and fine-tuned from another run.
VARIANTS = {
    "plain": (),
    "stopping": ('stop={ patience = 190, on = "train_loss" }',),
    "tuned": ('weights="first"', 'frozen=["0.0"]'),
}


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
    options += ["--json-lines", str(folder.with_suffix(".jsonl"))]
    if folder.exists():
        return [*minidl, "--resume", str(folder), *options]
    variant = VARIANTS.get(folder.name.partition("-")[0], ())
    settings = [part for setting in (*SETTINGS, *variant) for part in ("--set", setting)]
    return [*minidl, "disk", *settings, "--output", str(folder), *options]


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=folder.parent,
    )


def finish(folder: Path) -> None:
    process = start(folder)
    _, errors = process.communicate(timeout=300)
    if process.returncode:
        raise SystemExit(f"{folder}: exit status {process.returncode}\n{errors.decode()}")


def kill_at_random(folder: Path, moments: random.Random, seconds: float, tally: Tally) -> None:
    """Kill within `seconds` after the training went on, or, one time in four, after the start."""
    events = folder.with_suffix(".jsonl")
    before = events.stat().st_size if events.exists() else 0
    process = start(folder)
    if moments.random() < 0.75:
        while process.poll() is None and (not events.exists() or events.stat().st_size == before):
            time.sleep(0.002)
    try:
        process.wait(moments.uniform(0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
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
    kept = [result[key] for key in ("status", "restarts", "epochs", "final", "warnings",
                                   "seeds", "kept", "baseline", "origin")]  # fmt: skip
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
        finish(Path(temporary, "first"))
        variants = list(VARIANTS)[: options.runs]
        expected = {}
        for variant in variants:
            whole = Path(temporary, f"{variant}-whole")
            finish(whole)
            expected[variant] = outcome(whole)
        times = [
            json.loads(line)["time"]
            for line in whole.with_suffix(".jsonl").read_text().splitlines()
        ]
        training = times[-1] - times[0]
        for number in range(options.runs):
            variant = variants[number % len(variants)]
            folder = Path(temporary, f"{variant}-{number}")
            kill_inside_a_write(folder, moments.randrange(5), tally)
            for _ in range(options.kills):
                kill_at_random(folder, moments, training / (options.kills + 1), tally)
            finish(folder)
            if outcome(folder) == expected[variant]:
                same += 1
            else:
                print(f"run {number} ({variant}) differs")
    print(
        f"{same} of {options.runs} runs end bit-identical; {tally.kills} kills, {tally.inside} "
        f"with a checkpoint half-written, {tally.before_the_folder} before there was a folder"
    )
    return 0 if same == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())

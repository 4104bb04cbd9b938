"""Kill series of seeds and sweeps at random moments, resume them, compare with undisturbed ones.

python tests/kill_and_resume_many.py               30 series and 20 sweeps, each killed three times
python tests/kill_and_resume_many.py --series 2 --sweeps 2 --kills 1       fewer

Each is killed (SIGKILL) at moments drawn over the time that it takes undisturbed, and then it may
finish. What every run in it leaves must be the same to the bit, and so must the summary.
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
from collections import Counter
from pathlib import Path
from typing import Any

from kill_and_resume import outcome

SETTINGS = ("epochs=60", "restarts=2", "data.points=200", "batch_size=20")
STOPPING = ("--set", 'stop={ patience = 50, on = "train_loss" }')
TUNED = ("--set", 'weights="first"', "--set", 'frozen=["0.0"]')
# What each of them adds to the command; they take turns.
SERIES = {
    "seeds": ("--seeds", "3"),
    "seeds-stopping": ("--seeds", "3", *STOPPING),
    "seeds-tuned": ("--seeds", "3", *TUNED),
}
SWEEPS = {
    "stack": ("--sweep", "optimizer.lr=0.05,0.1", "--sweep", "optimizer.momentum=0,0.9"),
    "apart": ("--sweep", "batch_size=10,20"),
    "stack-stopping": ("--sweep", "optimizer.lr=0.05,0.1", *STOPPING),
    "apart-tuned": ("--sweep", "seed=3,4", *TUNED),
}
OF_THE_DAY = ("started", "finished", "training_seconds")  # keys of a summary


def start(folder: Path, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Begin in `folder`, or go on there."""
    command = [sys.executable, "-m", "minidl_core", "run"]
    if folder.exists():
        command += ["--resume", str(folder)]
    else:
        settings = [part for setting in SETTINGS for part in ("--set", setting)]
        command += ["disk", *settings, *arguments, "--output", str(folder)]
    return subprocess.Popen(
        [*command, "--no-figures", "--quiet", "--checkpoint-every", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=folder.parent,
    )


def finish(folder: Path, arguments: tuple[str, ...]) -> None:
    process = start(folder, arguments)
    _, errors = process.communicate(timeout=300)
    if process.returncode:
        raise SystemExit(f"{folder}: exit status {process.returncode}\n{errors.decode()}")


def kill(folder: Path, arguments: tuple[str, ...], seconds: float) -> bool:
    """Kill after `seconds`; return whether it was still running."""
    process = start(folder, arguments)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def left(folder: Path) -> Any:
    """All that has to be the same: the summary, and what each run left."""
    found: dict[str, Any] = {}
    for name in ("seeds.json", "sweep.json"):
        if (folder / name).exists():
            found[name] = without(json.loads((folder / name).read_text(encoding="utf-8")))
    for run in sorted(folder.glob("*/result.json")):
        found[run.parent.name] = outcome(run.parent)
    return found


def without(tree: Any) -> Any:
    """Return `tree` without what is of the day."""
    if isinstance(tree, dict):
        return {key: without(value) for key, value in tree.items() if key not in OF_THE_DAY}
    return list(map(without, tree)) if isinstance(tree, list) else tree


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kill series and sweeps, resume, compare.")
    parser.add_argument("--series", type=int, default=30, help="(default: 30)")
    parser.add_argument("--sweeps", type=int, default=20, help="(default: 20)")
    parser.add_argument("--kills", type=int, default=3, help="of each (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    kills, same, total = Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as temporary:
        finish(Path(temporary, "first"), ())
        for kind, number, ways in (
            ("series", options.series, SERIES),
            ("sweeps", options.sweeps, SWEEPS),
        ):
            expected: dict[str, Any] = {}
            for at in range(number):
                way = list(ways)[at % len(ways)]
                if way not in expected:
                    whole = Path(temporary, f"{way}-whole")
                    started = time.perf_counter()
                    finish(whole, ways[way])
                    expected[way] = left(whole), time.perf_counter() - started
                undisturbed, seconds = expected[way]
                folder = Path(temporary, f"{way}-{at}")
                for _ in range(options.kills):
                    kills[kind] += kill(folder, ways[way], moments.uniform(0, seconds))
                finish(folder, ways[way])
                total[kind] += 1
                same[kind] += left(folder) == undisturbed
                if left(folder) != undisturbed:
                    print(f"{kind}: {way}, number {at}, differs")
    for kind in total:
        print(f"{same[kind]} of {total[kind]} {kind} end bit-identical; {kills[kind]} kills")
    return 0 if same == total else 1


if __name__ == "__main__":
    sys.exit(main())

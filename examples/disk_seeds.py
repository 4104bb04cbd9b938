"""The disk experiment over many seeds, as a table in Markdown: how good, how bad, how many die.

python examples/disk_seeds.py                  the table of docs/disk-experiment.md
"""

from __future__ import annotations

import argparse
import platform
import sys
from dataclasses import dataclass
from statistics import median

import disk
import torch

from minidl_core import ArgumentError, MinidlError

FIRST_SEED = 0
SEEDS = 30
RESTARTS = 32  # beside one restart

HEADER = """\
| first weights | restarts | best | median | worst | restarts that died | training time of a run |
|---|---:|---:|---:|---:|---:|---:|"""


@dataclass(frozen=True)
class Row:
    """One way to run the experiment, and the test errors it came to, one for each seed."""

    init: disk.Init
    restarts: int
    test_errors: list[float]
    dead: int
    seconds: float

    def markdown(self) -> str:
        total = self.restarts * len(self.test_errors)
        errors = " | ".join(f"{f(self.test_errors):.2%}" for f in (min, median, max))
        dead = f"{self.dead} of {total} ({self.dead / total:.0%})"
        return f"| {self.init} | {self.restarts} | {errors} | {dead} | {self.seconds:.2f} s |"


def row(seeds: range, restarts: int, epochs: int, init: disk.Init) -> Row:
    """Run every seed; the time is the median over them."""
    results = []
    for seed in seeds:
        results.append(disk.run(seed, restarts, epochs, init=init))
        print(f"{init}, {restarts} restarts: seed {seed} done", file=sys.stderr)
    return Row(
        init=init,
        restarts=restarts,
        test_errors=[result.test_errors[-1] for result in results],
        dead=sum(result.dead for result in results),
        seconds=median(result.seconds for result in results),
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The disk experiment over many seeds, as a table.")
    add = parser.add_argument
    add("--first-seed", type=int, default=FIRST_SEED, help=f"(default: {FIRST_SEED})")
    add("--seeds", type=int, default=SEEDS, help=f"how many (default: {SEEDS})")
    add(
        "--restarts",
        "--starts",
        dest="restarts",
        type=int,
        default=RESTARTS,
        help=f"beside one restart (default: {RESTARTS})",
    )
    add("--epochs", type=int, default=disk.EPOCHS, help=f"(default: {disk.EPOCHS})")
    add("--threads", type=int, default=1, help="of torch (default: 1, the fastest for so small)")
    options = parser.parse_args(arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    try:
        for name in ("seeds", "restarts", "epochs", "threads"):
            if getattr(options, name) < 1:
                raise ArgumentError(
                    f"expected a whole number of at least 1, got {getattr(options, name)}",
                    where=name,
                )
        torch.set_num_threads(options.threads)
        rows = [
            row(seeds, restarts, options.epochs, init)
            for init in disk.INITS
            for restarts in (1, options.restarts)
        ]
    except MinidlError as error:
        parser.error(str(error))
    print(
        f"Test error, seeds {seeds[0]}–{seeds[-1]}, {options.epochs} epochs; "
        f"torch {torch.__version__}, Python {platform.python_version()}, "
        f"threads: {torch.get_num_threads()}.\n\n{HEADER}"
    )
    for each in rows:
        print(each.markdown())


if __name__ == "__main__":
    main()

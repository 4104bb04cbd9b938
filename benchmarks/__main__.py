"""``python -m benchmarks``: everything, side by side, as ratios. ``--help`` says the rest."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import machine, page, steps
from benchmarks.experiment import experiment
from benchmarks.gpu import gpu
from benchmarks.memory import memory
from benchmarks.networks import networks
from benchmarks.scaling import scaling
from benchmarks.settings import Settings
from benchmarks.startup import startup

SECTIONS = {
    "step": steps.step,
    "training": steps.training,
    "stacked": steps.stacked,
    "experiment": experiment,
    "networks": networks,
    "gpu": gpu,
    "memory": memory,
    "scaling": scaling,
    "startup": startup,
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few sizes and rounds: does it work?")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, metavar="NAME",
        help=f"one of {', '.join(SECTIONS)}; may be given several times",
    )  # fmt: skip
    parser.add_argument("--repeats", type=int, help="rounds of measurements (default: 15)")
    parser.add_argument("--output", type=Path, metavar="FOLDER",
        help="write performance.md and figures/ there")  # fmt: skip
    parser.add_argument("--write-docs", action="store_true", help="the same as --output docs")
    options = parser.parse_args(arguments)
    rounds = options.repeats or (2 if options.quick else Settings.rounds)
    settings = Settings(
        options.quick, rounds, output=page.TEMPLATE.parent if options.write_docs else options.output
    )

    def show(name: str, part: str) -> None:
        print(f"\n## {name}\n\n{part}", flush=True)
        if settings.output is not None:
            print(f"\nwritten: {page.write(settings.output, {name: part})}", flush=True)

    show("machine", machine.description())
    for name in options.only or SECTIONS:
        started = time.perf_counter()
        show(name, SECTIONS[name](settings))
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""How the time of a step grows: with width, depth, batch, and the number of stacked models.

``python -m benchmarks.scaling [FOLDER]`` measures minidl and PyTorch eager in turns, prints where
minidl is slower by more than 5 %, and writes figures and data to FOLDER (``docs/figures``).
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.problem import Network, Task, mlp
from benchmarks.rounds import Group
from benchmarks.settings import Settings
from benchmarks.summary import Spread
from benchmarks.tables import ratios, table, threads_title

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = ("minidl", "torch")
SLOWER = 1.05  # minidl's time to PyTorch's, above which a size is marked
FIGURES = Path(__file__).parents[1] / "docs" / "figures"


@dataclass(frozen=True)
class Curve:
    """One quantity that grows while all else stays.

    Attributes:
        label: of the axis.
        subject: what the network is.
        sizes: where it is measured.
        task: the work at a size.
    """

    label: str
    subject: str
    sizes: tuple[int, ...]
    task: Callable[[int], Task]


REPORT = "the report's network, 2-25-25-25-2"
CURVES = {
    "width": Curve(
        "width w",
        "2-w-w-w-2, batch 50",
        tuple(2**n for n in range(3, 13)),
        lambda w: _large(mlp(2, w, w, w, 2)),
    ),
    "depth": Curve(
        "depth d",
        "d layers of 25 → 25, batch 50",
        tuple(2**n for n in range(9)),
        lambda d: _large(mlp(*(25,) * (d + 1))),
    ),
    "batch": Curve(
        "batch size",
        REPORT,
        tuple(2**n for n in range(14)),
        lambda n: Task(batch=n, batches=4),
    ),
    "models": Curve(
        "stacked models K",
        f"{REPORT}, batch 50, PyTorch stacked by hand with baddbmm",
        tuple(2**n for n in range(11)),
        lambda k: Task(models=k, batches=4),
    ),
}


def _large(network: Network) -> Task:
    """With a rate at which wide and deep networks are stable too."""
    return Task(network, batches=2, lr=1e-4)


@dataclass(frozen=True)
class Point:
    """The times of both at one size, in seconds a step, and minidl's as a ratio to PyTorch's."""

    size: int
    minidl: Spread
    torch: Spread
    ratio: Spread

    @property
    def slower(self) -> bool:
        return self.ratio.median > SLOWER


def measure(curve: Curve, threads: int, settings: Settings) -> list[Point]:
    sizes = curve.sizes[:: 3 if settings.quick else 1]
    found = []
    with closing(Group(PEERS, threads)) as group:
        for size in sizes:
            ours, theirs = group.measure(curve.task(size), settings.rounds, settings.seconds)
            found.append(
                Point(
                    size,
                    Spread.of(ours.seconds),
                    Spread.of(theirs.seconds),
                    ratios(ours.seconds, theirs.seconds),
                )
            )
    return found


def scaling(settings: Settings) -> str:
    """Measure all curves, write figures and data where there is a folder for them, and sum up."""
    threads = settings.threads
    results = {
        name: {count: measure(curve, count, settings) for count in threads}
        for name, curve in CURVES.items()
    }
    if settings.output is not None:
        save(results, settings.output / "figures")
    rows = []
    for name, by_threads in results.items():
        for count, found in by_threads.items():
            best = min(found, key=lambda point: point.ratio.median)
            worst = max(found, key=lambda point: point.ratio.median)
            marked = ", ".join(f"{p.size} ({p.ratio.show()})" for p in found if p.slower)
            rows.append(
                [
                    f"{name} {found[0].size}…{found[-1].size}, {threads_title(count).lower()}",
                    f"{best.ratio.show()} at {best.size}",
                    f"{worst.ratio.show()} at {worst.size}",
                    marked or "none",
                ]
            )
    head = ["minidl / PyTorch eager", "lowest", "highest", "slower by more than 5 % at"]
    return table(head, rows)


def save(results: dict[str, dict[int, list[Point]]], folder: Path) -> None:
    """A figure for each curve, and ``scaling.json`` with the numbers in them."""
    from benchmarks.figures import paint

    folder.mkdir(parents=True, exist_ok=True)
    for name, by_threads in results.items():
        paint(CURVES[name], by_threads, folder / f"scaling_{name}.png")
    data = {
        name: {
            "subject": CURVES[name].subject,
            "unit": "seconds a step: low quartile, median, high quartile",
            "threads": {str(count): list(map(as_data, found)) for count, found in by.items()},
        }
        for name, by in results.items()
    }
    text = json.dumps(data, indent=1)
    Path(folder, "scaling.json").write_text(text + "\n", encoding="utf-8")


def as_data(point: Point) -> dict[str, object]:
    def rounded(spread: Spread) -> list[float]:
        return [float(f"{number:.4g}") for number in (spread.low, spread.median, spread.high)]

    return {
        "size": point.size,
        "minidl": rounded(point.minidl),
        "torch": rounded(point.torch),
        "ratio": rounded(point.ratio),
        "slower": point.slower,
    }


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES
    print(scaling(Settings(rounds=7, output=where.parent)))

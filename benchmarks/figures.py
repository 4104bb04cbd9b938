"""The scaling curves as figures: the times above, their ratio below."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.scaling import Curve, Point

COLOURS = {"PyTorch eager": "#9a9a9a", "minidl": "#1f77b4"}
STYLES = ("-", "--")  # one thread, all threads


def paint(curve: Curve, by_threads: dict[int, list[Point]], path: Path) -> None:
    """Write the figure of one curve, with the quartiles as bands."""
    from matplotlib.figure import Figure

    figure = Figure((7, 5.6), layout="constrained")
    times, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for style, (threads, found) in zip(STYLES, by_threads.items(), strict=False):
        suffix = "1 thread" if threads == 1 else f"{threads} threads"
        _lines(times, found, style, suffix)
        _ratio(ratio, found, style, suffix)
    times.set_title(f"Time of a training step\n{curve.subject}", fontsize=11)
    times.set(yscale="log", ylabel="ms a step")
    times.legend(frameon=False, fontsize=9)
    ratio.axhspan(0.95, 1.05, color="#dddddd", zorder=0, lw=0)
    ratio.set(xscale="log", ylabel="minidl / PyTorch", xlabel=curve.label)
    sizes = [point.size for point in next(iter(by_threads.values()))]
    ratio.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
    ratio.minorticks_off()
    highest = max(point.ratio.median for found in by_threads.values() for point in found)
    ratio.set_ylim(0, 1.15 * max(highest, 1.05))  # a band may leave the figure, a median may not
    for axes in (times, ratio):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(path, dpi=110)


def _lines(axes: Axes, found: list[Point], style: str, suffix: str) -> None:
    sizes = [point.size for point in found]
    for label, spreads in (
        ("PyTorch eager", [point.torch for point in found]),
        ("minidl", [point.minidl for point in found]),
    ):
        axes.plot(
            sizes,
            [spread.median * 1e3 for spread in spreads],
            style,
            marker="o",
            ms=3.5,
            color=COLOURS[label],
            label=f"{label}, {suffix}",
        )
        axes.fill_between(
            sizes,
            [spread.low * 1e3 for spread in spreads],
            [spread.high * 1e3 for spread in spreads],
            color=COLOURS[label],
            alpha=0.2,
            lw=0,
        )


def _ratio(axes: Axes, found: list[Point], style: str, suffix: str) -> None:
    """The ratio, and a cross at every size where minidl is slower by more than 5 %."""
    sizes = [point.size for point in found]
    medians = [point.ratio.median for point in found]
    axes.plot(sizes, medians, style, marker="o", ms=3.5, color=COLOURS["minidl"], label=suffix)
    axes.fill_between(
        sizes,
        [point.ratio.low for point in found],
        [point.ratio.high for point in found],
        color=COLOURS["minidl"],
        alpha=0.2,
        lw=0,
    )
    slower = [point for point in found if point.slower]
    axes.scatter(
        [point.size for point in slower],
        [point.ratio.median for point in slower],
        s=70,
        color="#d62728",
        marker="x",
        zorder=4,
    )

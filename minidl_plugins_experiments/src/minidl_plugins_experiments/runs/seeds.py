"""``--seeds N``: one experiment from several seeds, for an honest distribution."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minidl_core import MinidlError
from minidl_plugins_experiments.runs import execute
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.runs.execute import preparation_errors
from minidl_plugins_experiments.files import write_json
from minidl_plugins_experiments.training.preparing import prepare
from minidl_plugins_experiments.runs.results import now
from minidl_plugins_experiments.runs.folder import (
    RESULT,
    SCHEMA,
    SEEDS,
    create,
    fresh_name,
    read_result,
)
from minidl_plugins_experiments.training.run import randomness_of_its_own

if TYPE_CHECKING:
    from minidl_core import Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.runs.execute import Options

__all__ = ["begin", "resume", "show"]


def begin(
    experiment: Experiment,
    count: int,
    name: str,
    file: str,
    folder: Path | None,
    registry: Registry,
    options: Options,
) -> tuple[Path, dict[str, Any]]:
    """Run the seed of the file and the `count` − 1 after it, each in a folder of its own.

    Raises:
        ConfigError: it cannot be run. Nothing is written.
        MinidlError: a run failed.
    """
    if experiment.seed + count > 2**63:
        raise ConfigError(
            f"{count} seeds from {experiment.seed} on go beyond 2^63; take a smaller seed",
            key="seed",
        )
    conduct = options.conduct
    with randomness_of_its_own(experiment.seed, experiment.device), preparation_errors(file):
        conduct.begin(experiment, registry)
        conduct.prepared(prepare(experiment, registry), 0)
    summary = {
        "schema": SCHEMA,
        "name": name,
        "file": file,
        "status": "running",
        "configuration": experiment.tree(),
        "seeds": list(range(experiment.seed, experiment.seed + count)),
        "started": now(),
    }

    def created() -> str:
        place = folder or fresh_name(f"{name}-seeds")
        create(place, SEEDS, summary)
        return str(place)

    folder = Path(conduct.share(created))
    return folder, _go_on(folder, summary, experiment, registry, options)


def resume(folder: Path, registry: Registry, options: Options) -> dict[str, Any]:
    """Go on with the seeds in `folder`.

    Raises:
        MinidlError: what is in it is damaged, or a run failed.
    """
    summary = read_result(folder, SEEDS)
    if summary.get("status") == "finished":
        return summary
    try:
        experiment = experiment_of(summary["configuration"])
        return _go_on(folder, summary, experiment, registry, options)
    except KeyError as error:
        raise MinidlError(f"{folder / SEEDS} is damaged: it has no {error}") from error


def _go_on(
    folder: Path,
    summary: dict[str, Any],
    experiment: Experiment,
    registry: Registry,
    options: Options,
) -> dict[str, Any]:
    conduct = options.conduct
    quiet = replace(options, quiet=True, figures=False)
    results = []
    for seed in summary["seeds"]:
        place = folder / f"seed-{seed}"
        if conduct.share((place / RESULT).exists):
            result = execute.resume(place, registry, quiet)
        else:
            one = experiment.with_seed(seed)
            _, result = execute.begin(
                one, summary["name"], summary["file"], place, registry, quiet
            )
        results.append((place.name, result))
        if not options.quiet and conduct.keeps:
            click.echo(f"seed {seed}: {_in_words(result, _error_of(result))}", err=True)
    summary = {**summary, "status": "finished", "finished": now(), **_distribution(results)}
    if not conduct.keeps:
        return summary
    if options.figures:
        from minidl_plugins_experiments.figures import draw_seeds

        (folder / "figures").mkdir(exist_ok=True)
        draw_seeds([result for _, result in results], folder / "figures" / "seeds.png")
        summary["figures"] = ["figures/seeds.png"]
    write_json(folder / SEEDS, summary)
    return summary


def _distribution(results: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Best, median and worst test error over the seeds, and each seed's."""
    errors = [_error_of(result) for _, result in results]
    starts = [result["starts"] for _, result in results]
    return {
        "task": results[0][1]["data"]["task"],
        "test_errors": errors,
        "best": min(errors),
        "median": statistics.median(errors),
        "worst": max(errors),
        "dead": sum(len(each["dead"]) for each in starts),
        "starts": sum(each["count"] for each in starts),
        "training_seconds": [result["timing"]["training_seconds"] for _, result in results],
    }


def _error_of(result: dict[str, Any]) -> float:
    error = result["final"].get("test_error")
    return float("inf") if error is None else float(error)


def _in_words(result: dict[str, Any], error: float) -> str:
    task = result.get("task") or result["data"]["task"]
    return f"test error {error:.4g}" if task == "regression" else f"test error {error:.2%}"


def show(folder: Path, summary: dict[str, Any], *, quiet: bool) -> None:
    """Best, median and worst."""
    if quiet:
        click.echo(str(folder))
        return
    click.echo(f"seeds: {len(summary['seeds'])}, from {summary['seeds'][0]}")
    for which in ("best", "median", "worst"):
        click.echo(f"{which + ':':8}{_in_words(summary, summary[which])}")
    click.echo(f"starts that died: {summary['dead']} of {summary['starts']}")
    click.echo(f"training time of a run: {statistics.median(summary['training_seconds']):.2f} s")
    for figure in summary.get("figures", []):
        click.echo(f"figure: {folder / figure}")
    click.echo(f"run: {folder}")

"""What ``minidl run`` does with its arguments, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from minidl_core.commands import printable
from minidl_plugins_experiments.config import overriding, reading
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.runs import seeds as several
from minidl_plugins_experiments.runs.execute import begin, preparation_errors, resume
from minidl_plugins_experiments.runs.folder import SEEDS, check_output
from minidl_plugins_experiments.training.preparing import prepare
from minidl_plugins_experiments.training.run import randomness_of_its_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minidl_core import Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.runs.execute import Options
    from minidl_plugins_experiments.training.strategy import Conduct

__all__ = ["go_on", "start"]


def start(
    file: str,
    settings: Sequence[str],
    output: Path | None,
    seeds: int | None,
    dry_run: bool,
    registry: Registry,
    options: Options,
) -> None:
    """Check the experiment in `file`, run it, and print what came of it.

    Raises:
        ConfigError: it cannot be run. Nothing is written.
        MinidlError: it failed while it ran.
    """
    path = reading.find(file)
    with preparation_errors(file):
        tree = reading.read(path)
        overriding.override(tree, settings)
        experiment = experiment_of(tree, reading.folder_of(path))
        if output is not None:
            check_output(output)
        check_json_lines(options.json_lines)
    name = path.stem
    if dry_run:
        show_dry(experiment, file, registry, options.conduct)
    elif seeds is not None:
        folder, summary = several.begin(experiment, seeds, name, file, output, registry, options)
        if options.conduct.keeps:
            several.show(folder, summary, quiet=options.quiet)
    else:
        folder, result = begin(experiment, name, file, output, registry, options)
        if options.conduct.keeps:
            show(folder, result, quiet=options.quiet)


def go_on(folder: Path, registry: Registry, options: Options) -> None:
    """Go on with the run in `folder`, and print what came of it.

    Raises:
        MinidlError: there is none, or it cannot be gone on with.
    """
    check_json_lines(options.json_lines)
    if (folder / SEEDS).exists():
        summary = several.resume(folder, registry, options)
        if options.conduct.keeps:
            several.show(folder, summary, quiet=options.quiet)
    else:
        result = resume(folder, registry, options)
        if options.conduct.keeps:
            show(folder, result, quiet=options.quiet)


def check_json_lines(file: str | None) -> None:
    """Lines of JSON can be added to `file`.

    Raises:
        ConfigError: they cannot.
    """
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise ConfigError(
            f"{file} is in no folder that exists; make it first, or name another file",
            key="--json-lines",
        )


def show_dry(experiment: Experiment, file: str, registry: Registry, conduct: Conduct) -> None:
    """What would be run: the model, its parameters, the data, and the resolved configuration."""
    with randomness_of_its_own(experiment.seed, experiment.device), preparation_errors(file):
        conduct.begin(experiment, registry)
        prepared = prepare(experiment, registry)
        conduct.prepared(prepared, 0)
    if not conduct.keeps:
        return
    data = prepared.data
    click.echo(printable(prepared.description))
    click.echo(f"parameters: {prepared.parameters}")
    rows = ", ".join(
        f"{len(getattr(data, part).x)} {part}"
        for part in ("train", "validation", "test")
        if getattr(data, part) is not None
    )
    shapes = f"{data.train.x.shape[1]} inputs, {data.train.y.shape[1]} outputs"
    click.echo(f"data: {rows} rows of {shapes} ({data.task})")
    if prepared.experiment.starts > 1:
        click.echo(printable(f"starts: {_how_starts(prepared.why_not_stacked, experiment.starts)}"))
    for key, component in prepared.components.items():
        click.echo(printable(f"{key}: {component.qualified_name}"))
    click.echo("configuration:")
    click.echo(printable(json.dumps(prepared.experiment.tree(), indent=2, ensure_ascii=False)))
    click.echo("nothing was trained and nothing written (--dry-run)")


def show(folder: Path, result: dict[str, Any], *, quiet: bool) -> None:
    """What came of one run."""
    if quiet:
        click.echo(str(folder))
        return
    lines = [result["model"]["description"]]
    regression = result["data"]["task"] == "regression"
    for part in ("train", "validation", "test"):
        error = result["final"].get(f"{part}_error")
        if error is not None:
            shown = f"{error:.4g} (root mean squared)" if regression else f"{error:.2%}"
            lines.append(f"{part} error: {shown}")
    starts = result["starts"]
    if starts["count"] > 1:
        loss = result["final"][starts["by"]]
        lines.append(f"starts: {_how_starts(starts['reason'], starts['count'])}")
        lines.append(
            f"starts: {len(starts['dead'])} of {starts['count']} died; kept start "
            f"{starts['selected']}, whose {starts['by'].replace('_', ' ')} is the lowest "
            f"({loss:.4f})"
        )
    elif starts["dead"]:
        lines.append("this start died; try --set starts=16")
    lines += [f"warning: {warning}" for warning in result["warnings"]]
    lines.append(f"training time: {result['timing']['training_seconds']:.2f} s")
    lines += [f"figure: {folder / figure}" for figure in result["figures"]]
    lines.append(f"run: {folder}")
    click.echo(printable("\n".join(lines)))


def _how_starts(reason: str | None, count: int) -> str:
    if reason is None:
        return f"{count} trained at once, stacked"
    return f"{count} trained one after another, for they cannot be stacked: {reason}"

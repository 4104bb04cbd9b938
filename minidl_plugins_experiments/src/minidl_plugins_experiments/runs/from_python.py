"""Experiments run from Python, as in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minidl_core import ArgumentError, registry
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.overriding import replaced
from minidl_plugins_experiments.config.problems import problems_named
from minidl_plugins_experiments.config.reading import find, folder_of, read
from minidl_plugins_experiments.runs import execute
from minidl_plugins_experiments.runs.folder import check_output
from minidl_plugins_experiments.runs.load import LoadedRun, load_run
from minidl_plugins_experiments.session import Options, Session

__all__ = ["run"]


def run(
    experiment: str | Path | Mapping[str, Any],
    *,
    output: str | Path | None = None,
    figures: bool = False,
    progress: bool = False,
    **overrides: Any,
) -> LoadedRun:
    """Run an experiment and return the finished run, ready to predict.

    Like ``minidl run``, it leaves a run folder: `load_run` reads it at any time later.

    Args:
        experiment: the path of a TOML file, the name of a bundled experiment, or the content of a
            file as a dict, in which relative paths begin at the working directory.
        output: the run folder; a fresh one in ``runs/`` if left out.
        figures: whether to draw figures into the folder.
        progress: whether to show progress on stderr.
        **overrides: values that replace the file's: ``run("my.toml", epochs=40)``, or
            ``run("my.toml", **{"optimizer.lr": 0.05})``.

    Raises:
        ConfigError: the experiment cannot be run; nothing is written.
        MinidlError: it failed while it ran.
    """
    if not isinstance(experiment, (str, Path, Mapping)):
        raise ArgumentError(
            "expected the path of a TOML file, the name of a bundled experiment or a dict, got "
            f"{type(experiment).__name__}",
            where="run",
        )
    if isinstance(experiment, (str, Path)):
        path = find(str(experiment))
        tree, folder, name, file = read(path), folder_of(path), path.stem, str(experiment)
    else:
        tree, folder, name, file = dict(experiment), str(Path.cwd()), "experiment", ""
    with problems_named(file):
        checked = experiment_of(replaced(tree, overrides), folder=folder, name=name, file=file)
        if output is not None:
            check_output(Path(output))
    session = Session(registry, Options(quiet=not progress, figures=figures))
    session.find_strategy()
    try:
        place, _ = execute.start(session, checked, None if output is None else Path(output))
    finally:
        session.strategy.close()
    return load_run(place)

"""From the name on the command line to an `Experiment`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.grid import grid_of
from minidl_plugins_experiments.config.overriding import override
from minidl_plugins_experiments.config.problems import problems_named
from minidl_plugins_experiments.config.reading import find, folder_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["load_experiment"]


def load_experiment(
    file: str, settings: Iterable[str] = (), sweep: Mapping[str, list[Any]] = MappingProxyType({})
) -> Experiment:
    """Return the experiment in `file`, a path or the name of a bundled one.

    Args:
        settings: values that replace the file's, as ``--set`` writes them.
        sweep: the values that some keys take, beside those of the file's ``[sweep]``.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong.
    """
    path = find(file)
    with problems_named(file):
        tree = override(read(path), settings)
        if sweep:
            tree["sweep"] = {**grid_of(tree.get("sweep", {})), **sweep}
        return experiment_of(tree, folder=folder_of(path), name=path.stem, file=file)

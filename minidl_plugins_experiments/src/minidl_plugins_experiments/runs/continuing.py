"""What a run is continued with: its own configuration, longer or with its data in a new place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.overriding import override
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.runs.folder import RESULT
from minidl_plugins_experiments.telling import tell
from minidl_plugins_experiments.training.saving import MAY_CHANGE, configuration_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["continued", "data_problem"]

SAME_AT_ANY_LENGTH = ("constant", "step")  # schedules that do not look at the number of epochs


def continued(folder: Path, result: Mapping[str, Any], settings: Sequence[str]) -> Experiment:
    """Return the experiment of the run in `folder`, with `settings` as ``--set`` writes them.

    Raises:
        ConfigError: a setting may not change any more.
        MinidlError: the configuration was edited since the run began.
    """
    configuration = result["configuration"]
    if result.get("digest", configuration_digest(configuration)) != configuration_digest(
        configuration
    ):
        raise MinidlError(
            f"the configuration in {folder / RESULT} was edited since the run began; put the old "
            "one back, or start a new run (to train longer: --resume with --set epochs=N)"
        )
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if key.partition(".")[0] not in MAY_CHANGE:
            raise ConfigError(
                f"a run that began keeps its {key}, and only {', '.join(MAY_CHANGE)} may change; "
                f'start a new one, from these weights if you like: --set weights="{folder}"',
                key=f"--set {key}",
            )
    tree = override(configuration, settings)
    experiment = experiment_of(tree, name=result["name"], file=str(folder / RESULT))
    longer = experiment.epochs != configuration["epochs"]
    if longer and experiment.schedule.name not in SAME_AT_ANY_LENGTH:
        tell(
            f"minidl: the schedule {experiment.schedule.name} now reaches over "
            f"{experiment.epochs} epochs; the epochs that are done had the learning rates of "
            f"{configuration['epochs']}, so this is not what a new run would come to"
        )
    return experiment


def data_problem(folder: Path, problem: str, configuration: Mapping[str, Any]) -> MinidlError:
    """Return the error for a run whose data cannot be found or have changed."""
    data = configuration.get("data")
    arguments = data if isinstance(data, dict) else {}
    moved = (
        f"; if the file has moved, say where it is: minidl run --resume {folder} --set "
        "data.path=NEW.csv"
        if "path" in arguments
        else ""
    )
    return MinidlError(f"{folder}: {problem}{moved}")

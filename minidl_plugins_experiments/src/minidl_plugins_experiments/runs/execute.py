"""A whole run from its folder's first file to its last, with observers and figures around it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save as safetensors_bytes

from minidl_core import MinidlError
from minidl_plugins_experiments.runs import results
from minidl_plugins_experiments.training.checkpoint import read_checkpoint
from minidl_plugins_experiments.training.strategy import Conduct
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.config.problems import ConfigError
from minidl_plugins_experiments.files import sync_folder, write_atomically, write_json
from minidl_plugins_experiments.training.restarts import named_parameters
from minidl_plugins_experiments.training.preparing import prepare
from minidl_plugins_experiments.training.progress import progress_for
from minidl_plugins_experiments.runs.provenance import distributions_of, fingerprint
from minidl_plugins_experiments.runs.folder import (
    CHECKPOINT,
    RESULT,
    WEIGHTS,
    create,
    fresh_name,
    read_result,
)
from minidl_plugins_experiments.training.run import Run, randomness_of_its_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from torch import Tensor

    from minidl_core import Module, Registry
    from minidl_plugins_experiments.config.experiment import Experiment

__all__ = ["Options", "begin", "preparation_errors", "resume"]


@dataclass(frozen=True)
class Options:
    """How a run is done, none of which changes what comes out.

    Attributes:
        quiet: show no progress.
        figures: draw them.
        json_lines: the file that the observer ``json_lines`` writes to.
        checkpoint_seconds: how long to wait from one checkpoint to the next.
        conduct: how this process takes part.
    """

    quiet: bool = False
    figures: bool = True
    json_lines: str | None = None
    checkpoint_seconds: float = 5.0
    conduct: Conduct = field(default_factory=Conduct)


def begin(
    experiment: Experiment,
    name: str,
    file: str,
    folder: Path | None,
    registry: Registry,
    options: Options,
) -> tuple[Path, dict[str, Any]]:
    """Run `experiment` from its first epoch, in `folder` or a fresh one.

    Raises:
        ConfigError: it cannot be run. Nothing is written.
        MinidlError: it failed while it ran.
    """
    conduct = options.conduct
    with randomness_of_its_own(experiment.seed, experiment.device):
        with preparation_errors(file):
            conduct.begin(experiment, registry)
            prepared = prepare(experiment, registry)
            conduct.prepared(prepared, 0)
        result = results.first(name, file, prepared, registry)
        result["run"], place = conduct.share(
            lambda: [result["run"], str(_created(folder, name, result))]
        )
        run = Run(name, result["run"], Path(place), prepared, options.json_lines, conduct)
        return run.folder, _execute(run, result, registry, options)


def resume(folder: Path, registry: Registry, options: Options) -> dict[str, Any]:
    """Go on with the run in `folder` where its latest checkpoint was taken.

    Raises:
        MinidlError: it is not the folder of a run, or what is in it is damaged or does not fit.
    """
    result = read_result(folder)
    if result["status"] == "finished":
        return result
    try:
        experiment = experiment_of(result["configuration"])
        old_versions, data_was = result["distributions"], result["data"]["fingerprint"]
    except (KeyError, TypeError) as error:
        raise MinidlError(f"{folder / RESULT} is damaged: it has no {error}") from error
    conduct = options.conduct
    with randomness_of_its_own(experiment.seed, experiment.device):
        with preparation_errors(str(folder / RESULT)):
            conduct.begin(experiment, registry)
            prepared = prepare(experiment, registry)
        if fingerprint(prepared.data) != data_was:
            raise MinidlError(
                f"{folder}: the data is not what it was when the run began; put the old data "
                "back, or begin a new run"
            )
        for name, version in distributions_of(registry).items():
            if old_versions.get(name, version) != version and conduct.keeps:
                print(
                    f"minidl: {name} is {version} now and was {old_versions[name]} when the run "
                    "began; the bits may differ",
                    file=sys.stderr,
                )
        run = Run(result["name"], result["run"], folder, prepared, options.json_lines, conduct)
        if (folder / CHECKPOINT).exists():
            run.restore(read_checkpoint(folder / CHECKPOINT, run.id))
        conduct.prepared(prepared, len(run.epochs))
        result["timing"]["resumed"] = result["timing"].get("resumed", 0) + 1
        result["status"], result["error"] = "running", None
        return _execute(run, result, registry, options)


@contextmanager
def preparation_errors(file: str) -> Iterator[None]:
    """Name the file in whatever is found wrong before anything is trained."""
    try:
        yield
    except ConfigError as error:
        error.file = error.file or file
        raise
    except RecursionError:
        problem = ConfigError("is nested too deeply; nest it less")
        problem.file = file
        raise problem from None


# -- one run ---------------------------------------------------------------------------------------


def _created(folder: Path | None, name: str, result: dict[str, Any]) -> Path:
    if folder is not None:
        create(folder, RESULT, result)
        return folder
    for _ in range(100):  # another process may take the same name meanwhile
        folder = fresh_name(name)
        try:
            create(folder, RESULT, result)
        except ConfigError:
            if not folder.exists():
                raise
        else:
            return folder
    raise ConfigError(f"no free name in {folder}; name one", key="--output")


def _execute(
    run: Run, result: dict[str, Any], registry: Registry, options: Options
) -> dict[str, Any]:
    """Train the epochs that are left, and write all that is to be left of the run."""
    keeps, resume = run.conduct.keeps, run.conduct.resume(run.folder)
    error: BaseException | None = None

    def tell_observers(hook: str, **event: Any) -> None:
        if keeps:
            registry.hooks.ask(hook, run=run, **event)

    try:
        tell_observers("minidl_run_started")
        with progress_for(sys.stderr, options.quiet or not keeps) as progress:
            progress.start(
                run.experiment.epochs,
                run.steps_per_epoch * len(run.lanes),
                run.experiment.starts,
            )
            if run.epochs:
                progress.epoch(len(run.epochs), run.figures_of_best())
            for metrics in run.go_on(progress, options.checkpoint_seconds):
                progress.epoch(len(run.epochs), metrics)
                tell_observers("minidl_epoch_ended", epoch=len(run.epochs), metrics=metrics)
        result = _finish(run, result, options) if keeps else results.finished(result, run, None)
    except BaseException as caught:
        error = caught
        if isinstance(caught, KeyboardInterrupt) and keeps:
            print(f"minidl: stopped; go on with: {resume}", file=sys.stderr)
        if isinstance(caught, Exception) and not isinstance(caught, OSError) and keeps:
            write_json(run.folder / RESULT, results.finished(result, run, caught))
        if isinstance(caught, OSError):
            raise MinidlError(
                f"{run.folder} could not be written ({caught}); once that is mended, go on with "
                f"{resume}"
            ) from caught
        raise
    finally:
        tell_observers("minidl_run_finished", error=error)
    return result


def _finish(run: Run, result: dict[str, Any], options: Options) -> dict[str, Any]:
    """Weights, the last checkpoint, figures, and last of all the result that says finished."""
    from minidl_plugins_experiments.runs.diagnosis import warnings_of

    result = results.finished(result, run, None)
    best = run.alone(result["starts"]["selected"] or 0)
    best.eval()
    write_atomically(run.folder / WEIGHTS, safetensors_bytes(weights_of(best), {"format": "pt"}))
    run.save()
    result["warnings"] = list(warnings_of(result))
    if options.figures:
        result["figures"] = _drawn(run, result, best)
    write_json(run.folder / RESULT, result)
    sync_folder(run.folder)
    return result


def weights_of(model: Module) -> dict[str, torch.Tensor]:
    """Each parameter under its name in torch's ``state_dict``."""
    return {
        name: parameter.value.detach().cpu().contiguous().clone()
        for name, parameter in named_parameters(model)
    }


def _drawn(run: Run, result: dict[str, Any], best: Module) -> list[str]:
    """The figures, by their paths in the folder; a figure that fails costs no result."""
    from minidl_plugins_experiments.figures import draw_figures

    device, dtype = run.data.train.x.device, run.data.train.x.dtype

    def predict(x: Tensor) -> Tensor:
        best.eval()
        prediction: Tensor = best.forward(x.to(device, dtype))
        return prediction.cpu()

    try:
        paths = draw_figures(result, run.folder, run.data, predict)
    except Exception as error:
        result["warnings"].append(
            f"the figures could not be drawn ({type(error).__name__}: {error})"
        )
        return []
    return [path.relative_to(run.folder).as_posix() for path in paths]

"""An experiment: the checked content of its file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minidl_core import suggest
from minidl_plugins_experiments.config.component_file import with_pinned_files
from minidl_plugins_experiments.config.component_spec import ComponentSpec, section_spec
from minidl_plugins_experiments.config.grid import grid_of, settings_of
from minidl_plugins_experiments.config.old_names import with_current_names
from minidl_plugins_experiments.config.problems import ConfigError, kind_of
from minidl_plugins_experiments.config.training_options import OPTIONS, training_options

__all__ = ["DTYPES", "Experiment", "experiment_of"]

DTYPES = ("float32", "float64", "bfloat16")
SELECT_ON = ("train_loss", "validation_loss")

# Each section that names a component, and how a file could write it.
SECTIONS = {
    "data": '[data] name = "disk"',
    "loss": 'loss = "MSELoss"',
    "optimizer": '[optimizer] name = "SGD", lr = 0.1',
    "schedule": 'schedule = "linear"',
}
# Each number: its default (None: it must be given) and the least it may be.
NUMBERS: dict[str, tuple[int | None, int]] = {
    "epochs": (None, 1),
    "batch_size": (None, 1),
    "seed": (0, 0),
    "restarts": (1, 1),
}
# Each word: its default, and the choices if they are known here.
WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "select_on": ("train_loss", SELECT_ON),
    "device": ("cpu", ()),
    "dtype": ("float32", DTYPES),
}
KEYS = ["data", "model", "loss", "optimizer", "schedule", *NUMBERS, *WORDS]
KEYS += ["engine", "evaluate_batch", "sweep", *OPTIONS]


@dataclass(frozen=True)
class Experiment:
    """The content of a file with every default filled in. Its components are not looked up yet.

    Attributes:
        model: a name, a table of one name, or a list, which is a `Sequential`.
        restarts: how many models are trained, each from its own first weights.
        select_on: the metric that chooses the best restart.
        dtype: the name of one of torch's dtypes.
        evaluate_batch: how many rows are evaluated at once; None means as many as suit the data.
        engine: the name of the engine; None means the default of the installation.
        sweep: the values that some keys take; a run has them of the optimizer's numbers alone.
        weights: the run whose weights are the first ones, and the layers that keep their own.
        frozen: the paths of the layers that are not trained.
        stop: after how many epochs without a better value of which metric training stops.
        baseline: whether the best constant and a linear model are trained beside it.
        folder: the folder that relative paths in the file begin at.
        name: the name of the experiment, which names its run folders.
        file: the file as the user gave it, for messages.
    """

    data: ComponentSpec
    model: Any
    loss: ComponentSpec
    optimizer: ComponentSpec
    schedule: ComponentSpec
    epochs: int
    batch_size: int
    seed: int
    restarts: int
    select_on: str
    device: str
    dtype: str
    engine: str | None = None
    sweep: dict[str, list[Any]] = field(default_factory=dict)
    evaluate_batch: int | None = None
    weights: dict[str, Any] | None = None
    frozen: list[str] | None = None
    stop: dict[str, Any] | None = None
    baseline: bool = True
    folder: str = "."
    name: str = "experiment"
    file: str = ""

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The combinations of swept values; one, without any, if nothing is swept."""
        return settings_of(self.sweep)

    @property
    def models(self) -> int:
        """How many models are trained: the restarts of each setting."""
        return self.restarts * len(self.settings)

    def with_seed(self, seed: int) -> Experiment:
        """Return the same experiment with another seed."""
        return replace(self, seed=seed)

    def tree(self, *, resolved: bool = True) -> dict[str, Any]:
        """Return it as the content of a file, from which `experiment_of` makes its equal.

        Args:
            resolved: whether the ``optional`` arguments are decided, and so left out.
        """
        return {
            key: getattr(self, key).tree(resolved=resolved)
            if key in SECTIONS
            else getattr(self, key)
            for key in KEYS
            if getattr(self, key) not in (None, {})
        }


def experiment_of(
    tree: dict[str, Any], folder: str = ".", name: str = "experiment", file: str = ""
) -> Experiment:
    """Check everything in `tree` that can be checked without looking up a component.

    Args:
        folder, name, file: as of the `Experiment`.

    Raises:
        ConfigError: names the first thing that is wrong.
    """
    tree = with_pinned_files(with_current_names(tree), Path(folder))
    for key in tree:
        if key not in KEYS:
            raise ConfigError(
                f'there is no key "{key}".{suggest(key, KEYS)} There are: {", ".join(KEYS)}',
                key=key,
            )
    for key, example in {**SECTIONS, "model": 'model = [{ Linear = [2, 2] }, "ReLU"]'}.items():
        if key not in tree and key != "schedule":
            raise ConfigError(f"the file must say its {key}; write {example}", key=key)
    check_plain(tree, "")
    if tree["model"] == []:
        raise ConfigError(
            "expected at least one module, got an empty list; write the layers into it", key="model"
        )
    parts: dict[str, Any] = {
        key: section_spec(tree.get(key, "constant"), key, example)
        for key, example in SECTIONS.items()
    }
    parts.update({key: _number(tree, key) for key in NUMBERS})
    parts.update({key: _word(tree, key) for key in WORDS})
    parts.update(model=tree["model"], engine=_engine(tree), **training_options(tree, folder))
    parts["sweep"] = grid_of(tree.get("sweep", {}))
    if "evaluate_batch" in tree:
        parts["evaluate_batch"] = _number(tree, "evaluate_batch")
    return Experiment(**parts, folder=folder, name=name, file=file)


def check_plain(value: Any, key: str) -> None:
    """Refuse dates and infinities: ``result.json`` holds whatever is in the file.

    Raises:
        ConfigError: `value` contains one.
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            check_plain(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            check_plain(inner, f"{key}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"expected a finite number, got {value}; write another", key=key)
    elif not isinstance(value, (str, int, float)):
        raise ConfigError(
            f"expected text, a number, true or false, a list or a table, got the date or time "
            f"{value}; put it into quotes",
            key=key,
        )


def _number(tree: dict[str, Any], key: str) -> int:
    default, least = NUMBERS.get(key, (None, 1))
    value = tree.get(key, default)
    if value is None:
        raise ConfigError(f"the file must say its {key}; write {key} = 50", key=key)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(
            f"expected a whole number of at least {least}, got {kind_of(value)}; "
            f"write {key} = {least} or more",
            key=key,
        )
    if value >= 2**63:
        raise ConfigError(
            f"expected a whole number below 2^63 ({2**63}), got {kind_of(value)}; write a smaller "
            "one",
            key=key,
        )
    return value


def _word(tree: dict[str, Any], key: str) -> str:
    default, choices = WORDS[key]
    value = tree.get(key, default)
    if not isinstance(value, str) or (choices and value not in choices):
        hint = suggest(value, choices) if isinstance(value, str) else ""
        expected = f"one of {', '.join(choices)}" if choices else "text"
        raise ConfigError(
            f'expected {expected}, got {kind_of(value)}.{hint} Write {key} = "{default}", '
            "which is also what leaving it out means",
            key=key,
        )
    return value


def _engine(tree: dict[str, Any]) -> str | None:
    value = tree.get("engine")
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigError(
            f"expected the name of an engine, got {kind_of(value)}; `minidl list` shows which are "
            "installed, and leaving it out means the default",
            key="engine",
        )
    return value

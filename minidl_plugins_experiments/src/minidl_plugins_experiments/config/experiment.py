"""What an experiment is: the checked content of its file."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from minidl_plugins_experiments.config.component_spec import Named, section
from minidl_plugins_experiments.config.problems import ConfigError, did_you_mean, kind_of

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
    "starts": (1, 1),
}
# Each word: its default and what there is to choose from, if that is known here.
WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "select_on": ("train_loss", SELECT_ON),
    "device": ("cpu", ()),
    "dtype": ("float32", DTYPES),
}
KEYS = ["data", "model", "loss", "optimizer", "schedule", *NUMBERS, *WORDS]


@dataclass(frozen=True)
class Experiment:
    """The content of a file, with every default filled in; the components are only named yet.

    Attributes:
        model: a name, a table of one name, or a list, which is a `Sequential`.
        select_on: the figure by which the best of several starts is chosen.
        dtype: the name of one of torch's.
        folder: where a relative path in the file begins.
    """

    data: Named
    model: Any
    loss: Named
    optimizer: Named
    schedule: Named
    epochs: int
    batch_size: int
    seed: int
    starts: int
    select_on: str
    device: str
    dtype: str
    folder: str = "."

    def with_seed(self, seed: int) -> Experiment:
        return replace(self, seed=seed)

    def tree(self) -> dict[str, Any]:
        """It as a tree again, from which `experiment_of` makes its equal."""
        return {
            key: getattr(self, key).tree() if key in SECTIONS else getattr(self, key)
            for key in KEYS
        }


def experiment_of(tree: dict[str, Any], folder: str = ".") -> Experiment:
    """Check `tree` as far as that can be done without looking at any component.

    Args:
        folder: where a relative path in it begins.

    Raises:
        ConfigError: the first thing in it that is wrong.
    """
    for key in tree:
        if key not in KEYS:
            raise ConfigError(
                f'there is no key "{key}".{did_you_mean(key, KEYS)} There are: {", ".join(KEYS)}',
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
        key: section(tree.get(key, "constant"), key, example) for key, example in SECTIONS.items()
    }
    parts.update({key: _number(tree, key) for key in NUMBERS})
    parts.update({key: _word(tree, key) for key in WORDS})
    return Experiment(model=tree["model"], folder=folder, **parts)


def check_plain(value: Any, key: str) -> None:
    """No dates and no infinities: whatever is in the file goes into result.json as it is.

    Raises:
        ConfigError: there is one.
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
    default, least = NUMBERS[key]
    value = tree.get(key, default)
    if value is None:
        raise ConfigError(f"the file must say its {key}; write {key} = 50", key=key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**63:
        raise ConfigError(
            f"expected a whole number of at least {least}, got {kind_of(value)}; "
            f"write {key} = {max(least, 1)} or more",
            key=key,
        )
    return value


def _word(tree: dict[str, Any], key: str) -> str:
    default, choices = WORDS[key]
    value = tree.get(key, default)
    if not isinstance(value, str) or (choices and value not in choices):
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        expected = f"one of {', '.join(choices)}" if choices else "text"
        raise ConfigError(
            f'expected {expected}, got {kind_of(value)}.{hint} Write {key} = "{default}", '
            "which is also what leaving it out means",
            key=key,
        )
    return value

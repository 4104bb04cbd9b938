"""The execution strategy of a process: alone, unless a plugin's hook returns another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import (
    AmbiguousComponentError,
    BrokenComponentError,
    ContractError,
    MinidlError,
    describe_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

    from minidl_core import NonFiniteError, Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.restarts import TrainingState

__all__ = ["Strategy", "find_strategy"]


class Strategy:
    """The execution strategy of one process that trains alone; plugins derive others from it.

    A plugin's hook ``minidl_strategy`` returns an instance of a subclass, which overrides what it
    does differently. The methods are listed in the order of their calls. None is called inside a
    training step. An error that one raises ends the command.

    Attributes:
        is_main_process: whether this is the main process, the only one that writes and prints.
            The others still train, and take the same decisions.
    """

    is_main_process: bool = True

    def setup(self, experiment: Experiment, versions: Mapping[str, str]) -> None:
        """Accept `experiment`, of which nothing is built yet.

        Args:
            versions: the version of each distribution that takes part.

        Raises:
            ConfigError: this strategy cannot run it.
        """

    def verify(self, prepared: Prepared, epochs_done: int) -> None:
        """Accept the experiment with all its parts built, before anything is written.

        Raises:
            ConfigError: the processes cannot train together.
        """

    def broadcast(self, compute: Callable[[], Any]) -> Any:
        """Return what `compute` gives in the main process, in every process; JSON can hold it."""
        return compute()

    def started(self, folder: Path) -> None:
        """Note that training begins, and that its results go to `folder`."""

    def batches(self, state: TrainingState, batch_indices: Iterable[Tensor]) -> Iterable[Tensor]:
        """Yield the rows of each batch that this process trains on, for one epoch of `state`.

        Args:
            batch_indices: the rows of each whole batch.
        """
        return batch_indices

    def diverged(self, state: TrainingState, error: NonFiniteError) -> None:
        """Note that `error` ended the training of `state`."""

    def predict(self, state: TrainingState, x: Tensor) -> Tensor:
        """Return the model's prediction for `x`, in evaluation mode, some rows at a time.

        (n, …) -> (n, …), or (K, n, …) of K stacked restarts
        """
        rows = state.evaluate_batch or max(len(x), 1)
        parts = [state.model.forward(state.expand(part)) for part in torch.split(x, rows)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=len(state.models))

    def resume_command(self, folder: Path) -> str:
        """Return the command that resumes the run in `folder`."""
        return f"minidl run --resume {folder}"

    def error_message(self, error: BaseException) -> str | None:
        """Return what to print about `error`, which ends the command; None prints nothing."""
        return str(error)

    def close(self) -> None:
        """Clean up at the end of the command, also after an error."""


def find_strategy(registry: Registry) -> Strategy:
    """Return the strategy of the plugin that has one, else that of one process alone.

    Raises:
        MinidlError: a plugin raised it.
        BrokenComponentError: a plugin raised something else.
        AmbiguousComponentError: several plugins have a strategy.
        ContractError: a plugin returned something else.
    """
    answers: dict[str, Any] = {}
    for plugin in registry.hooks.hook.minidl_strategy.get_hookimpls():
        try:
            answer = plugin.function()
        except (KeyboardInterrupt, MinidlError):
            raise
        except BaseException as error:
            raise BrokenComponentError(
                f"the hook minidl_strategy of {plugin.plugin_name} raised {describe_error(error)}",
                "repair or uninstall that distribution, or disable it in MINIDL_DISABLE",
            ) from error
        if answer is not None:
            answers[plugin.plugin_name] = answer
    if len(answers) > 1:
        raise AmbiguousComponentError(
            f"{', '.join(answers)} have an execution strategy each, and only one may",
            "uninstall the others, or disable them in MINIDL_DISABLE",
        )
    strategy = next(iter(answers.values()), Strategy())
    if not isinstance(strategy, Strategy):
        raise ContractError(
            f"the hook minidl_strategy must return a Strategy or None, got "
            f"{type(strategy).__name__}",
            "derive it from minidl_plugins_experiments.Strategy",
        )
    return strategy

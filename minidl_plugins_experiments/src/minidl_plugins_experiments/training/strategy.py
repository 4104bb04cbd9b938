"""How a process takes part in a run: alone, unless a plugin's hook ``minidl_conduct`` says how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import Tensor

    from minidl_core import NonFiniteError, Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.training.preparing import Prepared
    from minidl_plugins_experiments.training.restarts import Lane
    from minidl_plugins_experiments.training.run import Run

__all__ = ["Conduct", "conduct_of"]


class Conduct:
    """A run in this process alone, and each place where another way to run it may differ.

    What a plugin answers to the hook ``minidl_conduct`` derives from this, and overrides what it
    does otherwise. Of its methods those of a run are called in the order below. An error that one
    raises is not guarded against: it ends the command, as wrong results would be worse.

    Attributes:
        keeps: whether this process writes and prints. One that does not trains all the same, and
            takes the same decisions; another process keeps what comes of it.
    """

    keeps: bool = True

    def begin(self, experiment: Experiment, registry: Registry) -> None:
        """`experiment` is run next. Nothing of it is built, and nothing written.

        Raises:
            ConfigError: it is refused.
        """

    def prepared(self, prepared: Prepared, epochs: int) -> None:
        """All of it is built, `epochs` of it are done already, and nothing is written yet.

        Raises:
            ConfigError: it is refused.
        """

    def share(self, find: Callable[[], Any]) -> Any:
        """What `find` gives, ready for JSON; only the process that keeps has to call it."""
        return find()

    def batches(self, run: Run, lane: Lane, parts: Iterable[Tensor]) -> Iterable[Tensor]:
        """The rows of each batch on which `lane` is trained for an epoch; `parts` has them all."""
        return parts

    def diverged(self, run: Run, lane: Lane, error: NonFiniteError) -> None:
        """`error` ended the training of `lane`, in this epoch and for good."""

    def predict(self, run: Run, lane: Lane, x: Tensor) -> Tensor:
        """What the model predicts, in evaluation mode.  (n, features) -> (K, n, outputs)"""
        prediction: Tensor = lane.model.forward(lane.for_each(x))
        return prediction

    def resume(self, folder: Path) -> str:
        """The command that goes on with the run in `folder`."""
        return f"minidl run --resume {folder}"

    def tell(self, error: BaseException) -> str | None:
        """What is to be said of `error`, which ends the command; None where another says it."""
        return str(error)

    def end(self) -> None:
        """The command is over, whether it failed or not."""


def conduct_of(registry: Registry) -> Conduct:
    """The plugin's that has one, else a run in this process alone.

    Raises:
        BrokenComponentError: a plugin raised while it was asked.
        AmbiguousComponentError: several have one.
        ContractError: it is not a `Conduct`.
    """
    conduct = registry.hooks.ask_one("minidl_conduct")
    if conduct is None:
        return Conduct()
    if not isinstance(conduct, Conduct):
        raise ContractError(
            f"the hook minidl_conduct must answer a Conduct, or None, got {type(conduct).__name__}",
            "derive it from minidl_plugins_experiments.Conduct",
        )
    return conduct

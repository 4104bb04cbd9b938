"""What all runs of one ``minidl run`` command share."""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from minidl_plugins_experiments.config.problems import ConfigError, problems_named
from minidl_plugins_experiments.runs.provenance import distributions_of
from minidl_plugins_experiments.telling import tell
from minidl_plugins_experiments.training.preparing import prepare
from minidl_plugins_experiments.training.randomness import seeded
from minidl_plugins_experiments.training.strategy import Strategy, find_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_core import MinidlError, Registry
    from minidl_plugins_experiments.config.experiment import Experiment
    from minidl_plugins_experiments.training.preparing import Prepared

__all__ = ["Options", "Session"]


MANY_MODULES = 1000


def count_modules(model: Any) -> int:
    """Return how many modules the lists of `model`, as a file writes it, have."""
    waiting, count = [model], 0
    while waiting:
        item = waiting.pop()
        count += 1
        if isinstance(item, list):
            waiting.extend(item)
    return count


@dataclass(frozen=True)
class Options:
    """How a run is executed. No option changes its results.

    Attributes:
        quiet: whether progress is hidden.
        figures: whether figures are drawn.
        json_lines: the file that the observer ``json_lines`` writes to.
        checkpoint_seconds: the time between two checkpoints.
    """

    quiet: bool = False
    figures: bool = True
    json_lines: str | None = None
    checkpoint_seconds: float = 5.0


@dataclass
class Session:
    """The registry, the options and the execution strategy of one command.

    Attributes:
        strategy: how this process executes runs; `open` asks the plugins for it.
    """

    registry: Registry
    options: Options = field(default_factory=Options)
    strategy: Strategy = field(default_factory=Strategy)

    @property
    def is_main_process(self) -> bool:
        """Whether this process writes and prints."""
        return self.strategy.is_main_process

    def find_strategy(self) -> None:
        """Take the strategy of the plugin that has one."""
        self.strategy = find_strategy(self.registry)

    def with_options(self, **options: Any) -> Session:
        """Return this session with some options replaced."""
        return replace(self, options=replace(self.options, **options))

    @contextmanager
    def prepared(
        self, experiment: Experiment, broken_data: Callable[[str], MinidlError] | None = None
    ) -> Iterator[Prepared]:
        """Build and check `experiment`; inside the context, its seed seeds torch's generators.

        Args:
            broken_data: makes the error to raise if the data cannot be read, from the problem.

        Raises:
            ConfigError: it cannot be run.
        """
        with seeded(experiment.seed, experiment.device):
            self._tell_size(experiment.model)
            with problems_named(experiment.file):
                self.strategy.setup(experiment, self.versions())
                try:
                    prepared = prepare(experiment, self.registry)
                except ConfigError as error:
                    if broken_data is None or error.key.partition(".")[0] != "data":
                        raise
                    raise broken_data(str(error)) from error
            yield prepared

    def _tell_size(self, model: Any) -> None:
        """Say so before a model is built that takes long."""
        modules = count_modules(model)
        if modules >= MANY_MODULES and self.is_main_process and not self.options.quiet:
            tell(
                f"minidl: building and checking a model of {modules:,} modules; this takes a while"
            )

    def versions(self) -> dict[str, str]:
        """Return the version of each distribution that takes part."""
        return distributions_of(self.registry)

    def notify(self, hook: str, **event: Any) -> None:
        """Call a hook of the observers, in the main process."""
        if self.is_main_process:
            with redirect_stdout(sys.stderr):  # stdout is for the name of the folder
                self.registry.hooks.call_each(hook, **event)

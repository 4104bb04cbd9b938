"""What ``minidl new`` can write: for each kind, what fills the blanks of the files."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["KINDS", "Kind"]

CORE = "minidl-core>=0.1,<0.2"
EXPERIMENTS = "minidl-plugins-experiments>=0.1,<0.2"
TORCH = "torch>=2.6"
KIT = "minidl-plugins-devkit[pytest]"
CHECK = "minidl check $distribution"
LISTED = "its components are there"


class Kind(NamedTuple):
    """One kind of package.

    Attributes:
        description: what the package has, as in ``Layers for minidl``.
        group: the entry-point group of its component.
        name: the component.
        module: where it is.
        attribute: what the entry point names in that module.
        export: what the package exports, if that is something else.
        dependencies: what the package needs.
        test_dependencies: what its tests need beside that.
        meaning: what its entry points are, a comment in ``pyproject.toml``.
        listing: a command that shows that it is found, and what it shows.
        proof: a command that proves it, and how.
        usage: how to use it, in its README.
    """

    description: str
    group: str
    name: str
    module: str
    attribute: str
    dependencies: tuple[str, ...]
    usage: str
    export: str = ""
    test_dependencies: tuple[str, ...] = (KIT,)
    meaning: str = "a name, and what it means. One line for each of your components."
    listing: tuple[str, str] = ("minidl list", LISTED)
    proof: tuple[str, str] = (CHECK, "hold them to the contract of their kind")


CLASSES = "a name, and the class it means. One line for each of your components."


def _in_a_file(line: str) -> str:
    return f"In the file of an experiment:\n\n    {line}"


KINDS = {
    "module": Kind(
        description="Layers for minidl",
        group="minidl.modules",
        name="PReLU",
        module="prelu",
        attribute="PReLU",
        dependencies=(CORE, TORCH),
        meaning=CLASSES,
        proof=(CHECK, "prove their gradients"),
        usage=_in_a_file('model = ["Tanh", { "$distribution/PReLU" = 25 }]'),
    ),
    "loss": Kind(
        description="Losses for minidl",
        group="minidl.losses",
        name="LogCoshLoss",
        module="log_cosh",
        attribute="LogCoshLoss",
        dependencies=(CORE, TORCH),
        meaning=CLASSES,
        proof=(CHECK, "prove their gradients"),
        usage=_in_a_file('loss = "$distribution/LogCoshLoss"'),
    ),
    "optimizer": Kind(
        description="Optimizers for minidl",
        group="minidl.optimizers",
        name="Signum",
        module="signum",
        attribute="Signum",
        dependencies=(CORE, TORCH),
        meaning=CLASSES,
        proof=(CHECK, "prove their rules and their state"),
        usage=_in_a_file('optimizer = { "$distribution/Signum" = { lr = 0.001, beta = 0.9 } }'),
    ),
    "dataset": Kind(
        description="Datasets for minidl",
        group="minidl.datasets",
        name="spirals",
        module="two_spirals",
        attribute="spirals",
        dependencies=(CORE, EXPERIMENTS, TORCH),
        usage=_in_a_file('data = { "$distribution/spirals" = { points = 1000 } }'),
    ),
    "schedule": Kind(
        description="Learning rate schedules for minidl",
        group="minidl.schedules",
        name="inverse_sqrt",
        module="inverse_sqrt",
        attribute="InverseSqrtSchedule",
        dependencies=(CORE, "minidl-plugins-nn>=0.1,<0.2"),
        usage=_in_a_file('schedule = { "$distribution/inverse_sqrt" = { warmup = 100 } }'),
    ),
    "command": Kind(
        description="A command for minidl",
        group="minidl.commands",
        name="census",
        module="census",
        attribute="command",
        dependencies=("click>=8.1", CORE),
        listing=("minidl --help", "the command is there"),
        proof=(CHECK, "it is one that minidl can call"),
        usage="Then there is one more subcommand:\n\n    minidl census --json",
    ),
    "observer": Kind(
        description="An observer of runs for minidl",
        group="minidl",
        name="metrics_table",
        module="metrics_table",
        attribute="observer",
        export="MetricsTable",
        dependencies=(CORE, EXPERIMENTS),
        meaning="a name, and the module or object that has the hooks.",
        listing=("minidl plugins", "its hooks are there"),
        proof=("minidl doctor", "they are hooks that somebody calls"),
        usage="It sees every `minidl run`, and writes `metrics.csv` into the run folder.",
    ),
    "engine": Kind(
        description="An engine for minidl",
        group="minidl.engines",
        name="timed",
        module="timing",
        attribute="timed",
        dependencies=(CORE, TORCH),
        test_dependencies=(KIT, "minidl-plugins-basic"),
        usage="From Python, or on the command line:\n\n"
        '    train(model, loss, optimizer, batches, engine="timed")\n'
        "    minidl run disk --engine timed",
    ),
}

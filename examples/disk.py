"""The disk experiment: is a point of the square inside the disk?

    python examples/disk.py                        train the network, print its errors
    python examples/disk.py --plots --time         save figures, show the training time
    python examples/disk.py --restarts 16            train 16 initialisations at once, keep one

Read it from top to bottom: the data, the network, the training, the choice among several restarts,
the figures, the command line. No gradient in it comes from autograd.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from minidl_core import ArgumentError, MinidlError, NonFiniteError, Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, stack, unstack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matplotlib.axes import Axes
    from torch import Tensor

    from minidl_core import Loss, Module

PLOTS = False  # draw the figures, as --plots does
TIME = False  # show the training time, as --time does

SEED = 3  # one restart of it learns, as most do; the one of seed 0 dies
EPOCHS = 50
BATCH_SIZE = 50
LEARNING_RATE = 0.1  # at the first step; it falls linearly to zero
MOMENTUM = 0.9

CENTRE = 0.5
RADIUS = 1 / math.sqrt(2 * math.pi)  # so the disk is half of the square: π r² = 1/2
POINTS = 1000  # in the training set, and again in the test set

DEAD_ABOVE = 0.25  # a restart whose training error ends above this is dead; chance is 0.5

Init = Literal["glorot", "report"]  # the standard deviation of the first weights
INITS: tuple[Init, ...] = ("glorot", "report")


# -- the data --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Points:
    """Points x (n, 2) in normalised coordinates and their targets y (n, 2).

    The target is one-hot: (1, 0) outside the disk, (0, 1) inside.
    """

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Disk:
    """The two sets, and the training set's mean (2,) and standard deviation (2,)."""

    train: Points
    test: Points
    mean: Tensor
    std: Tensor


def inside(points: Tensor) -> Tensor:
    """The label of each point of the square: |p − c| < r.  (n, 2) -> (n,)"""
    return (points - CENTRE).square().sum(1) < RADIUS**2


def draw(n: int, generator: torch.Generator) -> Tensor:
    """Points uniform in the square [0, 1]².  -> (n, 2)"""
    return torch.rand(n, 2, generator=generator)


def draw_balanced(n: int, generator: torch.Generator) -> Tensor:
    """Uniform points again, the first n/2 inside and the first n/2 outside, shuffled.  -> (n, 2)"""
    points = draw(2 * n, generator)
    while min(inside(points).sum(), (~inside(points)).sum()) < n // 2:
        points = torch.cat([points, draw(n, generator)])
    label = inside(points)
    chosen = torch.cat([points[label][: n // 2], points[~label][: n // 2]])
    return chosen[torch.randperm(n, generator=generator)]


def disk_data(generator: torch.Generator) -> Disk:
    """A balanced training set and a test set as it comes, both normalised by the training set."""
    training = draw_balanced(POINTS, generator)
    testing = draw(POINTS, generator)
    mean, std = training.mean(0), training.std(0)

    def normalised(points: Tensor) -> Points:
        one_hot = torch.eye(2)[inside(points).long()]
        return Points((points - mean) / std, one_hot)

    return Disk(normalised(training), normalised(testing), mean, std)


# -- the network -----------------------------------------------------------------------------------


def network(generator: torch.Generator, init: Init = "glorot") -> Sequential:
    """2 → 25 → 25 → 25 → 2, in two nested parts, with a rectifier after every layer."""

    def linear(fan_in: int, fan_out: int, bias: bool = True) -> Linear:
        return Linear(fan_in, fan_out, bias, generator=generator, init=init)

    return Sequential(
        Sequential(linear(2, 25), ReLU(), linear(25, 25, bias=False), ReLU()),
        Sequential(linear(25, 25, bias=False), ReLU(), linear(25, 2), ReLU()),
    )


# -- the training ----------------------------------------------------------------------------------


def together(networks: Sequence[Module]) -> tuple[Module, Any]:
    """The networks as one stack, and the optimizer of them all; or the only one, as it is."""
    optimizers = [SGD(network.param(), LEARNING_RATE, MOMENTUM) for network in networks]
    if len(networks) == 1:
        return networks[0], optimizers[0]
    return stack(networks), stack(optimizers)


def stacked(model: Module) -> torch.Size:
    """(K,) for K stacked models, whose weights are (K, out, in); () for a model alone."""
    return model.param()[0].value.shape[:-2]


def for_each(models: torch.Size, x: Tensor) -> Tensor:
    """A view of `x` for each of the models.  (n, features) -> (K, n, features)"""
    return x.expand(*models, *x.shape)


def evaluate(model: Module, loss: Loss, points: Points) -> tuple[Tensor, Tensor]:
    """Loss and error, the share of points that are misclassified, of each model.  -> (K,), (K,)"""
    model.eval()
    loss.eval()
    models = stacked(model)
    prediction = model.forward(for_each(models, points.x))
    of_each = stack([loss] * models[0]) if models else loss
    value = of_each.forward(prediction, for_each(models, points.y))
    wrong = prediction.argmax(-1) != points.y.argmax(-1)
    return value.reshape(-1), wrong.float().mean(-1).reshape(-1)


def batches(
    model: Module, points: Points, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Every point once, in a new order."""
    models = stacked(model)
    order = torch.randperm(len(points.x), generator=generator)
    for first in range(0, len(order), BATCH_SIZE):
        rows = order[first : first + BATCH_SIZE]
        yield for_each(models, points.x[rows]), for_each(models, points.y[rows])


def fit(
    model: Module,
    optimizer: Any,  # any with a learning rate, alone or of a stack
    loss: Loss,
    points: Points,
    epochs: int,
    generator: torch.Generator,
) -> Iterator[float]:
    """Train `model`, and yield after each epoch the seconds that it took.

    At step t of T the learning rate is lr · (1 − t/T), so that the last steps settle down.
    """
    steps = epochs * math.ceil(len(points.x) / BATCH_SIZE)
    done = 0
    for _ in range(epochs):
        started = time.perf_counter()
        for _ in train(model, loss, optimizer, batches(model, points, generator)):
            done += 1
            optimizer.lr = LEARNING_RATE * (1 - done / steps)
        yield time.perf_counter() - started


# -- several restarts, of which one is kept --------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What `run` found.

    Attributes:
        data: the points it trained and tested on.
        model: the network that was kept, alone and in evaluation mode.
        kept: which of the restarts that is, from 0.
        losses: the training loss of every restart at the end, by which it was chosen.
        dead: how many of the restarts died.
        train_errors, test_errors: of the network that was kept, after each epoch.
        seconds: the time spent training, without evaluations.
    """

    data: Disk
    model: Module
    kept: int
    losses: list[float]
    dead: int
    train_errors: list[float]
    test_errors: list[float]
    seconds: float


def best_start(losses: Tensor) -> int:
    """The restart of the lowest training loss, the first of equals, and never one that diverged.

    Raises:
        NonFiniteError: every restart diverged.
    """
    usable = losses.isfinite()
    if not usable.any():
        raise NonFiniteError(
            f"expected at least one restart with a finite training loss, got {losses.tolist()}; "
            "lower LEARNING_RATE, or take another seed",
            where="best_start",
        )
    return int(losses.where(usable, math.inf).argmin())


def count_dead(losses: Tensor, errors: Tensor) -> int:
    """How many restarts learned nothing: training error above `DEAD_ABOVE`, or no finite loss.

    A rectifier whose input is negative at every point outputs zero and passes no gradient, so the
    weights before it stay. When a whole layer is like that, or one of the two outputs, all points
    get the same answer.
    """
    return int(((errors > DEAD_ABOVE) | ~losses.isfinite()).sum())


def run(
    seed: int = SEED,
    restarts: int = 1,
    epochs: int = EPOCHS,
    *,
    init: Init = "glorot",
    progress: Callable[[Iterable[float], int], Iterable[float]] = lambda epochs, _: epochs,
) -> Result:
    """The whole experiment; the same arguments give the same bits.

    One generator draws the data and the order of the points, another the first weights. So the
    first of many restarts is the restart that would have been alone.

    Args:
        seed: of all randomness.
        restarts: how many initialisations to train at once. The one with the lowest loss on the
            whole training set is kept; the test set has no say.
        epochs: how often to go through the training set.
        init: the name of the standard deviation of the first weights, see `Linear`.
        progress: is handed the epochs as they are trained, and their number; gives them back.

    Raises:
        ArgumentError: `seed` is negative, or `restarts` or `epochs` is not at least 1.
        NonFiniteError: every restart diverged.
    """
    for name, number, least in (
        ("seed", seed, 0),
        ("restarts", restarts, 1),
        ("epochs", epochs, 1),
    ):
        if not isinstance(number, int) or not least <= number < 2**63:
            raise ArgumentError(
                f"expected a whole number of at least {least}, got {number!r}", where=name
            )
    generator = torch.Generator().manual_seed(seed)
    data = disk_data(generator)
    weights = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=generator)))
    networks = [network(weights, init) for _ in range(restarts)]
    model, optimizer = together(networks)
    loss = MSELoss()

    seconds = 0.0
    weights_after: list[list[Tensor]] = []
    for duration in progress(fit(model, optimizer, loss, data.train, epochs, generator), epochs):
        seconds += duration
        weights_after.append([value.clone() for value, _ in model.param()])

    losses, errors = evaluate(model, loss, data.train)
    kept = best_start(losses)
    history = stack([network(weights, init) for _ in range(epochs)])  # the kept one in each epoch
    for (value, _), after in zip(history.param(), zip(*weights_after, strict=True), strict=True):
        value.copy_(torch.stack(after)[:, kept] if restarts > 1 else torch.stack(after))
    return Result(
        data=data,
        model=unstack(model)[kept] if restarts > 1 else model,
        kept=kept,
        losses=losses.tolist(),
        dead=count_dead(losses, errors),
        train_errors=evaluate(history, loss, data.train)[1].tolist(),
        test_errors=evaluate(history, loss, data.test)[1].tolist(),
        seconds=seconds,
    )


# -- the figures -----------------------------------------------------------------------------------


def save_figures(result: Result, folder: Path) -> list[Path]:
    """Write the error after each epoch, and both sets with the misclassified points marked."""
    from matplotlib.figure import Figure  # slow to import, and needed for the figures only

    def save(name: str, size: tuple[float, float], paint: Callable[[Axes], None]) -> Path:
        figure = Figure(size, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        paint(axes)
        figure.savefig(folder / name, dpi=110)
        return folder / name

    return [
        save("disk_errors.png", (7, 4), lambda axes: paint_errors(axes, result)),
        save("disk_train.png", (6, 6.6), lambda axes: paint_points(axes, result, "train")),
        save("disk_test.png", (6, 6.6), lambda axes: paint_points(axes, result, "test")),
    ]


def paint_errors(axes: Axes, result: Result) -> None:
    for name, errors, colour in (
        ("training", result.train_errors, "tab:blue"),
        ("test", result.test_errors, "tab:orange"),
    ):
        percent = [100 * error for error in errors]
        label = f"{name} set, {percent[-1]:.1f} % at the end"
        axes.plot(range(1, len(percent) + 1), percent, ".-", color=colour, label=label)
    axes.set_title("Error after each epoch")
    axes.set(xlabel="epoch", ylabel="misclassified points (%)", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def paint_points(axes: Axes, result: Result, name: Literal["train", "test"]) -> None:
    """The points by their true label; over them the misclassified ones and the true circle."""
    from matplotlib.patches import Ellipse

    points = result.data.train if name == "train" else result.data.test
    label = points.y.argmax(-1).bool()
    wrong = result.model.forward(points.x).argmax(-1).bool() != label
    for chosen, meaning, colour in (
        (label, "inside the disk", "#6baed6"),
        (~label, "outside the disk", "#fdae6b"),
    ):
        x, y = points.x[chosen].T.tolist()
        axes.scatter(x, y, s=14, c=colour, label=meaning)
    x, y = points.x[wrong].T.tolist()
    meaning = f"misclassified ({len(x)} of {len(wrong)})"
    axes.scatter(x, y, s=60, c="black", marker="x", linewidths=1.8, zorder=3, label=meaning)

    # Normalising p ↦ (p − mean) / std makes the circle an ellipse along the axes.
    centre_x, centre_y = ((CENTRE - result.data.mean) / result.data.std).tolist()
    width, height = (2 * RADIUS / result.data.std).tolist()
    axes.add_patch(Ellipse((centre_x, centre_y), width, height, fill=False, ec="dimgrey"))
    axes.plot([], [], color="dimgrey", label="the true circle")  # its line in the legend

    axes.set_title(f"{'Training' if name == 'train' else 'Test'} set")
    axes.set(xlabel="$x_1$, normalised", ylabel="$x_2$, normalised", aspect="equal")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)


# -- the command line ------------------------------------------------------------------------------


def show_progress(epochs: Iterable[float], total: int) -> Iterable[float]:
    """A progress bar in a terminal, and elsewhere a line for each tenth of the way."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track

        yield from track(epochs, "Training", total, console=Console(stderr=True))
        return
    for epoch, duration in enumerate(epochs, start=1):
        if epoch * 10 // total > (epoch - 1) * 10 // total:
            print(f"epoch {epoch}/{total}", file=sys.stderr)
        yield duration


def report(result: Result, *, epoch_errors: bool, show_time: bool) -> None:
    """Print the network and what came of it."""
    restarts = len(result.losses)
    result.model.info()
    if epoch_errors:
        print("epoch  train error  test error")
        errors = zip(result.train_errors, result.test_errors, strict=True)
        for epoch, (training, test) in enumerate(errors, start=1):
            print(f"{epoch:5}  {training:11.1%}  {test:10.1%}")
    print(f"train error: {result.train_errors[-1]:.1%}")
    print(f"test error:  {result.test_errors[-1]:.1%}")
    if restarts > 1:
        print(
            f"restarts: {result.dead} of {restarts} died; kept restart {result.kept}, whose "
            f"training loss is the lowest ({result.losses[result.kept]:.4f})"
        )
    elif result.dead:
        print(f"this restart died: its training error is above {DEAD_ABOVE:.0%}; try --restarts 16")
    if show_time:
        print(f"training time: {result.seconds:.2f} s")


def check_folder(folder: Path) -> None:
    """Make the folder of the figures, and see before the training that one can write there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ArgumentError(
            f"expected a folder that can be written to, got {folder} ({error.strerror}); "
            "choose another",
            where="output",
        ) from error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Train a small network to tell whether a point lies inside the disk."
    )
    add, flag = parser.add_argument, argparse.BooleanOptionalAction
    add("--seed", type=int, default=SEED, help=f"of all randomness (default: {SEED})")
    add("--restarts", "--starts", dest="restarts", type=int, default=1, metavar="K",
        help="train K initialisations at once and keep the one with the lowest training loss "
        "(default: 1)")  # fmt: skip
    add("--epochs", type=int, default=EPOCHS, metavar="N", help=f"(default: {EPOCHS})")
    add("--init", choices=INITS, default="glorot",
        help="the standard deviation of the first weights (default: glorot)")  # fmt: skip
    add("--epoch-errors", action=flag, default=False, help="print the errors after each epoch")
    add("--plots", action=flag, default=PLOTS, help="save the figures")
    add("--time", action=flag, default=TIME, help="print the training time")
    add("--output", type=Path, default=Path("figures"), metavar="FOLDER",
        help="where --plots saves the figures (default: figures)")  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        if options.plots:
            check_folder(options.output)
        result = run(
            options.seed,
            options.restarts,
            options.epochs,
            init=options.init,
            progress=show_progress,
        )
    except MinidlError as error:
        parser.error(str(error))
    report(result, epoch_errors=options.epoch_errors, show_time=options.time)
    if options.plots:
        for path in save_figures(result, options.output):
            print(f"figure: {path}")


if __name__ == "__main__":
    main()

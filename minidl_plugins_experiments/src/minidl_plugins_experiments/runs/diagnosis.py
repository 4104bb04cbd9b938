"""Warnings about a run, from its gradients and losses.

A gradient norm is that of the last step of each epoch. The problems:

============  ==================================================================================
dead layer    a parameter's gradient is exactly zero in each of the last `ZERO_EPOCHS` epochs
              (in every one of a shorter run), while the loss is above `LEARNED`
vanishing     in the median epoch, the norm of the first layer's gradient is less than
              `VANISHING` times that of the last layer's
exploding     in the median epoch it is more than `EXPLODING` times that; or the norm over all
              layers once grew to more than `GROWTH` times its value in the first epoch
diverged      a restart's last training loss is not a finite number
dead restart  its last training error is above ``dead_above`` of ``result.json``
============  ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl_plugins_experiments.runs.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from minidl_plugins_experiments.runs.history import Array

__all__ = ["warnings_of"]

ZERO_EPOCHS = 3
LEARNED = 1e-12
VANISHING = 1e-3
EXPLODING = 1e3
GROWTH = 1e3


def warnings_of(result: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each problem, with what to do; none for a healthy run.

    Layers are those of the selected restart. Of the others the number of dead ones is given.

    Args:
        result: the content of the run's ``result.json``.
    """
    history = History(result)
    if not len(history.epochs):
        return []
    warnings = [*_diverged(history), *_dead_restarts(history)]
    if history.selected is not None:
        warnings += _dead_layers(history, history.selected)
        warnings += _vanishing_or_exploding(history, history.selected)
    return warnings


def _diverged(history: History) -> Iterator[str]:
    losses = history.curve("train_loss")
    lost = np.ones(history.restarts, bool) if losses is None else np.isnan(losses[-1])
    if not lost.any():
        return
    if lost.all():
        who = "every restart" if history.restarts > 1 else "the training"
    else:
        who = f"{lost.sum()} of {history.restarts} restarts"
    yield (
        f"{who} diverged: the loss is no longer a finite number; lower the learning rate, or "
        "normalise the data"
    )


def _dead_restarts(history: History) -> Iterator[str]:
    last = history.last("train_loss")
    dead = [restart for restart in history.dead if last is not None and not np.isnan(last[restart])]
    if not dead:
        return
    cure = _cause(history)
    if history.selected in dead:
        if history.restarts == 1:
            error = history.final("train_error")
            words = f"{error:.1%} of the training set is" if error is not None else "all is"
            of_what = f": {words} still wrong" if history.shares else ""
            yield (
                f"this restart is dead{of_what}; {cure}train several (restarts = 16), or lower the "
                "rate"
            )
        else:
            yield (
                f"{len(dead)} of {history.restarts} restarts are dead, the selected one too; {cure}"
                "lower the rate, or give the layers other first weights"
            )
        return
    are, they = ("are", "they") if len(dead) > 1 else ("is", "it")
    yield (
        f"{len(dead)} of {history.restarts} restarts {are} dead: {they} learned nothing; restart "
        f"{history.selected}, which was selected, did"
    )


def _cause(history: History) -> str:
    """Return what may be wrong with a dead restart, from the parts that the network has."""
    dead = [entry["layer"] + " " + entry["kind"] for entry in history.units if entry["dead"]]
    if dead:
        return f"units of {' and '.join(dead)} are dead and pass no gradient: "
    if history.units:
        return "none of its units is dead, so perhaps the learning rate is too large or too small: "
    return "perhaps the learning rate is too large: "


def _none_is_dead(history: History) -> bool:
    """Whether the activations were looked at, and none is dead as a whole."""
    return bool(history.units) and not any(
        len(entry["dead"]) == entry["units"] for entry in history.units
    )


def _other_activation(history: History) -> str:
    kinds = dict.fromkeys(entry["kind"] for entry in history.units)
    return f"another activation than {' and '.join(kinds)}" if kinds else "another activation"


def _dead_layers(history: History, restart: int) -> Iterator[str]:
    loss = history.final("train_loss")
    if loss is not None and loss <= LEARNED:
        return  # nothing is left to learn, so nothing is left of the gradient
    since: dict[int, list[str]] = {}
    norms = history.gradient_norms()
    for name, values in norms.items():
        zeros = values[:, restart] == 0
        run = len(zeros) if zeros.all() else int(np.argmin(zeros[::-1]))
        if run >= min(ZERO_EPOCHS, len(zeros)):
            since.setdefault(len(zeros) - run, []).append(name)
    for first, names in since.items():
        epoch = int(history.epochs[first])
        if first == 0 and len(names) < len(norms) and _none_is_dead(history):
            yield (
                f"{' and '.join(_by_layer(names))} got no gradient in any epoch, though no "
                "activation is dead: nothing trains it; if it is fixed on purpose, say so: "
                "Parameter(..., trainable=False) or a buffer, else its layer's backward forgets it"
            )
            continue
        if len(names) == len(norms):
            which, have = "every layer", "has"
        else:
            layers = _by_layer(names)
            which = ("layers " if len(layers) > 1 else "layer ") + " and ".join(layers)
            have = "have" if len(layers) > 1 else "has"
        yield (
            f"{which} {have} had a zero gradient since epoch {epoch}: its units are dead, or those "
            "after it, and it learns no more; try other first weights (restarts = 16), a lower "
            "learning rate, or an activation that has a slope everywhere"
        )


def _by_layer(names: list[str]) -> list[str]:
    """``0.2.weight``, ``0.2.bias`` as ``0.2 (weight, bias)``."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layer, _, parameter = name.rpartition(".")
        layers.setdefault(layer or parameter, []).extend([parameter] if layer else [])
    return [
        f"{layer} ({', '.join(parameters)})" if parameters else layer
        for layer, parameters in layers.items()
    ]


def _vanishing_or_exploding(history: History, restart: int) -> Iterator[str]:
    layers = {name: norms[:, restart] for name, norms in history.layer_norms().items()}
    if not layers:
        return
    in_order = list(layers.items())
    (first_name, first), (last_name, last) = in_order[0], in_order[-1]
    ratio = _median_ratio(first, last)
    if ratio is not None and ratio < VANISHING:
        yield (
            f"the gradient vanishes: that of the first layer, {first_name}, is {ratio:.1g} times "
            f"that of the last, {last_name} (less than {VANISHING:g}); take fewer layers, larger "
            f"first weights, or {_other_activation(history)}"
        )
    if ratio is not None and ratio > EXPLODING:
        yield (
            f"the gradient explodes: that of the first layer, {first_name}, is {ratio:.1g} times "
            f"that of the last, {last_name} (more than {EXPLODING:g}); take smaller first weights, "
            "or normalise the data"
        )
    total = np.sqrt(np.nansum(np.square(np.stack(list(layers.values()))), axis=0))
    if total[0] > 0 and total.max() > GROWTH * total[0]:
        epoch = int(history.epochs[int(total.argmax())])
        yield (
            f"the gradient explodes: by epoch {epoch} its norm grew to "
            f"{total.max() / total[0]:.1g} times that of epoch {int(history.epochs[0])} "
            f"(more than {GROWTH:g}); lower the learning rate"
        )


def _median_ratio(first: Array, last: Array) -> float | None:
    """Of the epochs in which both have a gradient; None if there is no such epoch."""
    both = (first > 0) & (last > 0)
    return float(np.median(first[both] / last[both])) if both.any() else None

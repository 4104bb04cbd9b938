"""The gradient pass over one batch: forward and loss, a pause to look at it, and backward.

A small network spends most of a step not in arithmetic but in the Python around it. Where model
and loss allow it, the second pass over batches of one form is recorded, and later ones are replayed
from the recording, to the same bits (see `recording` and `replaying`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minidl_core.base_module import BaseModule
from minidl_core.changes import changes
from minidl_core.one_thread import SMALL, on_one_thread, threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from minidl_core.one_thread import Pass
    from minidl_core.protocols import Loss, Module
    from minidl_core.replaying import Replay

__all__ = ["gradient_pass", "is_replayable", "plain_pass"]

MOST_FORMS = 16  # of batches, for which one model and loss keep a recording


class Recordings:
    """What is remembered of one model and loss; a copy of the model starts without."""

    def __init__(self, model: Module, loss: Loss) -> None:
        self.loss = loss
        self.modules = [*_inside(model), *_inside(loss)]
        self.usable = all(map(is_replayable, self.modules))
        self.elements = sum(value.numel() for value, _ in model.param()) if self.usable else 0
        self.structure = changes.structure
        self.modes = -1
        self.training = False
        self.replays: dict[Any, Replay | None] = {}

    def __deepcopy__(self, memo: Any) -> None:
        return None

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def all_training(self) -> bool:
        if self.modes != changes.modes:
            self.training = all(module.training for module in self.modules)
            self.modes = changes.modes
        return self.training


def gradient_pass(model: Module, loss: Loss, inputs: tuple[Any, ...], target: Tensor) -> Pass:
    """Yields (prediction, loss) once, and adds to the gradients when it is gone on with."""
    known: Recordings | None = (
        vars(model).get("_recordings") if hasattr(model, "__dict__") else None
    )
    if known is None or known.loss is not loss or known.structure != changes.structure:
        known = Recordings(model, loss)
        if isinstance(model, BaseModule):
            vars(model)["_recordings"] = known
    if not (known.usable and known.all_training()):
        return plain_pass(model, loss, inputs, target)
    batch = (*inputs, target)
    try:
        form = tuple([(x.shape, x.dtype, x.device, x.stride(), x.requires_grad) for x in batch])
    except (AttributeError, RuntimeError):  # no tensor, or none with strides: the layers will say
        return plain_pass(model, loss, inputs, target)
    replay = known.replays.get(form)
    gradients: Pass
    if replay is not None and replay.in_place():
        gradients = replay.run(*batch)
    elif form in known.replays:
        gradients = _recorded(model, loss, inputs, target, known, form)
    else:
        if len(known.replays) < MOST_FORMS:
            known.replays[form] = None  # the first may be the last, as an uneven batch is
        gradients = plain_pass(model, loss, inputs, target)
    if threads() > 1 and known.elements * math.prod(batch[0].shape[:-1]) < SMALL:
        return on_one_thread(gradients)
    return gradients


def is_replayable(module: Module) -> bool:
    """Whether `module` declares its ``forward`` and ``backward`` to be `BaseModule.replayable`.

    A subclass that overrides one of them has to declare it again.
    """
    for cls in type(module).__mro__:
        if "replayable" in vars(cls):
            return bool(vars(cls)["replayable"])
        if "forward" in vars(cls) or "backward" in vars(cls):
            return False
    return False


def _inside(module: Module) -> Iterator[Module]:
    yield module
    if isinstance(module, BaseModule):
        for _, child in module.named_children():
            yield from _inside(child)


def plain_pass(model: Module, loss: Loss, inputs: tuple[Any, ...], target: Tensor) -> Pass:
    """The same, without recording or replaying."""
    prediction = model.forward(*inputs)
    yield prediction, loss.forward(prediction, target)
    model.backward(loss.backward())


def _recorded(
    model: Module, loss: Loss, inputs: tuple[Any, ...], target: Tensor, known: Recordings, form: Any
) -> Pass:
    """The plain pass; at its end the recording is there, or, if it cannot be, nothing changes."""
    from minidl_core.recording import Recording
    from minidl_core.replaying import Replay

    recording = Recording(known.modules, (*inputs, target))
    with recording:
        prediction = model.forward(*inputs)
        value = loss.forward(prediction, target)
    recording.pause(prediction, value)
    yield prediction, value
    with recording:
        model.backward(loss.backward())
    if not recording.replayable:
        known.usable = False
    elif known.structure == changes.structure:
        known.replays[form] = Replay(recording)

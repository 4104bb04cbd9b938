"""`watch`: what every module of a model computes in one pass."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core import ArgumentError, Module, walk
from minidl_plugins_inspect.watching.recording import Recorder, title_of
from minidl_plugins_inspect.watching.stacked import is_stack, watch_stack
from minidl_plugins_inspect.watching.units import units_of
from minidl_plugins_inspect.watching.watched import Watched

if TYPE_CHECKING:
    from minidl_core import Loss

__all__ = ["evaluated", "watch"]


def watch(model: Module, x: Any, target: Any = None, loss: Loss | None = None) -> Watched:
    """Run `model` on `x`, and return what each module computed, by path::

        seen = watch(model, x, target, MSELoss())
        seen["2"].output, seen["2"].grad_output, seen["2"].gradients["weight"]
        print(seen)

    With `target` and `loss`, backward runs too, from gradients of zero. The model is copied and
    the copy runs, so nothing changes in `model` or `loss`: no parameter, gradient, buffer,
    generator, mode, nor what waits for its backward. That holds after an error, too. Each module
    behaves as its mode says: in evaluation mode, dropout does not drop.

    It works on any module. Of one whose attributes are not found (it has neither ``__dict__`` nor
    ``named_children()``), the layer's `note` says what is missing. In a stack, every tensor of a
    layer has the K models in front.

    Args:
        x: the input; a tuple for a model with several.
        target: what `loss` compares the prediction with.
        loss: the loss whose gradients are shown.

    Raises:
        ArgumentError: only one of `target` and `loss` is given, or the model cannot be copied.
        MinidlError: the model or the loss raised it.
    """
    if (target is None) != (loss is None):
        missing, given = ("loss", "target") if loss is None else ("target", "loss")
        raise ArgumentError(
            f"expected target and loss, or neither, got {given} without {missing}; write "
            "watch(model, x, target, loss)",
            where="watch",
        )
    if not isinstance(model, Module):
        raise ArgumentError(
            f"expected a module, got {type(model).__name__}; pass the model itself", where="watch"
        )
    if is_stack(model):
        return watch_stack(model, x, target, loss, watch)
    with torch.random.fork_rng(_devices(model)), torch.no_grad():
        return _run(*_copied(model, loss), x, target)


def evaluated(model: Module, inputs: tuple[Any, ...]) -> Watched:
    """Return what the modules of `model` compute in evaluation mode, without gradients."""
    if is_stack(model):
        return watch_stack(model, inputs, None, None, lambda m, x, *_: evaluated(m, x))
    with torch.random.fork_rng(_devices(model)), torch.no_grad():
        alone, _ = _copied(model, None)
        alone.eval()
        recorder = Recorder(alone)
        alone.forward(*inputs)
        return Watched(list(recorder.layers.values()), None, has_gradients=False)


def _copied(model: Module, loss: Loss | None) -> tuple[Any, Any]:
    try:
        return copy.deepcopy((model, loss))
    except Exception as error:
        raise ArgumentError(
            f"{type(model).__name__} cannot be copied ({type(error).__name__}: {error}), and only "
            "a copy is run so that the model stays as it is; keep files, locks and connections out "
            "of its attributes, or give it a __deepcopy__",
            where="watch",
        ) from error


def _run(model: Any, loss: Any, x: Any, target: Any) -> Watched:
    for root in (model, loss):
        for _, module in walk(root) if root is not None else ():
            if hasattr(module, "keeping"):
                module.keeping = True
    for parameter in model.param():
        parameter.grad.zero_()
    recorder = Recorder(model)
    prediction = model.forward(*(x if type(x) is tuple else (x,)))
    value = None
    if loss is not None:
        predictions = prediction if type(prediction) is tuple else (prediction,)
        value = loss.forward(*predictions, target)
        grads = loss.backward()
        try:
            model.backward(*(grads if type(grads) is tuple else (grads,)))
        except Exception as error:
            _explain(model, error)
            raise
    for path, module in walk(model):
        layer = recorder.layers[path]
        if layer.is_leaf and layer.calls:
            layer.units = units_of(module, layer.input, layer.output)
    return Watched(list(recorder.layers.values()), value, has_gradients=loss is not None)


def _explain(model: Module, error: Exception) -> None:
    """Raise an error that says why backward failed, if the mode of a stranger's module is why."""
    for path, module in walk(model):
        if not hasattr(module, "keeping") and not module.training:
            raise ArgumentError(
                f"backward failed ({type(error).__name__}: {error}), and {path or 'the model'}, "
                f"{title_of(module)}, is in evaluation mode, where a module that is no BaseModule "
                "keeps nothing; call model.train() first, or leave out target and loss",
                where="watch",
            ) from error


def _devices(model: Module) -> list[int]:
    """Return the numbers of the CUDA devices that `model` is on."""
    devices = {p.value.device for p in model.param() if isinstance(p.value, Tensor)}
    return [device.index or 0 for device in devices if device.type == "cuda"]

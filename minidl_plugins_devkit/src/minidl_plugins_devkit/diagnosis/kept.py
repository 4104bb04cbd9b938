"""Whether backward would be right if forward had kept something else: its output, or its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_devkit.diagnosis.probe import Probe

__all__ = ["mistaken_for_another"]


def mistaken_for_another(probe: Probe, x: Tensor, right: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield the wrong gradient by the input `x` if one that is kept instead makes it `right`.

    A Tanh that keeps x and computes 1 − x² is right once it keeps y = tanh x.
    """
    own = [number for number, each in enumerate(probe.inputs) if each is x]
    outputs = probe.result.outputs
    if not own or len(outputs) != 1 or not callable(getattr(probe.subject.module, "push", None)):
        return
    given = probe.result.input_grads[own[0]]
    y = outputs[0]
    if given is None or y.shape != x.shape or torch.equal(x, y):
        return
    for kept, needed, words in ((x, y, ("input", "output")), (y, x, ("output", "input"))):
        found = _gradient_keeping(probe, own[0], kept, needed)
        if found is not None and torch.allclose(found, right, rtol=2e-6, atol=1e-7):
            yield f"it keeps its {words[0]} where the formula needs its {words[1]}", given


def _gradient_keeping(probe: Probe, number: int, kept: Tensor, needed: Tensor) -> Tensor | None:
    """What backward returns if `needed` is pushed in the place of `kept`; None if that fails."""
    module = probe.subject.module
    plain = module.push

    def push(value: Any) -> None:
        plain(_exchanged(value, kept, needed))

    try:
        vars(module)["push"] = push
        probe.subject.rewind()
        probe.subject.forward(*probe.inputs)
        return probe.subject.backward(*probe.weights)[number]
    except Exception:  # shapes or types that do not fit: it was not that
        return None
    finally:
        vars(module).pop("push", None)


def _exchanged(value: Any, kept: Tensor, needed: Tensor) -> Any:
    if isinstance(value, tuple):
        return tuple(_exchanged(each, kept, needed) for each in value)
    same = isinstance(value, Tensor) and value.shape == kept.shape and torch.equal(value, kept)
    return needed.clone() if same else value

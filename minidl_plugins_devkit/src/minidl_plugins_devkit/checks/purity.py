"""What the passes may change: the stack, and in backward gradients and buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_core import Parameter, walk
from minidl_plugins_devkit.checks.tensors import outputs_of
from minidl_plugins_devkit.diagnosis.agreement import must_agree, same_bits, snapshot
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["arguments_kept", "forward_changes_nothing"]


def arguments_kept(case: Case) -> str:
    """Neither pass changes its arguments, the values of parameters, or what it returned before."""
    subject, inputs = case.build(), case.inputs()
    weights = subject.grad_outputs(outputs_of(case.build(), case.inputs()))
    watched = {
        **{f"input {i}": x for i, x in enumerate(inputs)},
        **{f"grad_output {i}": w for i, w in enumerate(weights)},
        **{name: value for name, value, _ in subject.named_pairs()},
    }
    if subject.is_loss:
        *predictions, target = [watched.pop(f"input {i}") for i in range(len(inputs))]
        one = len(predictions) == 1
        for number, prediction in enumerate(predictions):
            watched["the prediction" if one else f"prediction {number}"] = prediction
        watched["the target"] = target
    before = snapshot(watched)
    outputs = subject.forward_on(*inputs)
    why = "an operation that ends in _ or an augmented assignment works in place"
    must_agree(watched, before, "is changed by forward", exact=True, cause=why)
    given = {f"output {i}": y for i, y in enumerate(outputs)}
    then = snapshot(given)
    grads = {f"the gradient of input {i}": g for i, g in enumerate(subject.backward(*weights))}
    must_agree(watched, before, "is changed by backward", exact=True, cause=why)
    given.update({name: grad for name, grad in grads.items() if isinstance(grad, Tensor)})
    then.update(snapshot({name: given[name] for name in given.keys() - then.keys()}))
    subject.backward(*subject.grad_outputs(subject.forward(*case.inputs(salt=1)), salt=1))
    must_agree(
        given, then, "is changed after it was given", exact=True, cause="a buffer is used again"
    )
    return ""


def forward_changes_nothing(case: Case) -> str:
    """Forward changes nothing but the stack; what is learned from a batch is written in backward.

    A batch whose loss is NaN gets no backward, and so leaves no trace.
    """
    subject = case.build()
    subject.let_go()
    before = dict(_attributes(subject))
    subject.forward(*case.inputs(salt=3))
    subject.let_go()
    after = dict(_attributes(subject))
    for path in before.keys() | after.keys():
        if not same_bits(before.get(path), after.get(path)):
            raise ConformanceError(
                f"forward changes {path}",
                cause="write what is learned from a batch, such as running statistics or a count, "
                "in backward: push it in forward",
            )
    return ""


def _attributes(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Copies of every tensor and plain value that the modules hold, by path."""
    for path, module in walk(subject.module):
        for name, value in getattr(module, "__dict__", {}).items():
            if name != "_stack":
                yield f"{path}.{name}" if path else name, _copied(value)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, Parameter):
        return value.value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    plain = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
    return value if isinstance(value, plain) else None

"""What a module keeps between forward and backward, and what it adds to its gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import BaseModule, MinidlError
from minidl_plugins_devkit.diagnosis.agreement import labelled, must_agree
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.cases import uniform
from minidl_plugins_devkit.subjects.subject import Pass, Subject

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = [
    "accumulates",
    "backward_needs_forward",
    "gradients_start_at_zero",
    "in_place_noticed",
    "must_refuse",
    "shared_use",
]


def shared_use(case: Case) -> str:
    """Two forwards and then two backwards, last in first out, give what each gives alone.

    The gradients of the parameters add up. The second batch has another size.
    """
    subject = case.build()
    first, second = case.inputs(case.batches()[0]), case.inputs(case.batches()[-1], salt=1)

    subject.rewind()
    alone = [_keep_drawing(subject, first), _keep_drawing(subject, second)]
    total = {
        name: grad + alone[1].parameter_grads[name]
        for name, grad in alone[0].parameter_grads.items()
    }

    subject.zero_grads()
    subject.rewind()
    y1, y2 = subject.forward(*first), subject.forward(*second)
    w1, w2 = subject.grad_outputs(y1), subject.grad_outputs(y2)
    try:
        dx2 = subject.backward(*w2)
        dx1 = subject.backward(*w1)
    except Exception as error:
        raise ConformanceError(
            "two forwards followed by two backwards fail",
            f"{type(error).__name__}: {error}",
            _WHY_SHARED,
        ) from error
    empty: dict[str, Tensor] = {}
    for got, expected in ((Pass(y2, dx2, empty), alone[1]), (Pass(y1, dx1, empty), alone[0])):
        alone_now = labelled(expected._replace(parameter_grads=empty))
        must_agree(
            labelled(got), alone_now, "is wrong when one instance is used twice", cause=_WHY_SHARED
        )
    must_agree(
        subject.parameter_grads(),
        total,
        "is not the sum over both uses of one instance",
        cause="it is overwritten instead of accumulated, or what forward kept is not a stack",
    )
    return ""


_WHY_SHARED = (
    "what forward keeps must be a stack, last in first out: end forward in self.push(...) "
    "and begin backward with self.pop()"
)


def _keep_drawing(subject: Subject, inputs: tuple[Tensor, ...]) -> Pass:
    """A pass from zeroed gradients that goes on drawing where the one before it stopped."""
    subject.zero_grads()
    subject.unlearn()
    outputs = subject.forward(*inputs)
    grads = subject.backward(*subject.grad_outputs(outputs))
    return Pass(outputs, grads, subject.parameter_grads())


def accumulates(case: Case) -> str:
    """Backward adds to what grad holds, in place: a second pass doubles it."""
    subject, inputs = case.build(), case.inputs()
    expected = subject.one_pass(inputs).parameter_grads
    held = {name: grad for name, _, grad in subject.named_pairs()}
    before = {}
    for name, grad in held.items():
        grad.copy_(uniform(grad.shape, -1, 1, case.generator(3)))
        before[name] = grad.clone()
    subject.rewind()
    subject.backward(*subject.grad_outputs(subject.forward(*inputs)))
    for name, _, grad in subject.named_pairs():
        if grad is not held[name] or grad.data_ptr() != held[name].data_ptr():
            raise ConformanceError(
                f"the gradient of {name} is another tensor after backward",
                cause="it is assigned; an optimizer or a shared use may hold the old tensor: "
                "add in place, grad += ...",
            )
        added = {f"the gradient of {name}": grad - before[name]}
        must_agree(
            added,
            {f"the gradient of {name}": expected[name]},
            "is not added to what grad held",
            cause="it is overwritten instead of accumulated: write grad += ..., not grad = ...",
        )
    return "" if held else "has no parameters"


def gradients_start_at_zero(case: Case) -> str:
    """The gradients of a new instance are zero, in the shape and dtype of their values."""
    pairs = case.build(fresh=True).named_pairs()
    for name, value, grad in pairs:
        if grad.shape != value.shape or grad.dtype != value.dtype or grad is value:
            raise ConformanceError(
                f"the gradient of {name} must be a tensor like its value",
                f"value {tuple(value.shape)} of {value.dtype}, "
                f"gradient {tuple(grad.shape)} of {grad.dtype}",
            )
        if grad.count_nonzero():
            raise ConformanceError(
                f"the gradient of {name} does not start at zero",
                cause="torch.empty: use new_zeros, or Parameter(value)",
            )
    return "" if pairs else "has no parameters"


def backward_needs_forward(case: Case) -> str:
    """A backward without its own forward is a MinidlError that says so."""
    subject, inputs = case.build(), case.inputs()
    w = subject.grad_outputs(case.build().forward(*inputs))
    must_refuse(subject, w, "backward before any forward")
    subject.forward(*inputs)
    subject.backward(*w)
    must_refuse(subject, w, "a second backward after one forward")
    return ""


def must_refuse(subject: Subject, grad_outputs: tuple[Tensor, ...], what: str) -> None:
    try:
        subject.backward(*grad_outputs)
    except MinidlError:
        return
    except Exception as error:
        raise ConformanceError(
            f"{what} must be a MinidlError",
            f"got {type(error).__name__}: {error}",
            "begin backward with self.pop(), or raise minidl_core.StateError",
        ) from error
    raise ConformanceError(
        f"{what} must be a MinidlError, and gave a gradient",
        cause="what forward keeps stays: pop it in backward, and keep nothing in evaluation mode",
    )


def in_place_noticed(case: Case) -> str:
    """A tensor that is changed in place after forward makes no wrong gradient: it is an error.

    Backward may also give the right gradient, because it does not need the tensor.
    """
    if not isinstance(case.build().module, BaseModule):
        return "has a stack of its own, not BaseModule's"
    subject, inputs = case.build(), case.inputs()
    right = labelled(subject.one_pass(inputs))
    for number in range(len(inputs) + len(subject.forward(*inputs))):
        subject.let_go()
        subject.zero_grads()
        subject.rewind()
        given = tuple(x.clone() for x in inputs)
        outputs = subject.forward_on(*given)
        kept = tuple(y.clone() for y in outputs)
        several = [*given, *outputs]
        changed = several[number]
        if changed.is_floating_point():
            changed.mul_(0.7).add_(0.1)
        try:
            grads = subject.backward(*subject.grad_outputs(outputs))
        except MinidlError:
            continue
        name = f"input {number}" if number < len(given) else f"output {number - len(given)}"
        must_agree(
            labelled(Pass(kept, grads, subject.parameter_grads())),
            right,
            f"is wrong when {name} is changed in place between forward and backward",
            cause="it was pushed where its changes are not seen (in a dict, or as .data): push "
            "tensors alone, or in tuples and lists",
        )
    return ""

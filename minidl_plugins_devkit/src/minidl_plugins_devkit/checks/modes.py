"""Training and evaluation mode, and gradients in evaluation mode."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

from minidl_core import MinidlError
from minidl_plugins_devkit.checks.gradients import check_gradients
from minidl_plugins_devkit.checks.memory import must_refuse
from minidl_plugins_devkit.diagnosis.agreement import must_agree, snapshot
from minidl_plugins_devkit.diagnosis.probe import Probe
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["evaluation_mode", "keeping"]


def evaluation_mode(case: Case) -> str:
    """In evaluation mode nothing is kept, backward is a MinidlError, and nothing is random."""
    subject, inputs = case.build(), case.inputs()
    _must_be(subject, True)
    w = subject.grad_outputs(subject.forward(*inputs))
    subject.backward(*w)
    subject.module.eval()
    _must_be(subject, False)
    first, second = subject.forward(*inputs), subject.forward(*inputs)
    must_agree(
        {f"output {i}": y for i, y in enumerate(second)},
        {f"output {i}": y for i, y in enumerate(first)},
        "changes from one forward in evaluation mode to the next",
        exact=True,
        cause="noise or running statistics that belong to training mode: ask self.training",
    )
    del first, second
    _must_keep_nothing(subject, case.inputs(salt=1))
    must_refuse(subject, w, "backward in evaluation mode")
    subject.module.train()
    _must_be(subject, True)
    must_refuse(subject, w, "backward in training mode of a forward in evaluation mode")
    return ""


def _must_keep_nothing(subject: Subject, inputs: tuple[Tensor, ...]) -> None:
    """No input outlives a forward in evaluation mode, nor an output."""
    inputs = tuple(x.clone() for x in inputs)
    kept = {f"input {i}": weakref.ref(x) for i, x in enumerate(inputs)}
    outputs = subject.forward_on(*inputs)
    kept.update({f"output {i}": weakref.ref(y) for i, y in enumerate(outputs)})
    del inputs, outputs
    if any(tensor() is not None for tensor in kept.values()):
        gc.collect()
    alive = [name for name, tensor in kept.items() if tensor() is not None]
    if alive:
        raise ConformanceError(
            f"{' and '.join(alive)} is kept in evaluation mode",
            cause="an attribute, or a module inside that eval() does not reach: keep with "
            "self.push(...), and hand eval() on",
        )


def _must_be(subject: Subject, training: bool) -> None:
    if subject.module.training is not training:
        call = "train()" if training else "eval()"
        raise ConformanceError(
            f"after {call}, training must be {training}, got {subject.module.training!r}"
        )


def keeping(case: Case) -> str:
    """After ``eval()`` and ``keep()``, backward is the derivative of what evaluation computes.

    It learns nothing there: no buffer changes.
    """
    subject = case.build()
    if not hasattr(subject.module, "keep"):
        return "has no keep()"
    subject.evaluate(keep=True)
    if subject.module.training:
        raise ConformanceError(
            "keep() puts the module into training mode",
            cause="keep() changes whether forward pushes, and nothing else",
        )
    try:
        probe = Probe(case, None, salt=21, mode="keeping")
        check_gradients(probe)
    except MinidlError as error:
        raise ConformanceError(
            "backward fails in evaluation mode with keep()",
            f"{type(error).__name__}: {error}",
            "forward pushes nothing in evaluation mode: call self.push(...) in both modes, for "
            "keep() decides whether it keeps anything",
        ) from error
    except ConformanceError as error:
        raise ConformanceError(
            f"in evaluation mode with keep(): {error.finding}", error.detail, error.cause
        ) from error.__cause__
    buffers = probe.subject.buffers()
    before = snapshot(buffers)
    probe.subject.one_pass(case.inputs(salt=22))
    must_agree(
        buffers,
        before,
        "is changed by backward in evaluation mode",
        exact=True,
        cause="running statistics are learned in training mode only: ask self.training in forward "
        "and push what backward needs to know",
    )
    return ""

"""Shapes, dtypes, devices and layouts of tensors."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minidl_core import MinidlError
from minidl_plugins_devkit.checks.gradients import check_gradients
from minidl_plugins_devkit.checks.randomness import is_random
from minidl_plugins_devkit.diagnosis.agreement import labelled, must_agree
from minidl_plugins_devkit.diagnosis.probe import Probe
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.cases import accepted
from minidl_plugins_devkit.subjects.subject import Pass, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minidl_plugins_devkit.subjects.cases import Case

__all__ = [
    "any_layout",
    "batch_of_one",
    "device_kept",
    "dtype_kept",
    "empty_batch",
    "layout",
]


def dtype_kept(case: Case) -> str:
    """Outputs and gradients have the dtype of the inputs: float32, float64 and bfloat16.

    A component may refuse bfloat16 with a MinidlError, and torch may lack an operation for it.
    Parameters and buffers are of the dtype that the constructor was given.
    """
    if "dtype" in accepted(case.factory):
        _must_be_made_in(case, torch.float64)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        subject, inputs = case.build(dtype=dtype), case.inputs(dtype=dtype)
        before = {name: buffer.dtype for name, buffer in subject.buffers().items()}
        try:
            result = subject.one_pass(inputs)
        except (MinidlError, RuntimeError) as error:
            if dtype == torch.bfloat16 and _is_refusal(error):
                return f"bfloat16 is not supported: {error}"
            raise
        for name, tensor in labelled(result).items():
            if tensor.dtype != dtype:
                raise ConformanceError(
                    f"{name} is of {tensor.dtype} for inputs and parameters of {dtype}",
                    cause="a tensor made inside without dtype=x.dtype, or a conversion such as "
                    ".float()",
                )
        for name, buffer in subject.buffers().items():
            if before.get(name, buffer.dtype) != buffer.dtype:
                raise ConformanceError(
                    f"the buffer {name} of {before[name]} becomes {buffer.dtype}",
                    cause="another tensor is assigned: change the buffer in place",
                )
    return ""


def _must_be_made_in(case: Case, dtype: torch.dtype) -> None:
    module = case.construct(dtype=dtype, device="cpu", generator=case.generator())
    subject = Subject(module, case.kind == "losses", None)
    tensors = {f"the parameter {name}": value for name, value, _ in subject.named_pairs()}
    tensors |= {f"the buffer {name}": buffer for name, buffer in subject.buffers().items()}
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dtype != dtype:
            raise ConformanceError(
                f"{name} is of {tensor.dtype} when the constructor is given dtype={dtype}",
                cause="it is made without dtype=dtype",
            )


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, MinidlError) or "not implemented for" in str(error)


def device_kept(case: Case) -> str:
    """Outputs and gradients are on the device of the inputs: the CPU, and CUDA where there is."""
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        result = case.build(device=device).one_pass(case.inputs(device=device))
        for name, tensor in labelled(result).items():
            if tensor.device.type != device:
                raise ConformanceError(
                    f"{name} is on {tensor.device} for inputs and parameters on {device}",
                    cause="a tensor made inside without device=x.device",
                )
    return f"on {' and '.join(devices)}"


def layout(case: Case) -> str:
    """Strided, transposed and expanded tensors give what contiguous ones give."""
    subject, inputs = case.build(), case.inputs()
    outputs = outputs_of(subject, inputs)
    ones, weights = [torch.ones_like(y) for y in outputs], list(subject.grad_outputs(outputs))
    expected, flat = _run(subject, inputs, _copied(weights)), _run(subject, inputs, ones)
    why = "a stride or the order in memory is taken for granted: use mT and sums over named axes"
    for name, change in (("strided", _strided), ("transposed", _transposed)):
        with any_layout(f"a {name} input"):
            if is_random(subject, inputs):  # noise drawn in the order of memory is as good
                check_gradients(Probe(case, None, change=change))
            else:
                got = _run(subject, inputs, _copied(weights), change)
                must_agree(got, expected, f"is another for a {name} input", cause=why)
        with any_layout(f"a {name} grad_output"):
            got = _run(subject, inputs, list(map(change, weights)))
            must_agree(got, expected, f"is another for a {name} grad_output", cause=why)
    with any_layout("an expanded grad_output"):
        expanded = [w.new_ones(()).expand(w.shape) for w in weights]
        got = _run(subject, inputs, expanded)
        must_agree(got, flat, "is another for an expanded grad_output", cause=why)
    return ""


def outputs_of(subject: Subject, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The outputs alone; nothing stays kept."""
    subject.rewind()
    outputs = subject.forward(*inputs)
    subject.let_go()
    return outputs


def _run(
    subject: Subject,
    inputs: tuple[Tensor, ...],
    weights: list[Tensor],
    change: Callable[[Tensor], Tensor] = Tensor.clone,
) -> dict[str, Tensor]:
    """A pass on new tensors: a module that changes its arguments fails another check."""
    subject.zero_grads()
    subject.rewind()
    outputs = subject.forward_on(*map(change, inputs))
    grads = subject.backward(*weights)
    return labelled(Pass(outputs, grads, subject.parameter_grads()))


@contextmanager
def any_layout(what: str) -> Iterator[None]:
    """Say what it means when an operation fails on `what` that passed on contiguous tensors."""
    try:
        yield
    except (MinidlError, ConformanceError):
        raise
    except RuntimeError as error:
        said = str(error).partition("\n")[0]
        contiguous = any(word in said for word in ("view", "contiguous", "stride"))
        raise ConformanceError(
            f"{what} is refused by an operation inside",
            said,
            ".view: use reshape" if contiguous else "",
        ) from error


def _copied(tensors: list[Tensor]) -> list[Tensor]:
    return [tensor.clone() for tensor in tensors]


def _strided(x: Tensor) -> Tensor:
    """The same values, every second one of a larger tensor."""
    return torch.stack([x, x], -1)[..., 0]


def _transposed(x: Tensor) -> Tensor:
    """The same values, laid out column by column."""
    return x.mT.contiguous().mT if x.ndim > 1 else _strided(x)


def batch_of_one(case: Case) -> str:
    """One row keeps its batch dimension and has the right gradients, or is a MinidlError."""
    if case.batch is None:
        return "has no batch to vary"
    expected = _shapes(case, 1)
    try:
        probe = Probe(case, 1, salt=11)
    except MinidlError as error:
        return f"refused: {error}"
    got = [tuple(y.shape) for y in probe.result.outputs]
    if got != expected:
        raise ConformanceError(
            f"for a batch of one the output must be of shape {_shown(expected)}, got {_shown(got)}",
            cause="squeeze() without an axis drops the batch too",
        )
    check_gradients(probe)
    return ""


def empty_batch(case: Case) -> str:
    """No rows give either an empty output and finite gradients, or a MinidlError."""
    if case.batch is None:
        return "has no batch to vary"
    subject, inputs = case.build(), case.inputs(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own remarks on means of nothing
            result = subject.one_pass(inputs)
    except MinidlError as error:
        return f"refused: {error}"
    except Exception as error:
        raise ConformanceError(
            "an empty batch must give an empty output or a MinidlError",
            f"got {type(error).__name__}: {error}",
            "ask for x.numel() first and raise minidl_core.ShapeError",
        ) from error
    got, expected = [tuple(y.shape) for y in result.outputs], _shapes(case, 0)
    if got != expected:
        raise ConformanceError(
            f"for an empty batch the output must be of shape {_shown(expected)}, got {_shown(got)}"
        )
    for name, tensor in labelled(result).items():
        if not tensor.isfinite().all():
            raise ConformanceError(
                f"{name} is NaN or infinite for an empty batch",
                cause="the mean over no elements is 0 / 0: raise minidl_core.ShapeError, "
                "or say what the value is",
            )
    return ""


def _shapes(case: Case, batch: int) -> list[tuple[int, ...]]:
    """The outputs' shapes for `batch` rows, from those for five and ten: constant or in step."""
    subject = case.build()
    five, ten = (outputs_of(subject, case.inputs(n)) for n in (5, 10))
    shapes = []
    for a, b in zip(five, ten, strict=True):
        grows = [size_a != size_b for size_a, size_b in zip(a.shape, b.shape, strict=True)]
        shapes.append(
            tuple(
                size // 5 * batch if grow else size
                for size, grow in zip(a.shape, grows, strict=True)
            )
        )
    return shapes


def _shown(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))

"""Shapes, dtypes, devices and layouts of tensors, and whose tensors may be changed."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from minidl_core.errors import MinidlError
from minidl_core.testing.comparing import labelled, must_agree, snapshot
from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.gradient_checks import Probe
from minidl_core.testing.random_checks import is_random
from minidl_core.testing.subjects import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_core.testing.cases import Case
    from minidl_core.testing.subjects import Subject

__all__ = [
    "any_layout",
    "arguments_kept",
    "batch_of_one",
    "device_kept",
    "dtype_kept",
    "empty_batch",
    "layout",
]


def arguments_kept(case: Case) -> str:
    """Neither pass changes its arguments, the values of parameters, or what it gave before."""
    subject, inputs = case.build(), case.inputs()
    weights = subject.cotangents(outputs_of(case.build(), case.inputs()))
    watched = {
        **{f"input {i}": x for i, x in enumerate(inputs)},
        **{f"grad_output {i}": w for i, w in enumerate(weights)},
        **{name: value for name, value, _ in subject.named_pairs()},
    }
    if subject.is_loss:
        watched["the prediction"] = watched.pop("input 0")
        watched["the target"] = watched.pop("input 1")
    before = snapshot(watched)
    outputs = subject.forward(*inputs)
    why = "an operation that ends in _ or an augmented assignment works in place"
    must_agree(watched, before, "is changed by forward", exact=True, cause=why)
    given = {f"output {i}": y for i, y in enumerate(outputs)}
    then = snapshot(given)
    grads = {f"the gradient of input {i}": g for i, g in enumerate(subject.backward(*weights))}
    must_agree(watched, before, "is changed by backward", exact=True, cause=why)
    given.update({name: grad for name, grad in grads.items() if isinstance(grad, Tensor)})
    then.update(snapshot({name: given[name] for name in given.keys() - then.keys()}))
    subject.backward(*subject.cotangents(subject.forward(*case.inputs(salt=1)), salt=1))
    must_agree(
        given, then, "is changed after it was given", exact=True, cause="a buffer is used again"
    )
    return ""


def dtype_kept(case: Case) -> str:
    """Outputs and gradients have the dtype of the inputs: float32, float64 and bfloat16.

    A component may refuse bfloat16 with a MinidlError, and torch may lack an operation for it.
    """
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        subject, inputs = case.build(dtype=dtype), case.inputs(dtype=dtype)
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
    return ""


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
    ones, weights = [torch.ones_like(y) for y in outputs], list(subject.cotangents(outputs))
    expected, flat = _run(subject, inputs, weights), _run(subject, inputs, ones)
    why = ".view or a stride is taken for granted: use reshape, or mT and sums over named axes"
    for name, change in (("strided", _strided), ("transposed", _transposed)):
        if is_random(subject, inputs):  # noise drawn in the order of memory is as good
            Probe(case, None, change=change).check()
        else:
            got = _run(subject, tuple(map(change, inputs)), weights)
            must_agree(got, expected, f"is another for a {name} input", cause=why)
        got = _run(subject, inputs, list(map(change, weights)))
        must_agree(got, expected, f"is another for a {name} grad_output", cause=why)
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


def _run(subject: Subject, inputs: tuple[Tensor, ...], weights: list[Tensor]) -> dict[str, Tensor]:
    subject.zero_grads()
    subject.rewind()
    with any_layout():
        outputs = subject.forward(*inputs)
        grads = subject.backward(*weights)
    return labelled(Pass(outputs, grads, subject.parameter_grads()))


@contextmanager
def any_layout() -> Iterator[None]:
    """Say what it means when torch refuses an operation that it did on contiguous tensors."""
    try:
        yield
    except MinidlError:
        raise
    except RuntimeError as error:
        raise ConformanceError(
            "a tensor that is not contiguous is refused by an operation inside",
            str(error).partition("\n")[0],
            ".view: use reshape",
        ) from error


def _strided(x: Tensor) -> Tensor:
    """The same values, every second one of a larger tensor."""
    return torch.stack([x, x], -1)[..., 0]


def _transposed(x: Tensor) -> Tensor:
    """The same values, laid out column by column."""
    return x.mT.contiguous().mT if x.ndim > 1 else _strided(x)


def batch_of_one(case: Case) -> str:
    """One row keeps its batch dimension, and its gradients agree with differences."""
    if case.batch is None:
        return "has no batch to vary"
    expected = _shapes(case, 1)
    probe = Probe(case, 1, salt=11)
    got = [tuple(y.shape) for y in probe.result.outputs]
    if got != expected:
        raise ConformanceError(
            f"for a batch of one the output must be of shape {_shown(expected)}, got {_shown(got)}",
            cause="squeeze() without an axis drops the batch too",
        )
    probe.check()
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

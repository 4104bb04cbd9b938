"""A module or loss beside its twin: is it what it says it is?"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minidl_plugins_devkit.checks.randomness import is_random
from minidl_plugins_devkit.diagnosis.agreement import must_agree
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["matches_reference", "named_in_torch"]


def matches_reference(case: Case) -> str:
    """It computes what the reference of the example computes, in training and in evaluation.

    The reference is the name of a class of torch, which is built with the same arguments and given
    the same state, or of a function of torch, or a plain function. Functions get the inputs, and by
    name those parameters, buffers and arguments of the example that they accept.
    """
    subject, inputs, reference = case.build(), case.inputs(), case.example.reference
    if reference is None:
        return "names no reference"
    found: Any = named_in_torch(reference) if isinstance(reference, str) else reference
    if isinstance(found, type):
        _as_module(case, subject, inputs, found)
    else:
        _as_function(case, subject, inputs, found)
    return ""


def named_in_torch(path: str) -> Any:
    """Return what `path` names, such as ``torch.optim.SGD``.

    Raises:
        ConformanceError: torch has nothing of that name.
    """
    found: Any = torch
    for name in path.removeprefix("torch.").split("."):
        found = getattr(found, name, None)
    if not path.startswith("torch.") or found is None:
        raise ConformanceError(f"the reference {path!r} is no class or function of torch")
    return found


def _as_module(case: Case, subject: Subject, inputs: tuple[Tensor, ...], cls: Any) -> None:
    accepted = inspect.signature(cls).parameters
    extra = {"dtype": torch.float64} if "dtype" in accepted else {}
    twin = cls(**case.example.kwargs, **extra).to(torch.float64)
    mine, theirs = subject.state(), twin.state_dict()
    if mine.keys() != theirs.keys():
        raise ConformanceError(
            "the reference names its parameters and buffers otherwise",
            f"expected {', '.join(theirs) or 'none'}, got {', '.join(mine) or 'none'}",
            "use torch's names, or write the reference as a function",
        )
    twin.load_state_dict(mine)
    if not is_random(subject, inputs):
        twin.train()
        result = subject.one_pass(inputs)
        _must_match(result.outputs, twin(*inputs), "in training mode")
        buffers = dict(twin.named_buffers())
        must_agree(
            {f"the buffer {name}": buffer for name, buffer in subject.buffers().items()},
            {f"the buffer {name}": buffers[name] for name in subject.buffers()},
            "is not that of the reference after one pass in training mode",
            cause="another convention: momentum or 1 − momentum, a biased or unbiased variance",
        )
    twin.eval()
    subject.evaluate()
    _must_match(subject.forward(*inputs), twin(*inputs), "in evaluation mode")


def _as_function(case: Case, subject: Subject, inputs: tuple[Tensor, ...], function: Any) -> None:
    named: dict[str, Any] = dict(case.example.kwargs)
    named |= {name.replace(".", "_"): tensor for name, tensor in subject.state().items()}
    try:
        parameters = set(inspect.signature(function).parameters)
    except ValueError:  # a built-in function, which takes the inputs
        parameters = set()
    training = not is_random(subject, inputs)
    if not training:
        subject.evaluate()
    named["training"] = training
    given = {name: value for name, value in named.items() if name in parameters}
    mode = "in training mode" if training else "in evaluation mode"
    _must_match(subject.forward(*inputs), function(*inputs, **given), mode)


def _must_match(mine: tuple[Tensor, ...], theirs: Any, mode: str) -> None:
    several = theirs if isinstance(theirs, tuple) else (theirs,)
    must_agree(
        {f"output {i}": y for i, y in enumerate(mine)},
        {f"output {i}": y.detach() for i, y in enumerate(several) if isinstance(y, Tensor)},
        f"is not what the reference gives {mode}",
        cause="forward computes something else than its reference: this is no matter of gradients",
    )

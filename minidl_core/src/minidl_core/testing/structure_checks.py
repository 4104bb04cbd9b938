"""What a module says about itself: its parameters, their names, its copies, its line."""

from __future__ import annotations

import copy
import io
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from torch.autograd.graph import saved_tensors_hooks

from minidl_core.parameter import Parameter
from minidl_core.testing.comparing import labelled, must_agree
from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.subjects import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from minidl_core.testing.cases import Case
    from minidl_core.testing.subjects import Subject

__all__ = [
    "copies",
    "info_line",
    "instances_apart",
    "no_autograd",
    "parameters_listed",
    "recording",
    "state_round_trip",
]


def parameters_listed(case: Case) -> str:
    """``param()`` lists every Parameter inside, each once, and ``named_param()`` the same ones."""
    subject = case.build(fresh=True)
    listed = [id(value) for _, value, _ in subject.named_pairs()]
    if len(set(listed)) != len(listed):
        raise ConformanceError("param() lists a parameter twice", cause="a shared parameter")
    for path, parameter in _parameters_inside(subject.module):
        if id(parameter.value) not in listed:
            raise ConformanceError(
                f"param() does not list {path}",
                cause="parameters and modules in a list or dict are not found by themselves: "
                "make them attributes, or name them in named_param() and named_children()",
            )
    if hasattr(subject.module, "named_param"):
        named = list(subject.module.named_param())
        names = [name for name, _ in named]
        if {id(value) for _, (value, _) in named} != set(listed):
            raise ConformanceError("named_param() and param() list different parameters")
        if len(set(names)) != len(names) or not all(names):
            raise ConformanceError(
                "named_param() gives a name twice, or an empty one", f"names: {names}"
            )
    return "" if listed else "has no parameters"


def _parameters_inside(thing: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every Parameter that is reached through attributes, lists, tuples and dicts."""
    if isinstance(thing, Parameter):
        yield path, thing
    elif depth < 8:
        if isinstance(thing, dict):
            items = list(thing.items())
        elif isinstance(thing, (list, tuple)):
            items = list(enumerate(thing))
        elif hasattr(thing, "forward") or depth == 0:
            items = list(getattr(thing, "__dict__", {}).items())
        else:
            items = []
        for name, item in items:
            yield from _parameters_inside(item, f"{path}.{name}" if path else str(name), depth + 1)


def state_round_trip(case: Case) -> str:
    """An instance from another seed, given the values of the parameters, computes the same."""
    source, target, inputs = case.build(), case.build(salt=50), case.inputs()
    source.one_pass(inputs)  # what it may learn besides its parameters is lost as well
    theirs = target.named_pairs()
    for (name, value, _), (other, into, _) in zip(source.named_pairs(), theirs, strict=True):
        if name != other:
            raise ConformanceError("two instances name their parameters differently")
        into.copy_(value)
    source.module.eval()
    target.module.eval()
    must_agree(
        {f"output {i}": y for i, y in enumerate(target.forward(*inputs))},
        {f"output {i}": y for i, y in enumerate(source.forward(*inputs))},
        "is another after all parameters were copied into a new instance",
        cause="a tensor that was drawn or learned is no Parameter, and would be lost on saving",
    )
    return "" if theirs else "has no parameters"


def copies(case: Case) -> str:
    """A deep copy computes the same, and shares no parameter with the original."""
    subject, inputs = case.build(), case.inputs()
    clone = copy.deepcopy(subject)
    if clone.module.training is not True:
        raise ConformanceError("a deep copy leaves training mode")
    must_agree(
        labelled(clone.one_pass(inputs)),
        labelled(subject.one_pass(inputs)),
        "is another for a deep copy",
        exact=True,
        cause="a closure or a tensor that the copy still shares with the original",
    )
    if _memory(subject) & _memory(clone):
        raise ConformanceError("a deep copy shares memory of its parameters with the original")
    return ""


def instances_apart(case: Case) -> str:
    """Two instances in turns give what each gives alone, and share no parameter."""
    first, second = case.build(), case.build(salt=50)
    inputs = [case.inputs(), case.inputs(case.batches()[-1], salt=1)]
    alone = [case.build().one_pass(inputs[0]), case.build(salt=50).one_pass(inputs[1])]
    why = "a list, a tensor or a module in the class, or as a default argument, is one for all"
    if _memory(first) & _memory(second):
        raise ConformanceError("two instances share a parameter", cause=why)
    outputs = [s.forward(*x) for s, x in zip((first, second), inputs, strict=True)]
    for subject, y, expected in zip((first, second), outputs, alone, strict=True):
        try:
            grads = subject.backward(*subject.cotangents(y))
        except Exception as error:
            raise ConformanceError(
                "backward fails when a second instance is in use",
                f"{type(error).__name__}: {error}",
                why,
            ) from error
        must_agree(
            labelled(Pass(y, grads, subject.parameter_grads())),
            labelled(expected),
            "is another when a second instance is in use",
            cause=why,
        )
    return ""


def _memory(subject: Subject) -> set[int]:
    """Where the values and gradients of the parameters lie."""
    tensors = [tensor for _, *pair in subject.named_pairs() for tensor in pair]
    return {tensor.data_ptr() for tensor in tensors if tensor.numel()}


def info_line(case: Case) -> str:
    """``describe()`` is one line for a leaf, and ``info()`` prints it."""
    module = case.build().module
    printed = io.StringIO()
    with redirect_stdout(printed):
        module.info()
    text = printed.getvalue()
    if not text.strip():
        raise ConformanceError("info() prints nothing")
    if hasattr(module, "describe"):
        described = module.describe()
        if not isinstance(described, str) or text.rstrip("\n") != described.rstrip("\n"):
            raise ConformanceError("info() does not print what describe() gives")
    children = module.named_children() if hasattr(module, "named_children") else []
    if not list(children) and len(text.strip().splitlines()) != 1:
        raise ConformanceError(
            "info() must print one line for a module that holds no others",
            cause="a line break in summary()",
        )
    return ""


def no_autograd(case: Case) -> str:
    """Every gradient is explicit: no operation is recorded, and no tensor asks for a gradient."""
    subject, inputs = case.build(), case.inputs()
    with recording() as recorded:
        result = subject.one_pass(inputs)
    tensors = labelled(result)
    tensors.update({name: value for name, value, _ in subject.named_pairs()})
    asking = [name for name, tensor in tensors.items() if tensor.requires_grad]
    if recorded or asking:
        raise ConformanceError(
            "torch's autograd records operations inside",
            f"{', '.join(asking)} ask for a gradient" if asking else "",
            "the derivative is left to autograd: write its formula",
        )
    return ""


@contextmanager
def recording() -> Iterator[list[Tensor]]:
    """A list of what autograd saves meanwhile; it stays empty where nothing is recorded."""
    recorded: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        recorded.append(tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield recorded

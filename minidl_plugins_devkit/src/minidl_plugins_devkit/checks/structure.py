"""What a module says about itself: its parameters, their names, its copies, its description."""

from __future__ import annotations

import copy
import io
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from minidl_core import Parameter
from minidl_plugins_devkit.diagnosis.agreement import labelled, must_agree
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.subjects.subject import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = [
    "copies",
    "info_line",
    "instances_apart",
    "no_autograd",
    "parameters_listed",
    "recording",
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
                cause="named_param(), named_children() or param() is overridden and leaves it "
                "out, or it is in an object that is no list, tuple or dict: make it an attribute",
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
    """Every Parameter that is reached through attributes, containers and the author's objects."""
    if isinstance(thing, Parameter):
        yield path, thing
    elif depth < 8:
        if isinstance(thing, dict):
            items = list(thing.items())
        elif isinstance(thing, (list, tuple, set, frozenset)):
            items = list(enumerate(thing))
        elif isinstance(thing, (type, Tensor)) or (
            callable(thing) and not hasattr(thing, "forward")
        ):
            items = []
        else:
            items = list(getattr(thing, "__dict__", {}).items())
        for name, item in items:
            if name != "_stack":
                at = f"{path}.{name}" if path else str(name)
                yield from _parameters_inside(item, at, depth + 1)


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
        raise ConformanceError(
            "a deep copy shares memory of its parameters or buffers with the original"
        )
    return ""


def instances_apart(case: Case) -> str:
    """Two instances in turns give what each gives alone, and share no parameter."""
    first, second = case.build(), case.build(salt=50)
    inputs = [case.inputs(), case.inputs(case.batches()[-1], salt=1)]
    alone = [case.build().one_pass(inputs[0]), case.build(salt=50).one_pass(inputs[1])]
    why = "a list, a tensor or a module in the class, or as a default argument, is one for all"
    if _memory(first) & _memory(second):
        raise ConformanceError("two instances share a parameter or a buffer", cause=why)
    outputs = [s.forward(*x) for s, x in zip((first, second), inputs, strict=True)]
    for subject, y, expected in zip((first, second), outputs, alone, strict=True):
        try:
            grads = subject.backward(*subject.grad_outputs(y))
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
    """Where the values and gradients of the parameters lie, and the buffers."""
    tensors = [tensor for _, *pair in subject.named_pairs() for tensor in pair]
    tensors += subject.buffers().values()
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

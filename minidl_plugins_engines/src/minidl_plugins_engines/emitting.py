"""A plan as a Python function: no loop, no look-up, no needless call or allocation."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.inventory import MODEL, WHOLE
from minidl_plugins_engines.namespace import Namespace
from minidl_plugins_engines.program import Value, values_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.lines import Line
    from minidl_plugins_engines.planning import Plan
    from minidl_plugins_engines.program import Program

__all__ = ["emit"]


def emit(plan: Plan, program: Program, scope: str) -> Callable[..., Any]:
    """Return ``run(*inputs, target)``, which gives (prediction, loss).

    It gives None, and has changed nothing, if something failed before the check of the loss. What
    the `scope` leaves out are more arguments: ``step``, and ``zero_grad``, which says whether to go
    on; else the result is False.
    """
    writer = _Writer(plan)
    assert program.loss is not None
    loss = writer.text(program.loss)
    prediction = writer.text(
        tuple(program.prediction) if program.several else program.prediction[0]
    )
    finite = f"{writer.names.add(isfinite)}({loss}.item())"
    if program.loss.shape:
        finite = f"{loss}.isfinite().any()"
    arguments = ", ".join(value.name for value in program.batch)
    before: list[str] = []
    after: list[str] = []
    if scope != WHOLE:
        arguments += ", step"
        after = ["step()"]
    if scope == MODEL:
        arguments += ", zero_grad"
        before = ["if not zero_grad():", " return False"]
    text = "\n".join(
        [
            f"def run({arguments}):",
            f" with {writer.names.add(_Below)}():",
            "  try:",
            *(f"   {line}" for line in map(writer.line, plan.lines[: plan.checked])),
            "   pass",
            f"  except {writer.names.add(Exception)}:",
            "   return None",
            f"  if {finite}:",
            *(f"   {line}" for line in before),
            *(f"   {line}" for line in map(writer.line, plan.lines[plan.checked :])),
            *(f"   {line}" for line in after),
            "   pass",
            f"  return {prediction}, {loss}",
            "",
        ]
    )
    return writer.names.define("run", text)  # type: ignore[no-any-return]


# Below autograd, which has nothing to do here: its share of a call is some 0.2 µs.
_Below = getattr(torch._C, "_AutoDispatchBelowAutograd", torch.no_grad)


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self._tensors = plan.tensors
        self.names = Namespace()

    def line(self, line: Line) -> str:
        if line.expected is not None:
            return f"if {self.text(line.args[0])}.item() is not {line.expected}: return None"
        arguments = [self.text(each) for each in line.args]
        arguments += [
            f"**{self.names.add({k: v})}" if not k.isidentifier() else f"{k}={self.text(v)}"
            for k, v in line.kwargs.items()
        ]
        text = f"{self.names.add(line.function)}({', '.join(arguments)})"
        if line.results is not None:
            targets = ", ".join(each.name if each else "_" for each in line.results)
            text = f"{targets}{',' if line.several else ''} = {text}"
        if line.freed:
            text += f"; {' = '.join(each.name for each in line.freed)} = None"
        return text

    def text(self, argument: Any) -> str:
        """Return the expression for `argument`: a name, or a nest of names in lists and tuples."""
        if isinstance(argument, Value):
            tensor = self._tensors.get(argument)
            return argument.name if tensor is None else self.names.add(tensor)
        if type(argument) in (list, tuple) and next(values_in(argument), None):
            items = "".join(f"{self.text(item)}, " for item in argument)
            return f"[{items}]" if type(argument) is list else f"({items})"
        if type(argument) is int or type(argument) is bool:
            return repr(argument)
        return self.names.add(argument)

"""How far rounding alone moves the gradients of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_plugins_engines.comparing import farthest
from minidl_plugins_engines.compiled.compiling import draw
from minidl_plugins_engines.compiled.pure import Pure
from minidl_plugins_engines.snapshots import TensorState

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from torch import Tensor

    from minidl_plugins_engines.program import Call, Program, Value

__all__ = ["effect_of_rounding"]


def effect_of_rounding(
    program: Program, batch: Iterable[Any], gradients: Container[int], generators: Iterable[Any]
) -> float:
    """Return the largest change of a gradient when every result moves by its last digit.

    Nothing that is given changes.

    Reference: D. S. Parker, Monte Carlo arithmetic, UCLA 1997.
    """
    pure = Pure(program)
    tensors = {**program.held, **program.constants, **dict(zip(program.batch, batch, strict=True))}
    before = TensorState((), generators)
    drawn = [draw(call) for call in pure.drawn]
    before.restore()
    given = [*(tensors[value] for value in pure.inputs), *drawn]
    numbers = [each.tensor() for each in pure.numbers]
    places = [at for at in pure.written if id(tensors[pure.inputs[at]]) in gradients]

    def after(step: Pure) -> list[Tensor]:
        copies = [each.clone() for each in given]
        step(*copies, *numbers)
        return [copies[at] for at in places]

    return farthest(after(pure), after(_Shaken(program)))


class _Shaken(Pure):
    """A program whose results are moved up or down by their last digit, by chance."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._generator = torch.Generator().manual_seed(0)

    def _do(self, call: Call, known: dict[Value | None, Any], numbers: tuple[Tensor, ...]) -> None:
        super()._do(call, known, numbers)
        if any(each.alias_info is not None for each in call.target._schema.returns):
            return  # it is written through, or is a look at what is moved already
        for value in call.results:
            if value is not None and value.dtype.is_floating_point:
                result = known[value]
                signs = torch.randint(2, result.shape, generator=self._generator) * 2 - 1
                known[value] = result * (1 + signs.to(result) * torch.finfo(result.dtype).eps)

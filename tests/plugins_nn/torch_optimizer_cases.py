"""The cases that torch tests its own optimizers with, run against ours of the same name.

Both step the same values by the same gradients; after every step the values are equal. Half way
ours is saved and loaded into a new one, which must go on the same way.
"""

from __future__ import annotations

import copy
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import Parameter

from .torch_cases import Outcome, component

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIMIZERS = {info.optim_cls.__name__: info for info in optim_db}
REGISTERED_AS = {"SGD": "TorchSGD"}  # "SGD" is that of minidl-plugins-basic
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
STEPS = 12
MATRICES = ((10, 5), (4, 6), (5, 5))  # all that Muon takes
SHAPES = (*MATRICES, (7,), (2, 3, 4), ())


def outcome(name: str) -> Outcome:
    """Run all cases of the optimizer `name` in both dtypes; one passes if it passes in both."""
    ours = component(REGISTERED_AS.get(name, name), kinds=("optimizers",))
    failures: dict[int, str] = {}
    for dtype in TOLERANCE:
        with numbers_in(dtype):
            given = OPTIMIZERS[name].optim_inputs_func(device="cpu")
            for number, case in enumerate(given):
                problem = "there is no such component"
                if ours is not None:
                    problem = difference(ours, OPTIMIZERS[name].optim_cls, case.kwargs, dtype)
                if problem:
                    text = f"case {number} ({case.desc}), {dtype}: {problem}"
                    failures.setdefault(number, text)
    return Outcome(len(given), list(failures.values()))


@contextmanager
def numbers_in(dtype: torch.dtype) -> Iterator[None]:
    """Let torch's optimizers keep rates and products in `dtype`, and not always in float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def difference(
    ours: type, theirs: type, arguments: dict[str, Any], dtype: torch.dtype
) -> str | None:
    """Return the first difference between the two in the course of some steps, or None."""
    generator = torch.Generator().manual_seed(0)

    def draw() -> list[torch.Tensor]:
        shapes = MATRICES if theirs.__name__ == "Muon" else SHAPES
        return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]

    start = draw()
    parameters = [Parameter(value.clone()) for value in start]
    leaves = [value.clone().requires_grad_() for value in start]
    right = theirs(leaves, **copy.deepcopy(arguments))
    try:
        optimizer = ours(parameters, **copy.deepcopy(arguments))
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            for parameter, leaf, grad in zip(parameters, leaves, draw(), strict=True):
                parameter.grad += grad
                leaf.grad = grad.clone()
            optimizer.step()
            right.step()
            for parameter, leaf in zip(parameters, leaves, strict=True):
                error = (parameter.value - leaf.detach()).abs().max().item()
                if not error <= TOLERANCE[dtype] * leaf.detach().abs().max().item():
                    return f"step {step} differs by {error:.2g} for shape {tuple(leaf.shape)}"
            if step == STEPS // 2:
                state = optimizer.state_dict()
                optimizer = ours(parameters, **copy.deepcopy(arguments))
                optimizer.load_state_dict(state)
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    return None

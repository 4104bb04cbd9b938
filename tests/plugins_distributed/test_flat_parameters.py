"""Parameters as windows into one vector: the same tensors, wherever they are moved."""

from __future__ import annotations

import pytest
import torch

from minidl_core import Parameter, StateError
from minidl_plugins_distributed.flat_parameters import FlatParameters


def parameters(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> list[Parameter]:
    generator = torch.Generator().manual_seed(0)

    def draw(shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=dtype)

    return [Parameter(draw(shape), draw(shape)) for shape in shapes]


def test_the_parameters_stay_the_same_tensors_with_the_same_elements():
    several = parameters((3, 2), (), (5,), (0, 4), (17,))
    tensors = [tensor for pair in several for tensor in pair]
    elements = [tensor.clone() for tensor in tensors]
    (vector,) = FlatParameters(several).vectors()
    for tensor, now, before in zip(
        tensors, (t for pair in several for t in pair), elements, strict=True
    ):
        assert now is tensor
        assert now.equal(before)
    assert vector.value.shape == (16 + 16 + 16 + 0 + 32,)


def test_what_is_done_to_the_vector_is_done_to_the_parameters_and_back():
    several = parameters((3, 2), (5,))
    flat = FlatParameters(several)
    (vector,) = flat.vectors()
    vector.value.fill_(2.0)
    vector.grad.zero_()
    assert all((value == 2).all() and (grad == 0).all() for value, grad in several)
    several[1].value.fill_(3.0)
    assert flat.vectors()[0].value.tolist() == [2.0] * 16 + [3.0] * 5 + [2.0] * 11


def test_the_gaps_are_zero():
    (vector,) = FlatParameters(parameters((3,), (2,))).vectors()
    gaps = torch.ones(32, dtype=torch.bool)
    gaps[:3] = gaps[16:18] = False
    assert not vector.value[gaps].any()
    assert not vector.grad[gaps].any()


def test_a_layout_of_its_own_is_no_matter():
    (parameter,) = parameters((3, 2))
    turned = Parameter(parameter.value.t(), parameter.grad.t())
    before = turned.value.clone()
    FlatParameters([turned]).vectors()
    assert turned.value.equal(before)
    assert turned.value.is_contiguous()


def test_each_dtype_has_its_vector():
    several = [*parameters((3,)), *parameters((2,), dtype=torch.float32), *parameters((4,))]
    flat = FlatParameters(several)
    assert [vector.value.dtype for vector in flat.vectors()] == [torch.float64, torch.float32]
    parts = flat.split([vector.value for vector in flat.vectors()])
    assert all(part.equal(p.value) for part, p in zip(parts, several, strict=True))


def test_state_for_each_element_is_split_in_the_parameters_order_and_shape():
    several = parameters((3, 2), (5,))
    flat = FlatParameters(several)
    state = flat.zeros()
    first, second = flat.split(state)
    first.fill_(1.0)
    assert (first.shape, second.shape) == ((3, 2), (5,))
    assert state[0].sum() == 6


def moved_by_data(parameter: Parameter) -> None:
    parameter.value.data = parameter.value.clone()


def moved_by_another_vector(parameter: Parameter) -> None:
    FlatParameters([parameter]).vectors()


def replaced(parameter: Parameter) -> None:
    parameter.value = parameter.value.clone()


def gradient_replaced(parameter: Parameter) -> None:
    parameter.grad = parameter.grad.clone()


@pytest.mark.parametrize(
    "move", [moved_by_data, moved_by_another_vector, replaced, gradient_replaced]
)
def test_a_moved_parameter_is_followed(move):
    still, moving = parameters((3,), (2,)), parameters((3,), (2,))
    flat = [FlatParameters(params) for params in (still, moving)]
    for round_ in range(4):
        if round_ in (1, 2):
            move(moving[1])
        for each in flat:
            for vector in each.vectors():
                vector.value.sub_(vector.grad, alpha=0.1)
    for a, b in zip(still, moving, strict=True):
        assert a.value.equal(b.value)


def test_a_parameter_that_changed_its_dtype_is_refused():
    (parameter,) = parameters((3,))
    flat = FlatParameters([parameter])
    flat.vectors()
    parameter.value = parameter.value.float()
    with pytest.raises(StateError, match="make the optimizer then"):
        flat.vectors()

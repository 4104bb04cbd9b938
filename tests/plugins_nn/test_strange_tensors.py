"""What is no dense tensor of real numbers is refused by every module, loss and optimizer."""

from __future__ import annotations

import inspect
from contextlib import suppress
from functools import partial

import pytest
import torch

from minidl_core import DtypeError, MinidlError, Parameter, ParameterError, registry, walk

from .test_no_tensors import COMPONENTS, built, inputs_of

STRANGE = {
    "sparse": lambda shape: torch.ones(shape).to_sparse(),
    "compressed": lambda shape: torch.ones(4, 3).to_sparse_csr(),
    "quantised": lambda shape: torch.quantize_per_tensor(torch.ones(shape), 0.1, 0, torch.quint8),
    "complex": lambda shape: torch.ones(shape, dtype=torch.complex64),
    "nested": lambda shape: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "str": lambda shape: "abc",
    "dict": lambda shape: {"x": torch.ones(shape)},
    "class": lambda shape: torch.Tensor,
    "parameter": lambda shape: Parameter(torch.ones(shape)),
}
# Layers that hand on their elements take any; the meaning of others depends on them.
ODD = {
    "bool": lambda shape: torch.ones(shape, dtype=torch.bool),
    "zero-dimensional": lambda shape: torch.tensor(1.0),
    "meta": lambda shape: torch.ones(shape, device="meta"),
}
LOSSES = [name for name in COMPONENTS if COMPONENTS[name][0] == "losses"]
OPTIMIZERS = {
    each.name: each
    for each in registry.components("optimizers")
    if each.distribution.name in ("minidl-plugins-basic", "minidl-plugins-nn")
}
pytestmark = pytest.mark.filterwarnings(
    "ignore:The PyTorch API of nested tensors", "ignore:Sparse CSR", "ignore:.*quantize_per_tensor"
)


def arguments(name, at, make):
    """The inputs of a component, of which number `at`, or all, is what `make` makes."""
    module, shapes = built(COMPONENTS[name][1])
    shapes = [*shapes, *shapes[:1] * inputs_of(module)]
    wanted = range(inputs_of(module))
    return module, [
        make(shapes[i]) if at in (i, None) else torch.full(shapes[i], 0.5) for i in wanted
    ]


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", COMPONENTS)
def test_module_or_loss_refuses_strange_inputs(name, kind):
    module, inputs = arguments(name, None, STRANGE[kind])
    with pytest.raises((DtypeError, ParameterError), match=r"got |requires_grad") as caught:
        module.forward(*inputs)
    assert "\n" not in str(caught.value)
    assert not any(each._stack for _, each in walk(module))


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_refuses_strange_targets(name, kind):
    module, inputs = arguments(name, -1, STRANGE[kind])
    inputs[-1] = STRANGE[kind](inputs[-1].shape)
    with pytest.raises(MinidlError) as caught:
        module.forward(*inputs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", COMPONENTS)
def test_odd_tensors_are_computed_with_or_refused(name, kind):
    module, inputs = arguments(name, None, ODD[kind])
    with suppress(MinidlError):
        assert module.forward(*inputs) is not None


@pytest.mark.parametrize("kind", [*sorted({*STRANGE} - {"parameter"}), "list", "none", "number"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_refuses_what_is_no_parameter(name, kind):
    others = {"list": [[1.0]], "none": None, "number": 0.1}
    given = others[kind] if kind in others else STRANGE[kind]((2, 3))
    cls = OPTIMIZERS[name].load()
    wanted = inspect.signature(cls).parameters
    sgd = partial(registry.get("optimizers", "minidl-plugins-basic/SGD"), lr=0.1)
    rest = {"optimizer": sgd, "lr": 0.1, "batches": 2, "matrices": sgd, "others": sgd}
    with pytest.raises(MinidlError) as caught:
        cls([given], **{key: value for key, value in rest.items() if key in wanted})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sparse", "compressed", "quantised", "complex", "nested", "str"])
def test_parameter_refuses_strange_values(kind):
    with pytest.raises(ParameterError, match="must"):
        Parameter(STRANGE[kind]((2, 3)))

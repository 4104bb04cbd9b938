"""One hierarchy, drawn in one docstring; messages that say where; foreign errors left alone."""

from __future__ import annotations

import builtins
import copy
import pickle
import re
import sys
from typing import Any

import pytest

from minidl_core import BaseModule, MinidlError, Sequential, ShapeError, errors

from .fakes import Square

BASES = {
    "AmbiguousComponentError": LookupError,
    "ArgumentError": ValueError,
    "ComponentNotFoundError": LookupError,
    "ContractError": TypeError,
    "DeviceError": ValueError,
    "DtypeError": TypeError,
    "NonFiniteError": ArithmeticError,
    "ParameterError": TypeError,
    "PendingForwardWarning": UserWarning,
    "PluginWarning": UserWarning,
    "ShapeError": ValueError,
    "StateError": RuntimeError,
}
# the drawn tree: branches, a class, its builtin base if it has one, and what it means
DRAWN = re.findall(r"^ {4}([│├└─ ]*)(\w+) *(?:\((\w+)\))?", errors.__doc__ or "", re.MULTILINE)


class Residual(BaseModule):
    """A container that adds nothing to the path: y = x + f(x)."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return x + self.inner.forward(x)

    def backward(self, grad_output: Any) -> Any:
        return grad_output + self.inner.backward(grad_output)


class Failing(BaseModule):
    """Raises what it is given."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def forward(self, x: Any) -> Any:
        raise self.error

    def backward(self, grad_output: Any) -> Any:
        raise self.error


def test_every_class_is_drawn_once() -> None:
    assert sorted(name for _, name, _ in DRAWN) == errors.__all__


@pytest.mark.parametrize(("branch", "name", "base"), DRAWN, ids=[name for _, name, _ in DRAWN])
def test_the_drawing_is_true(branch: str, name: str, base: str) -> None:
    kind = getattr(errors, name)
    parent = (
        MinidlError if len(branch) == 4 else errors.RegistryError if len(branch) == 8 else Exception
    )
    assert issubclass(kind, parent)
    foreign = {getattr(builtins, base)} if base else set()
    assert {c for c in kind.__bases__ if not issubclass(c, MinidlError)} - {Exception} == foreign
    assert BASES.get(name) == next(iter(foreign), None)  # who catches it today must not change


def test_catching_the_base_catches_every_error() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, MinidlError) is not issubclass(kind, Warning) for kind in kinds)


def test_a_message_begins_with_its_place() -> None:
    assert str(ShapeError("too wide")) == "too wide"
    assert str(ShapeError("too wide", where="train › batch 3")) == "train › batch 3: too wide"
    assert str(ShapeError("too wide", where=Sequential())) == "Sequential: too wide"


@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("where", ["Failing", None], ids=["own-place", "no-place-given"])
@pytest.mark.parametrize(
    ("wrapped", "path"),
    [
        pytest.param(Sequential, ["Sequential[1]", "Sequential[0]", "Failing"], id="chain"),
        pytest.param(
            lambda layer: Residual(Sequential(layer)),
            ["Sequential[1]", "Residual", "Sequential[0]", "Failing"],
            id="chain-in-a-container-of-a-stranger",
        ),
        pytest.param(lambda layer: layer, ["Sequential[1]", "Failing"], id="bare"),
    ],
)
def test_each_container_puts_its_step_in_front(
    wrapped: Any, path: list[str], where: Any, way: str
) -> None:
    model = Sequential(Square(), wrapped(Failing(ShapeError("too wide", where=where))))
    with pytest.raises(ShapeError) as caught:
        getattr(model, way)(1.0)
    assert caught.value.path == path
    assert str(caught.value) == f"{' › '.join(path)}: too wide"


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("x"), KeyError("x"), AttributeError("x")], ids=repr
)
def test_a_foreign_error_keeps_its_type_and_gets_a_note(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        Sequential(Sequential(Failing(error))).forward(1.0)
    assert caught.value is error
    assert str(error) == str(type(error)("x"))
    if sys.version_info >= (3, 11):
        assert error.__notes__ == ["in Sequential[0] › Failing", "in Sequential[0] › Sequential"]


@pytest.mark.parametrize("copied", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_an_error_survives_a_copy_with_its_place(copied: Any) -> None:
    error = ShapeError("too wide", where="Square")
    error.path.insert(0, "Sequential[0]")
    twin = copied(error)
    assert type(twin) is ShapeError
    assert str(twin) == str(error) == "Sequential[0] › Square: too wide"

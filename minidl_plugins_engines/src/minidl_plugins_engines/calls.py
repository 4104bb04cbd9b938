"""The fastest Python function for an operation of torch.

``torch.mm`` costs about 1 µs less than ``torch.ops.aten.mm.default``, which is the same operation.
Whether a function calls just that operation is tried once, on tensors without memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from minidl_plugins_engines.program import Value, with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from minidl_plugins_engines.program import Call

__all__ = ["in_place", "plain", "with_out"]

_plain: dict[Any, Callable[..., Any]] = {}


class _Found(Exception):  # noqa: N818 (it is no error)
    """Carries the operation that was dispatched."""


class _Dispatched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops at the first operation that is dispatched, before it is carried out."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        raise _Found(func)


def plain(call: Call) -> Callable[..., Any]:
    """Return a function that does `call` when called with its arguments."""
    kinds = tuple(type(each) for each in (*call.args, *call.kwargs.values()))
    key = (call.target, kinds, tuple(call.kwargs))
    if key not in _plain:
        _plain[key] = next(
            (each for each in _candidates(call.name) if _target(each, call) is call.target),
            call.target,
        )
    return _plain[key]


def with_out(call: Call) -> Callable[..., Any] | None:
    """Return a function that writes the result of `call` into its argument ``out``, or None."""
    if call.name not in WITH_OUT or call.result is None:
        return None
    function = getattr(torch, WITH_OUT[call.name], None)
    if function is None:
        return None
    out = {"out": call.result.empty("meta")}
    return function if _packet(_target(function, call, **out)) == WITH_OUT[call.name] else None


def in_place(call: Call) -> Callable[..., Any] | None:
    """Return the method that overwrites the first argument of `call` by its result, or None."""
    function = getattr(torch.Tensor, f"{call.name}_", None)
    if function is None or torch.Tag.pointwise not in call.target.tags:
        return None
    return function if _packet(_target(function, call)) == f"{call.name}_" else None


def _candidates(name: str) -> list[Callable[..., Any]]:
    """Functions in C of this name; those written in Python do more than one thing."""
    homes = (torch, torch._C._nn, torch.Tensor)
    found = [getattr(home, name, None) for home in homes]
    builtin = (type(torch.add), type(torch.Tensor.add))
    return [each for each in found if isinstance(each, builtin)]


def _target(function: Callable[..., Any], call: Call, **more: Any) -> Any:
    """Return the operation that `function` dispatches when it is called as in `call`, or None."""

    def on_meta(value: Value) -> Any:
        return value.empty("meta")

    kwargs = {key: with_values(value, on_meta) for key, value in call.kwargs.items()}
    if "device" in kwargs:
        kwargs["device"] = torch.device("meta")
    args = [with_values(each, on_meta) for each in call.args]
    try:
        with torch.no_grad(), _Dispatched():  # type: ignore[no-untyped-call]
            function(*args, **kwargs, **more)
    except _Found as found:
        return found.args[0]
    except Exception:  # it takes other arguments, or does not work without memory
        return None
    return None


def _packet(target: Any) -> str | None:
    return None if target is None else str(target.overloadpacket.__name__)


# Operations whose functions take ``out``, and those functions.
WITH_OUT = {
    name: name
    for name in (
        *("abs", "add", "addmm", "addmv", "amax", "amin", "baddbmm", "bmm", "cat", "ceil", "clamp"),
        *("clamp_max", "clamp_min", "cos", "cumsum", "div", "eq", "erf", "exp", "expm1", "floor"),
        *("gather", "ge", "gt", "index_select", "le", "log", "log1p", "logical_and", "logical_not"),
        *("logical_or", "logsumexp", "lt", "maximum", "minimum", "mm", "mul", "mv", "ne", "neg"),
        *("pow", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sqrt", "square", "sub"),
        *("sum", "tanh", "where", "xlogy"),
    )
}

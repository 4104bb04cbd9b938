"""First values of parameters, by the name of their law."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from minidl_core import ArgumentError, Module, children, suggest, walk
from minidl_plugins_nn import initial_laws as laws
from minidl_plugins_nn.default_initialisation import DEFAULTS, zero_padding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Generator

    from minidl_core import Parameter

    AnyModule = TypeVar("AnyModule", bound=Module)

__all__ = ["initialise"]

LAWS: dict[str, Callable[..., Any]] = {
    "constant": laws.constant,
    "dirac": laws.dirac,
    "eye": laws.eye,
    "glorot": laws.xavier_uniform,
    "glorot_normal": laws.xavier_normal,
    "glorot_uniform": laws.xavier_uniform,
    "he": partial(laws.kaiming_normal, nonlinearity="relu"),
    "he_normal": partial(laws.kaiming_normal, nonlinearity="relu"),
    "he_uniform": partial(laws.kaiming_uniform, nonlinearity="relu"),
    "kaiming_normal": laws.kaiming_normal,
    "kaiming_uniform": laws.kaiming_uniform,
    "lecun_normal": partial(laws.kaiming_normal, nonlinearity="linear"),
    "lecun_uniform": partial(laws.kaiming_uniform, nonlinearity="linear"),
    "normal": laws.normal,
    "ones": partial(laws.constant, val=1.0),
    "orthogonal": laws.orthogonal,
    "trunc_normal": laws.trunc_normal,
    "uniform": laws.uniform,
    "xavier_normal": laws.xavier_normal,
    "xavier_uniform": laws.xavier_uniform,
    "zeros": partial(laws.constant, val=0.0),
}


def initialise(
    module: AnyModule,
    law: str | Callable[..., Any],
    *,
    generator: Generator | None = None,
    biases: float | None = 0.0,
    **arguments: Any,
) -> AnyModule:
    """Give every weight inside `module` new values, and return it::

        initialise(model, "he", generator=generator)
        initialise(model, "trunc_normal", std=0.02, a=-0.04, b=0.04, generator=generator)

    Weights are the parameters of two and more dimensions that are no biases. Vectors, such as the
    scales of a norm, stay as they are, and the row of an embedding's padding stays zero. A shared
    parameter is drawn once.

    Args:
        module: a layer or a model.
        law: a name of torch.nn.init without its last underscore (``"xavier_uniform"``);
            ``"glorot"``, ``"he"`` or ``"lecun"`` with ``"_normal"`` or ``"_uniform"``, and
            ``"glorot"`` (uniform) and ``"he"`` (normal) alone; ``"default"`` for what torch's
            layers start with, vectors and biases included; or a function of a tensor that fills it
            in place.
        generator: where the numbers come from; torch's global generator when left out.
        biases: what biases beside a weight are set to; None leaves them.
        arguments: further ones of the law: ``gain``, ``std``, ``mode``, ….

    Raises:
        ArgumentError: there is no such law; an argument it does not take; no weight to draw;
            ``"default"`` for a layer that torch does not have.

    Reference: X. Glorot and Y. Bengio, AISTATS 2010; K. He et al., ICCV 2015; A. Saxe et al., ICLR
    2014 (orthogonal).
    """
    if not isinstance(module, Module) or not (isinstance(law, str) or callable(law)):
        raise ArgumentError(
            f"expected a module and the name of a law, got {type(module).__name__} and {law!r}; "
            'write initialise(model, "xavier_normal")',
            where="initialise",
        )
    if law == "default":
        _draw_defaults(module, generator, arguments)
        return module
    draw = _law(law, generator, arguments)
    drawn: set[int] = set()
    for path, layer in walk(module):
        own = _own_parameters(layer)
        weights = [name for name, p in own.items() if p.value.ndim > 1 and "bias" not in name]
        for name in weights:
            if id(own[name]) not in drawn:
                drawn.add(id(own[name]))
                _call(draw, own[name], law, f"{path}.{name}" if path else name)
                zero_padding(layer, own[name].value)
        for name, parameter in own.items():
            if "bias" in name and weights and biases is not None:
                parameter.value.fill_(biases)
    if not drawn:
        raise ArgumentError(
            f"expected a module with a weight of two or more dimensions, got {module!r}; draw its "
            "parameters yourself",
            where="initialise",
        )
    return module


def _law(
    law: str | Callable[..., Any], generator: Generator | None, arguments: dict[str, Any]
) -> Callable[..., Any]:
    """Return the function of a tensor that is called `law`, with its arguments filled in."""
    if callable(law):
        return partial(law, **arguments)
    if law not in LAWS:
        known = [*LAWS, "default"]
        raise ArgumentError(
            f'there is no law "{law}".{suggest(law, known)} There are: {", ".join(sorted(known))}',
            where="initialise",
        )
    function = LAWS[law]
    accepted = set(list(inspect.signature(function).parameters)[1:])
    unknown = [name for name in arguments if name not in accepted]
    if unknown:
        takes = ", ".join(sorted(accepted - {"generator"})) or "none"
        raise ArgumentError(
            f'"{law}" has no argument {unknown[0]}; it takes {takes}', where="initialise"
        )
    if "generator" in accepted:
        arguments = {**arguments, "generator": generator}
    return partial(function, **arguments)


def _call(draw: Callable[..., Any], parameter: Parameter, law: object, name: str) -> None:
    try:
        draw(parameter.value)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{law!r} does not fit {name} of shape {tuple(parameter.value.shape)}: {error}",
            where="initialise",
        ) from error


def _own_parameters(layer: Module) -> dict[str, Parameter]:
    """Return the parameters of `layer` that are in no module inside it."""
    named: list[tuple[str, Parameter]] = list(getattr(layer, "named_param", list)())
    inside = tuple(f"{name}." for name, _ in children(layer))
    return {name: parameter for name, parameter in named if not name.startswith(inside)}


def _draw_defaults(module: Module, generator: Generator | None, arguments: dict[str, Any]) -> None:
    if arguments:
        raise ArgumentError(
            f'"default" takes no arguments, got {", ".join(arguments)}', where="initialise"
        )
    layers = [(path, layer) for path, layer in _inside_out("", module) if _own_parameters(layer)]
    laws = [_default_of(path, layer) for path, layer in layers]
    for (_, layer), law in zip(layers, laws, strict=True):
        law(layer, _own_parameters(layer), generator)


def _inside_out(path: str, module: Module) -> Iterator[tuple[str, Module]]:
    """Yield what is inside before what holds it, as torch's constructors draw."""
    for name, child in children(module):
        yield from _inside_out(f"{path}.{name}" if path else name, child)
    yield path, module


def _default_of(path: str, layer: Module) -> Callable[..., None]:
    for base in type(layer).__mro__:
        if base.__name__ in DEFAULTS:
            return DEFAULTS[base.__name__]
    raise ArgumentError(
        f"expected layers that torch has too, got {type(layer).__name__} at {path or 'the top'}; "
        "name a law for it",
        where="initialise",
    )

"""Models from torch.nn, and models for it: the same modules, with the same weights."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, MinidlError, Sequential, registry, walk
from minidl_plugins_nn.torch_arguments import arguments_of, attribute, parameter_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["from_torch", "to_torch"]

PROVIDERS = ("minidl-plugins-nn", "minidl-plugins-basic")  # whose modules have torch's names
KINDS = ("modules", "losses")
CHAINS = (Sequential, torch.nn.Sequential)


def from_torch(module: torch.nn.Module) -> Any:
    """Return our model with the modules, weights, buffers and modes of `module`.

    It is built of the modules that have the names of torch's, with their arguments, and of
    `Sequential`. Parameters that several modules share are shared; ``requires_grad=False`` becomes
    ``trainable=False``. The tensors are copied.

    Raises:
        ArgumentError: a module has no counterpart here, or an option of it; it is named.
    """
    translation = _Translation(_ours, Sequential)
    model = translation.of(module, "")
    _share(translation.pairs, to_torch=False)
    _copy_modes(translation.pairs, to_torch=False)
    return model


def to_torch(model: Any) -> torch.nn.Module:
    """Return a torch.nn model with the modules, weights, buffers and modes of `model`.

    Raises:
        ArgumentError: a module has no counterpart in torch.nn, or an option of it; it is named.
    """
    translation = _Translation(_theirs, torch.nn.Sequential)
    module: torch.nn.Module = translation.of(model, "")
    _share(translation.pairs, to_torch=True)
    _copy_modes(translation.pairs, to_torch=True)
    return module


class _Translation:
    """Builds the twin of a module, and of those inside.

    Args:
        twin: returns the class of the twin of a module; None if it has none.
        chain: the class of a chain of modules.
    """

    def __init__(self, twin: Callable[[Any], type | None], chain: Callable[..., Any]) -> None:
        self.twin, self.chain = twin, chain
        self.built: dict[int, Any] = {}  # a module in two places stays one
        self.pairs: list[tuple[Any, Any]] = []  # of an original and its twin, in order

    def of(self, module: Any, path: str) -> Any:
        """Return the twin of `module`, which stands at `path`."""
        if id(module) not in self.built:
            self.built[id(module)] = self._build(module, path)
            self.pairs.append((module, self.built[id(module)]))
        return self.built[id(module)]

    def _build(self, module: Any, path: str) -> Any:
        if type(module) in CHAINS:
            names = list(_named_children(module))
            return self.chain(*(self.of(each, _below(path, name)) for name, each in names))
        where = f"{path} ({type(module).__name__})" if path else type(module).__name__
        function = "from_torch" if isinstance(module, torch.nn.Module) else "to_torch"
        twin = self.twin(module)
        if twin is None:
            raise ArgumentError(
                f"{where} has no counterpart; build the model of modules that both have and of "
                "Sequential, or translate this one by hand",
                where=function,
            )
        try:
            return self._filled(module, twin, path)
        except MinidlError as error:
            raise ArgumentError(f"{where}: {error}", where=function) from error
        except (TypeError, ValueError, RuntimeError) as error:
            raise ArgumentError(
                f"{where} cannot be built as {twin.__module__}.{twin.__name__}: {error}; change "
                "its options, or translate it by hand",
                where=function,
            ) from error

    def _filled(self, module: Any, twin: type, path: str) -> Any:
        own, others = parameter_names(type(module)), parameter_names(twin)
        anything = any(p.kind is p.VAR_KEYWORD for p in _raw(twin))
        open_own = any(p.kind is p.VAR_KEYWORD for p in _raw(type(module)))
        arguments = arguments_of(module, own | others if anything or open_own else own)
        for name in list(arguments):
            if name in others or (anything and name in own):
                arguments[name] = self._argument(name, arguments[name], _below(path, name))
            elif _is_default(own.get(name), arguments[name]):
                del arguments[name]
            else:
                raise ArgumentError(f"it has no argument {name}, and it is {arguments[name]!r}")
        state = module.state_dict()
        dtype = next((t.dtype for t in state.values() if t.is_floating_point()), None)
        device = next((t.device for t in state.values()), None)
        for name, value in (("dtype", dtype), ("device", device)):
            if value is not None and (anything or name in {p.name for p in _raw(twin)}):
                arguments[name] = value
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # First weights are drawn and not used; `module` has had the warnings of its options.
            warnings.simplefilter("ignore", UserWarning)
            built = twin(**arguments)
        built.load_state_dict(state)
        return built

    def _argument(self, name: str, value: Any, path: str) -> Any:
        """Return the twin of an argument that is a module; anything else as it is."""
        if name == "activation" and type(value).__name__ == "Rectifier":
            return "relu"
        if name in ("kernel_size", "stride") and isinstance(value, tuple) and len(value) == 1:
            return value[0]  # torch's LPPool1d takes no tuple
        if isinstance(value, torch.nn.Module) or (
            hasattr(value, "backward") and hasattr(value, "forward")
        ):
            return self.of(value, path)
        return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _ours(module: Any) -> type | None:
    """Return our class for a module of torch; None if it is not one of torch's own."""
    cls = type(module)
    if getattr(torch.nn, cls.__name__, None) is not cls or _is_hooked(module):
        return None
    for provider in PROVIDERS:
        for kind in KINDS:
            if any(
                c.qualified_name == f"{provider}/{cls.__name__}" for c in registry.components(kind)
            ):
                found: type = registry.get(kind, f"{provider}/{cls.__name__}")
                return found
    return None


def _theirs(module: Any) -> type | None:
    """Return torch's class for a module of ours; None for one of somebody else's."""
    cls = type(module)
    found: type | None = getattr(torch.nn, cls.__name__, None)
    ours = cls.__module__.partition(".")[0] in ("minidl_plugins_nn", "minidl_plugins_basic")
    return found if ours else None


def _is_hooked(module: torch.nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _is_default(parameter: inspect.Parameter | None, value: Any) -> bool:
    if parameter is None or parameter.default is parameter.empty:
        return False
    return not isinstance(value, torch.Tensor) and bool(value == parameter.default)


def _raw(cls: type) -> list[inspect.Parameter]:
    return list(inspect.signature(cls.__init__).parameters.values())  # type: ignore[misc]


def _named_children(module: Any) -> list[tuple[str, Any]]:
    if isinstance(module, torch.nn.Module):
        return list(module._modules.items())
    return [(str(index), each) for index, each in enumerate(module)]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


# -- what modules share, and their modes -----------------------------------------------------------


def _share(pairs: list[tuple[Any, Any]], *, to_torch: bool) -> None:
    """Let twins share the parameters that their originals share, and train the same ones."""
    twins: dict[int, Any] = {}
    for original, twin in pairs:
        if type(original) in CHAINS:
            continue  # those in it are pairs of their own
        for name, parameter in _parameters(original):
            own = twins.setdefault(id(parameter), attribute(twin, name))
            owner = attribute(twin, name.rpartition(".")[0]) if "." in name else twin
            if attribute(twin, name) is not own:
                setattr(owner, name.rpartition(".")[2], own)
            if to_torch:
                own.requires_grad_(parameter.trainable)
            else:
                own.trainable = parameter.requires_grad


def _parameters(module: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(module, torch.nn.Module):
        return module.named_parameters(remove_duplicate=False)
    named: Iterable[tuple[str, Any]] = module.named_param()
    return named


def _copy_modes(pairs: list[tuple[Any, Any]], *, to_torch: bool) -> None:
    """Put each module of the twins into the mode, training or evaluation, of its original."""
    for original, twin in reversed(pairs):  # chains before those in them
        if type(original) in CHAINS:
            twin.train() if original.training else twin.eval()
            continue
        for path, inner in twin.named_modules() if to_torch else walk(twin):
            source = attribute(original, path) if path else original
            if hasattr(source, "training"):
                inner.train() if source.training else inner.eval()

"""Where a NaN or an infinity in the loss comes from, found after the fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core.errors import NonFiniteError, title
from minidl_core.parameter import Parameter
from minidl_core.tree import children, members

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_core.protocols import Loss, Module

    Place = tuple[list[str], str]  # the path, and what is wrong there

__all__ = ["nonfinite_error"]


def nonfinite_error(
    index: int, model: Module, loss: Loss, inputs: tuple[Any, ...], target: Any, value: Tensor
) -> NonFiniteError:
    """Return the error for a loss `value` that is no number; its path is the first place to blame.

    What the forward pass kept is discarded, and the pass is repeated in evaluation mode.
    """
    model.eval()
    loss.eval()
    path, cause = (
        _not_finite(inputs, [f"train › batch {index}"], "the input has {}")
        or _not_finite(target, [f"train › batch {index}"], "the target has {}")
        or _first_place(model, inputs)
        or ([title(loss)], "prediction and target are finite; it overflowed")
    )
    model.train()
    loss.train()
    error = NonFiniteError(
        f"{cause}. The loss of step {index} is {value.tolist()}; this step changed no parameter. "
        "Clean the data, lower the learning rate, or start from other weights"
    )
    error.path = path
    return error


def _first_place(model: Module, inputs: tuple[Any, ...]) -> Place | None:
    """Run `model` forward with each module in it watched: the first that is not finite."""
    places: list[Place] = []
    watched: list[Module] = []
    try:
        _watch(model, [], places, watched)
        model.forward(*inputs)
    finally:
        for module in watched:
            del vars(module)["forward"]
    return places[0] if places else None


def _watch(module: Module, above: list[str], places: list[Place], watched: list[Module]) -> None:
    inside = children(module)
    own = getattr(module, "__dict__", {"forward": None})
    if "forward" not in own:
        forward = module.forward
        path = above if inside and above else [*above, title(module)]
        own_parameters = [item for _, item in members(module) if isinstance(item, Parameter)]
        values = [each.value for each in (own_parameters if inside else module.param())]

        def watching(*inputs: Any, **kwargs: Any) -> Any:
            output = forward(*inputs, **kwargs)
            found = _not_finite(values, path, "a parameter has {}: an earlier step diverged")
            found = found or _not_finite(output, path, "its output is the first that has {}")
            places.extend([found] if found else [])
            return output

        own["forward"] = watching
        watched.append(module)
    for name, child in inside:
        _watch(child, [*above, f"{type(module).__name__}[{name}]"], places, watched)


def _not_finite(tensors: Any, path: list[str], what: str) -> Place | None:
    several = tensors if isinstance(tensors, (tuple, list)) else (tensors,)
    if all(bool(x.isfinite().all()) for x in several if hasattr(x, "isfinite")):
        return None
    return path, what.format("NaN or infinite elements")

"""The constructor's arguments of a module that is built already, read from its attributes."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from minidl_core import ArgumentError, Parameter

__all__ = ["MISSING", "arguments_of", "attribute", "parameter_names"]

MISSING: Any = object()
# What a run, or torch's ``.to()``, decides; and what no module keeps.
SKIPPED = {"self", "generator", "device", "dtype", "args", "kwargs", "inplace", "init"}
# Arguments that a module keeps inside of its parts, or by another name; the first that is there.
ELSEWHERE = {
    "p": ("norm",),
    "d_model": ("self_attn.embed_dim",),
    "nhead": ("self_attn.num_heads",),
    "dim_feedforward": ("linear1.out_features",),
    "dropout": ("dropout.p",),
    "layer_norm_eps": ("norm1.eps",),
    "batch_first": ("self_attn.batch_first",),
    "encoder_layer": ("layers.0",),
    "decoder_layer": ("layers.0",),
    "custom_encoder": ("encoder",),
    "custom_decoder": ("decoder",),
    "add_bias_kv": ("bias_k",),
    "bias": ("in_proj_bias", "linear1.bias", "bias_ih", "bias_ih_l0"),
    "value": ("replacement",),
}
# Arguments that no module keeps, because they are old names or hold one value here, and those of a
# Transformer, whose encoder and decoder are given instead.
FORGOTTEN = {
    *("reduce", "size_average", "min_value", "max_value", "_weight", "_freeze"),
    *("max_norm", "norm_type", "sparse", "enable_nested_tensor", "mask_check"),
}
OF_TRANSFORMER = {
    *("num_encoder_layers", "num_decoder_layers", "dim_feedforward", "dropout", "activation"),
    *("layer_norm_eps", "norm_first", "bias"),
}
# Arguments that say whether there is such a tensor.
FLAGS = {"bias", "add_bias_kv"}


def parameter_names(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of the constructor of `cls` by name, without what a module forgets."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return {name: parameter for name, parameter in parameters.items() if name not in SKIPPED}


def arguments_of(module: Any, names: dict[str, inspect.Parameter]) -> dict[str, Any]:
    """Return the argument of each of `names` with which a module equal to `module` is built.

    Raises:
        ArgumentError: `module` takes one of them, and keeps it nowhere.
    """
    found = {name: _argument(module, name) for name in names}
    may_miss = FORGOTTEN | (OF_TRANSFORMER if "custom_encoder" in names else set())
    for name in parameter_names(type(module)):
        if found.get(name) is MISSING and name not in may_miss:
            raise ArgumentError(f"it does not keep its argument {name}, so it cannot be read")
    return {name: value for name, value in found.items() if value is not MISSING}


def _argument(module: Any, name: str) -> Any:
    value = attribute(module, name)
    if name in ELSEWHERE and (value is MISSING or (name == "dropout" and _has_forward(value))):
        places = (attribute(module, path) for path in ELSEWHERE[name])
        value = next((found for found in places if found is not MISSING), MISSING)
    if name in FLAGS and value is not MISSING and not isinstance(value, bool):
        return value is not None
    return value.value if isinstance(value, Parameter) else value


def attribute(module: Any, path: str) -> Any:
    """Return the attribute at ``a.0.b``, or MISSING."""
    for name in path.split("."):
        if name.isdigit() and not hasattr(module, name):
            module = module[int(name)] if len(module) > int(name) else MISSING
        else:
            module = getattr(module, name, MISSING)
        if module is MISSING:
            return MISSING
    return MISSING if inspect.ismethod(module) else module


def _has_forward(value: object) -> bool:
    return isinstance(value, torch.nn.Module) or hasattr(value, "backward")

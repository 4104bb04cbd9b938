"""The cases that torch tests its own modules with, run against ours of the same name.

Both are built with the same arguments and given the same state, mode, inputs, seed and gradients of
the outputs. Equal must be: the outputs, the gradients of inputs and parameters, and the state after
the step. Torch's gradients come from autograd. Cases with ``reduction="none"`` are left out, for a
loss is a scalar here.
"""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from minidl_core import RegistryError, registry, walk

from .nested_tensors import mapped, tensors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

MODULES = {info.module_cls.__name__: info for info in module_db}
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
# Losses whose gradient in torch holds only for the output of a LogSoftmax over the last dimension:
# compared is what its backward makes of the gradient, which is the gradient of the logits.
OF_LOG_SOFTMAX = {"CTCLoss": "log_probs"}
TARGETS = {"target", "targets"}  # what a loss does not differentiate
PROVIDERS = ("minidl-plugins-nn", "minidl-plugins-basic")


class Outcome(NamedTuple):
    """How many cases of one name there are, how many passed, and what was wrong with the rest."""

    cases: int
    failures: list[str]

    @property
    def passed(self) -> int:
        return self.cases - len(self.failures)


class Case(NamedTuple):
    """One case of torch's, in one mode and dtype."""

    name: str
    number: int
    description: str
    training: bool
    dtype: torch.dtype
    module: type
    constructor: tuple[tuple[Any, ...], dict[str, Any]]
    inputs: tuple[tuple[Any, ...], dict[str, Any]]

    def __str__(self) -> str:
        mode = "training" if self.training else "evaluation"
        described = f" ({self.description})" if self.description else ""
        return f"case {self.number}{described}, {mode}, {str(self.dtype).removeprefix('torch.')}"


def component(name: str, kinds: tuple[str, ...] = ("modules", "losses")) -> type | None:
    """Return our class of that name, or None."""
    for provider in PROVIDERS:
        for kind in kinds:
            try:
                return registry.get(kind, f"{provider}/{name}")
            except LookupError:
                continue
            except RegistryError as error:
                raise AssertionError(error) from error
    return None


def outcome(name: str) -> Outcome:
    """Run all cases of the module `name` in both dtypes; one passes if it passes in both."""
    ours = component(name)
    wrong: dict[tuple[int, bool], str] = {}
    numbers = set()
    for dtype in TOLERANCE:
        for case in cases(name, dtype):
            key = case.number, case.training
            numbers.add(key)
            problem = "there is no such component" if ours is None else difference(ours, case)
            if problem:
                wrong.setdefault(key, f"{case}: {problem}")
    return Outcome(len(numbers), list(wrong.values()))


def cases(name: str, dtype: torch.dtype) -> Iterator[Case]:
    """Yield torch's cases for the module `name`, in evaluation too where that differs."""
    info = MODULES[name]
    for training in (True, False) if info.train_and_eval_differ else (True,):
        torch.manual_seed(0)
        with torch.enable_grad():  # what is computed from a differentiable input is one, too
            given = info.module_inputs_func(
                info, device="cpu", dtype=dtype, requires_grad=True, training=training
            )
        for number, each in enumerate(given):
            build, feed = each.constructor_input, each.forward_input
            if build.kwargs.get("reduction") == "none":
                continue
            constructor, inputs = (build.args, build.kwargs), (feed.args, feed.kwargs)
            yield Case(
                name, number, each.desc, training, dtype, info.module_cls, constructor, inputs
            )


def difference(component: type, case: Case) -> str | None:
    """Return what is different about ours in `case`, or None."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(case.dtype)
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, before, expected = run_theirs(case)
        return run_ours(component, case, theirs, before, expected)
    finally:
        torch.set_default_dtype(default)


class Results(NamedTuple):
    """What a forward and a backward gave, by what it is called in a message."""

    outputs: list[tuple[str, Tensor | None]]
    gradients: list[tuple[str, Tensor | None]]
    state: list[tuple[str, Tensor | None]]


def run_theirs(case: Case) -> tuple[torch.nn.Module, dict[str, Tensor], Results]:
    """Return torch's module, its state before the step, and what autograd made of the step."""
    module = _built(case, case.module).to(case.dtype)
    args, kwargs = mapped(_leaf, case.inputs)
    if isinstance(module, torch.nn.modules.lazy.LazyModuleMixin):
        module(*args, **kwargs)
    module.train(case.training)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    torch.manual_seed(1)
    outputs = module(*args, **kwargs)
    grads = [grad for grad in tensors(_gradients_of(outputs)) if grad is not None]
    differentiable = [output for output in tensors(outputs) if output.requires_grad]
    torch.autograd.backward(differentiable, grads[: len(differentiable)])
    bound = inspect.signature(module.forward).bind(*args, **kwargs)
    gradients = [
        (f"the gradient of input {name}" + f"[{number}]" * (number > 0), leaf.grad)
        for name, argument in bound.arguments.items()
        if not (_is_loss(case) and name in TARGETS)
        for number, leaf in enumerate(tensors(argument))
        if leaf.requires_grad
    ]
    parameters = module.named_parameters(remove_duplicate=False)
    gradients += [(f"the gradient of {name}", p.grad) for name, p in parameters]
    return module, before, Results(_outputs(outputs), gradients, _state(module.state_dict()))


def run_ours(
    component: type, case: Case, theirs: torch.nn.Module, before: dict[str, Tensor], right: Results
) -> str | None:
    """Return the first difference between ours and `right`, or None."""
    args, kwargs = mapped(lambda tensor: tensor.detach().clone(), case.inputs)
    bound = inspect.signature(theirs.forward).bind(*args, **kwargs)
    args, kwargs = bound.args, bound.kwargs
    try:
        module: Any = _built(case, component)
        if issubclass(case.module, torch.nn.modules.lazy.LazyModuleMixin):
            module.eval().forward(*args, **kwargs)
        _convert(module, case.dtype)
        module.load_state_dict(before)
        module.train() if case.training else module.eval().keep()
        kept = [tensor.clone() for tensor in tensors((args, kwargs))]
        torch.manual_seed(1)
        outputs = module.forward(*args, **kwargs)
        if first_difference(_state(before), _state(module.state_dict()), 0.0):
            return "forward changed the state"
        if not all(map(_same, kept, tensors((args, kwargs)))):
            return "forward changed an input"
        if problem := first_difference(right.outputs, _outputs(outputs), TOLERANCE[case.dtype]):
            return problem
        grads = () if _is_loss(case) else _as_tuple(_gradients_of(outputs))
        returned = _as_tuple(module.backward(*grads))
    except Exception as error:
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    named = [(name, grad) for name, grad in right.gradients if " input " in name]
    if len(tensors(returned)) == sum(grad is not None for _, grad in named):
        named = [(name, grad) for name, grad in named if grad is not None]
    given: list[tuple[str, Tensor | None]] = list(
        zip((name for name, _ in named), tensors(returned), strict=False)
    )
    if len(given) != len(named) or len(given) != len(tensors(returned)):
        wanted = ", ".join(name for name, _ in named) or "no gradient"
        return f"backward returned {len(tensors(returned))} gradients, expected {wanted}"
    if case.name in OF_LOG_SOFTMAX:
        log_p = bound.arguments[OF_LOG_SOFTMAX[case.name]]
        named = [(name, _of_logits(grad, log_p)) for name, grad in named]
        given = [(name, _of_logits(grad, log_p)) for name, grad in given]
    given += [(f"the gradient of {name}", p.grad) for name, p in module.named_param()]
    named += [pair for pair in right.gradients if " input " not in pair[0]]
    return first_difference(named, given, TOLERANCE[case.dtype]) or first_difference(
        right.state, _state(module.state_dict()), TOLERANCE[case.dtype]
    )


def _built(case: Case, component: type) -> Any:
    args, kwargs = mapped(lambda tensor: tensor.detach().clone(), case.constructor)
    if not issubclass(component, torch.nn.Module):
        args = tuple(map(_ours, args))
    return component(*args, **kwargs)


def _ours(argument: Any) -> Any:
    """Return our layer in place of a torch layer that is an argument of the constructor."""
    if not isinstance(argument, torch.nn.TransformerEncoderLayer):
        return argument
    ours: Any = component("TransformerEncoderLayer")
    return ours(
        argument.self_attn.embed_dim,
        argument.self_attn.num_heads,
        argument.linear1.out_features,
        argument.dropout.p,
        argument.activation,
        argument.norm1.eps,
        argument.self_attn.batch_first,
        argument.norm_first,
        argument.linear1.bias is not None,
    )


def _convert(module: Any, dtype: torch.dtype) -> None:
    """Do to ours what ``module.to(dtype)`` does in torch."""
    for parameter in module.param():
        parameter.value = parameter.value.to(dtype)
    for _, each in walk(module):
        for name in getattr(each, "_buffer_names", ()):
            buffer = getattr(each, name)
            if buffer is not None and buffer.is_floating_point():
                setattr(each, name, buffer.to(dtype))


def _is_loss(case: Case) -> bool:
    return issubclass(case.module, torch.nn.modules.loss._Loss)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)


def _gradients_of(outputs: Any) -> Any:
    """Return a gradient for each output, the same for the same shapes; None for whole numbers."""
    generator = torch.Generator().manual_seed(2)

    def gradient(output: Tensor) -> Tensor | None:
        if not output.is_floating_point():
            return None
        if output.ndim == 0:
            return torch.ones_like(output)
        return torch.randn(output.shape, generator=generator, dtype=output.dtype)

    return mapped(gradient, outputs)


def _as_tuple(nested: Any) -> tuple[Any, ...]:
    return nested if type(nested) is tuple else (nested,)


def _outputs(outputs: Any) -> list[tuple[str, Tensor | None]]:
    return [(f"output {number}", tensor) for number, tensor in enumerate(tensors(outputs))]


def _state(state: dict[str, Tensor]) -> list[tuple[str, Tensor | None]]:
    return [(f"{name} after the step", tensor) for name, tensor in sorted(state.items())]


def first_difference(
    expected: list[tuple[str, Tensor | None]],
    got: list[tuple[str, Tensor | None]],
    tolerance: float,
) -> str | None:
    """Return the first difference beyond `tolerance`, relative to the tensor's largest element.

    Where a tensor is small beside the largest of its group, as a gradient that is nothing but
    rounding, a hundredth of the largest is the measure.
    """
    if len(expected) != len(got):
        return f"expected {_listed(expected)}; got {_listed(got)}"
    largest = max((_size(tensor) for _, tensor in expected), default=0.0)
    ours = dict(got)
    for name, right in expected:
        if name not in ours:
            return f"{name} is missing; there is {_listed(got)}"
        given = ours[name]
        if right is None:
            right = torch.zeros_like(given)  # autograd: not used at all
        if given.shape != right.shape or given.dtype != right.dtype:
            return (
                f"{name} is {tuple(given.shape)} {given.dtype}, "
                f"expected {tuple(right.shape)} {right.dtype}"
            )
        allowed = tolerance * max(_size(right), largest / 100)
        if not torch.allclose(given, right, rtol=0.0, atol=allowed, equal_nan=True):
            error = (given.double() - right.double()).abs().max().item()
            return f"{name} differs by {error:.2g}, at most {allowed:.2g} is right"
    return None


def _of_logits(grad: Tensor, log_p: Tensor) -> Tensor:
    return grad - log_p.exp() * grad.sum(-1, keepdim=True)


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=0.0, atol=0.0, equal_nan=True)


def _size(tensor: Tensor | None) -> float:
    if tensor is None or not tensor.numel():
        return 0.0
    return tensor.double().nan_to_num(0.0, 0.0, 0.0).abs().max().item()


def _listed(named: list[tuple[str, Tensor | None]]) -> str:
    return ", ".join(name for name, _ in named) or "nothing"

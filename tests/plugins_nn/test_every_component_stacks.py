"""A stack trains as each of its models does alone: every module and loss that is installed.

All of it at once: a rate, a decay and a bound on the gradient's norm for each model (a sweep),
momentum, and one weight that is used twice. With ``MINIDL_EVERY_ENGINE=inductor`` the same is done
by that engine, which takes long.
"""

from __future__ import annotations

import os
import warnings
from functools import partial

import pytest
import torch

from minidl_core import BaseModule, Parameter, registry, train
from minidl_plugins_basic import StackWarning, stack
from minidl_plugins_devkit import Case, model_and_loss
from minidl_plugins_devkit.declarations import examples_of
from minidl_plugins_nn import SGD, ClipNorm

K, STEPS = 3, 6
ENGINES = ["eager", "replay", *os.environ.get("MINIDL_EVERY_ENGINE", "").split()]
OURS = ("minidl-plugins-basic", "minidl-plugins-nn")


class Gain(BaseModule):
    """y = g · f(g · x), so that every model has a parameter, and one that is used twice."""

    traceable = True

    def __init__(self, inner: BaseModule, start: float) -> None:
        self.inner = inner
        self.gain = Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, *inputs):
        g = self.gain.value
        scaled = [g * x if x.is_floating_point() else x for x in inputs]
        outputs = in_a_tuple(self.inner.forward(*scaled))
        self.push((inputs, outputs))
        result = tuple(g * y for y in outputs)
        return result if len(result) > 1 else result[0]

    def backward(self, *grads):
        inputs, outputs = self.pop()
        g = self.gain.value
        for y, grad in zip(outputs, grads, strict=False):  # some losses give the target's too
            self.gain.grad += (y * grad).sum()
        back = in_a_tuple(self.inner.backward(*(g * grad for grad in grads)))
        floating = [x for x in inputs if x.is_floating_point()]
        for x, grad in zip(floating, [b for b in back if b is not None], strict=False):
            self.gain.grad += (x * grad).sum()
        given = [grad if grad is None else g * grad for grad in back]
        return tuple(given) if len(given) > 1 else given[0]


def in_a_tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


def cases():
    found = {}
    for kind in ("modules", "losses"):
        for component in registry.components(kind):
            if component.distribution.name in OURS:
                cls = component.load()
                for number, example in enumerate(examples_of(cls, kind)):
                    name = f"{component.distribution.name[15:]}.{cls.__name__}-{number}"
                    found[name] = cls, kind, example
    return found


CASES = cases()


def built(case, k):
    """Return model, loss, optimizer and batches of model `k`."""
    here = Case(case.component, case.kind, case.example, seed=k)
    model, loss = model_and_loss(here.build())
    model = Gain(model, 0.9 + 0.02 * k)
    optimizer = ClipNorm(
        model.param(),
        partial(SGD, lr=1e-5 * (k + 1), momentum=0.5, weight_decay=0.1 * k),
        max_norm=(0.05, 10.0, 1e6)[k],
    )
    batches = []
    for number in range(STEPS):
        inputs = here.inputs(salt=number)
        batches.append(
            (inputs[:-1], inputs[-1]) if case.kind == "losses" else (inputs, torch.zeros(()))
        )
    return model, loss, optimizer, batches


def tensors_of(model, loss, k=None):
    """Return parameters and buffers of a model and its loss, or of model `k` of a stack."""
    found = {}
    for which, module in (("model", model), ("loss", loss)):
        for name, parameter in module.named_param():
            found[f"{which}.{name}"] = parameter.value if k is None else parameter.value[k]
        for name, buffer in module.named_buffers():
            found[f"{which}.{name}"] = buffer if k is None else buffer[k]
    return found


def is_random(case):
    """Whether it draws random numbers: then the models of a stack draw others than alone."""
    model, loss, _, batches = built(case, 0)
    inputs, target = batches[0]
    values = [loss.forward(*in_a_tuple(model.forward(*inputs)), target) for _ in range(2)]
    return not torch.equal(*values)


def trained_stack(case, engine):
    """Return the stacked model and loss after training, and the losses of its steps."""
    torch.manual_seed(0)
    parts = zip(*(built(case, k) for k in range(K)), strict=True)
    models, losses, optimizers, batches = map(list, parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StackWarning)  # that it runs one after another is allowed
        model, loss, optimizer = stack(models), stack(losses), stack(optimizers)
        together = [
            (
                tuple(map(torch.stack, zip(*(inputs for inputs, _ in each), strict=True))),
                torch.stack([target for _, target in each]),
            )
            for each in zip(*batches, strict=True)
        ]
        values = [step.loss for step in train(model, loss, optimizer, together, engine=engine)]
    return model, loss, values


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_a_stack_trains_each_model_as_alone(name, engine):
    case = Case(*CASES[name])
    model, loss, values = trained_stack(case, engine)
    if is_random(case):  # it draws other numbers than each model alone: equal in law
        compare(tensors_of(model, loss), tensors_of(*trained_stack(case, "eager")[:2]))
        return
    for k in range(K):
        alone = built(case, k)
        for step in train(*alone, engine="eager"):
            close(values[step.number][k], step.loss)
        compare(tensors_of(model, loss, k), tensors_of(*alone[:2]))


def compare(found, expected):
    assert found.keys() == expected.keys()
    for path, tensor in expected.items():
        close(found[path], tensor, path)


def close(got, expected, what="the loss"):
    torch.testing.assert_close(
        got, expected, rtol=1e-9, atol=1e-11, equal_nan=True, msg=lambda told: f"{what}: {told}"
    )

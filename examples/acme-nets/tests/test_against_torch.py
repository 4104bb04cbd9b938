"""Values, gradients and steps against torch's own, in float64: autograd is the oracle."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from acme_nets import Adam, HuberLoss, Lion, Residual, Swish
from minidl_core import BaseModule, Parameter, Sequential

F64 = torch.float64


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def asks(tensor):
    """A leaf with the same values that autograd differentiates."""
    return tensor.detach().clone().requires_grad_()


def agree(got, expected):
    torch.testing.assert_close(got, expected.detach(), rtol=1e-11, atol=1e-13)


class Mix(BaseModule):
    """Y = X Wᵀ, here because the package has no layer that mixes features."""

    def __init__(self, features, seed):
        self.weight = Parameter(draw(features, features, seed=seed))

    def forward(self, x):
        self.push(x)
        return x @ self.weight.value.mT

    def backward(self, grad_output):
        self.weight.grad += grad_output.mT @ self.pop()
        return grad_output @ self.weight.value


# -- modules -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 4, 3)], ids=str)
def test_swish_is_silu(shape):
    x, dy = draw(*shape), draw(*shape, seed=1)
    swish, leaf = Swish(), asks(x)
    expected = functional.silu(leaf)
    expected.backward(dy)
    agree(swish.forward(x), expected)
    agree(swish.backward(dy), leaf.grad)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("beta", [-0.7, 0.0, 1.5, 30.0])
def test_swish_and_its_beta(beta, learned):
    x, dy = draw(4, 3), draw(4, 3, seed=1)
    swish = Swish(beta, learned, dtype=F64)
    leaf, leaf_beta = asks(x), asks(torch.tensor(beta, dtype=F64))
    expected = leaf * torch.sigmoid(leaf_beta * leaf)
    expected.backward(dy)
    agree(swish.forward(x), expected)
    agree(swish.backward(dy), leaf.grad)
    assert len(swish.param()) == learned
    if learned:
        agree(swish.beta.grad, leaf_beta.grad)


def test_a_large_beta_makes_swish_the_rectifier_without_nan():
    x = torch.tensor([-1e4, -1.0, 0.0, 1.0, 1e4], dtype=F64)
    swish = Swish(1e300)
    assert swish.forward(x).tolist() == [0, 0, 0, 1, 1e4]


def blocks():
    inner = Sequential(Mix(3, seed=2), Swish(0.5, learned=True, dtype=F64), Mix(3, seed=3))
    return Sequential(Residual(inner, 0.3, dtype=F64), Residual(Mix(3, seed=4), -1.1, dtype=F64))


def blocks_of_torch(x, alpha, first, beta, last, gamma, only):
    hidden = x @ first.mT
    x = x + alpha * (hidden * torch.sigmoid(beta * hidden)) @ last.mT
    return x + gamma * x @ only.mT


def test_residual_blocks():
    x, dy, model = draw(4, 3), draw(4, 3, seed=1), blocks()
    leaf, leaves = asks(x), [asks(parameter.value) for parameter in model.param()]
    expected = blocks_of_torch(leaf, *leaves)
    expected.backward(dy)
    agree(model.forward(x), expected)
    agree(model.backward(dy), leaf.grad)
    for parameter, theirs in zip(model.param(), leaves, strict=True):
        agree(parameter.grad, theirs.grad)


# -- the loss ----------------------------------------------------------------------------------


@pytest.mark.parametrize("delta", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 4, 3)], ids=str)
def test_huber_loss(shape, delta):
    x, target = draw(*shape), draw(*shape, seed=1)
    loss, leaf = HuberLoss(delta), asks(x)
    expected = functional.huber_loss(leaf, target, delta=delta)
    expected.backward()
    agree(loss.forward(x, target), expected)
    agree(loss.backward(), leaf.grad)


# -- the optimizers ----------------------------------------------------------------------------


@pytest.mark.parametrize("kwargs", [{}, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3}], ids=str)
def test_fifty_steps_of_adam(kwargs):
    ours, theirs = Parameter(draw(3, 2)), asks(draw(3, 2))
    adam, reference = Adam([ours], **kwargs), torch.optim.Adam([theirs], **kwargs)
    for number in range(50):
        theirs.grad = draw(3, 2, seed=number) * 10.0 ** (number % 5 - 2)
        ours.grad.copy_(theirs.grad)
        adam.step()
        reference.step()
        agree(ours.value, theirs)


def test_two_steps_of_lion_by_hand():
    p = Parameter(torch.tensor([1.0, 1.0], dtype=F64))
    lion = Lion([p], lr=0.5, betas=(0.5, 0.75), weight_decay=0.5)
    p.grad.copy_(torch.tensor([4.0, -4.0]))
    lion.step()  # c = (2, −2), p = 1 − 0.5 (±1 + 0.5), m = (1, −1)
    assert p.value.tolist() == [0.25, 1.25]
    p.grad.copy_(torch.tensor([-0.5, 2.0]))
    lion.step()  # c = (0.25, 0.5), so both go down
    assert p.value.tolist() == [0.25 - 0.5 * 1.125, 1.25 - 0.5 * 1.625]

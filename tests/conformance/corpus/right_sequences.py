"""Recurrent layers, attention and norms of a row that are right, with torch's as references."""

from __future__ import annotations

import torch

from minidl_core import BaseModule, Example, Parameter


def drawn(generator, *shape):
    return Parameter(0.5 * torch.randn(shape, generator=generator))


class GRUStep(BaseModule):
    """h' = (1 − z) n + z h with n = tanh(aₙ + r uₙ); torch's blocks r, z, n."""

    def __init__(self, input_size, hidden_size, *, generator=None):
        self.size = hidden_size
        self.weight_ih = drawn(generator, 3 * hidden_size, input_size)
        self.weight_hh = drawn(generator, 3 * hidden_size, hidden_size)
        self.bias_ih, self.bias_hh = (drawn(generator, 3 * hidden_size) for _ in range(2))

    def blocks(self, x, h):
        a = x @ self.weight_ih.value.mT + self.bias_ih.value
        u = h @ self.weight_hh.value.mT + self.bias_hh.value
        return a.chunk(3, -1), u.chunk(3, -1)

    def mixed(self, z, n, h):
        return (1 - z) * n + z * h

    def forward(self, x, h):
        (ar, az, an), (ur, uz, un) = self.blocks(x, h)
        r, z = (ar + ur).sigmoid(), (az + uz).sigmoid()
        n = (an + r * un).tanh()
        self.push((x, h, r, z, n, un))
        return self.mixed(z, n, h)

    def gates(self, d, h, r, z, n, un):
        """The gradients of aᵣ, a_z, aₙ and uₙ."""
        dan = d * (1 - z) * (1 - n * n)
        return dan * un * r * (1 - r), d * (h - n) * z * (1 - z), dan, dan * r

    def through_state(self, d, z):
        return d * z

    def backward(self, grad_output):
        x, h, r, z, n, un = self.pop()
        dr, dz, dan, dun = self.gates(grad_output, h, r, z, n, un)
        da, du = torch.cat([dr, dz, dan], -1), torch.cat([dr, dz, dun], -1)
        self.weight_ih.grad += da.mT @ x
        self.weight_hh.grad += du.mT @ h
        self.bias_ih.grad += da.sum(0)
        self.bias_hh.grad += du.sum(0)
        dh = du @ self.weight_hh.value + self.through_state(grad_output, z)
        return da @ self.weight_ih.value, dh

    @classmethod
    def examples(cls):
        sizes = {"input_size": 2, "hidden_size": 3}
        return [Example(sizes, shapes=[(4, 2), (4, 3)], reference="torch.nn.GRUCell")]


class Recurrence(BaseModule):
    """hₜ = tanh(xₜ W_ihᵀ + hₜ₋₁ W_hhᵀ) from h₀ = 0; all states."""

    def __init__(self, input_size, hidden_size, *, generator=None):
        self.weight_ih = drawn(generator, hidden_size, input_size)
        self.weight_hh = drawn(generator, hidden_size, hidden_size)

    def times(self, steps):
        return range(steps)

    def forward(self, x):
        h = x.new_zeros(len(x), self.weight_hh.value.shape[0])
        states = [h] * (x.shape[1] + 1)
        for t in self.times(x.shape[1]):
            h = (x[:, t] @ self.weight_ih.value.mT + h @ self.weight_hh.value.mT).tanh()
            states[t + 1] = h
        self.push((x, states))
        return torch.stack(states[1:], 1)

    def carried(self, dh, slope):
        return (dh * slope) @ self.weight_hh.value

    def backward(self, grad_output):
        x, states = self.pop()
        dx, dh = torch.empty_like(x), torch.zeros_like(states[0])
        for t in reversed(range(x.shape[1])):
            dh = dh + grad_output[:, t]
            slope = 1 - states[t + 1] ** 2
            da = dh * slope
            self.weight_ih.grad += da.mT @ x[:, t]
            self.weight_hh.grad += da.mT @ states[t]
            dx[:, t] = da @ self.weight_ih.value
            dh = self.carried(dh, slope)
        return dx

    @classmethod
    def examples(cls):
        return [
            Example(
                {"input_size": 2, "hidden_size": 3},
                shapes=[(2, 4, 2)],
                reference=lambda x, weight_ih, weight_hh: torch.func.functional_call(
                    torch.nn.RNN(2, 3, bias=False, batch_first=True, dtype=x.dtype),
                    {"weight_ih_l0": weight_ih, "weight_hh_l0": weight_hh},
                    (x,),
                )[0],
            )
        ]


class Attention(BaseModule):
    """softmax(Q Kᵀ / √d) V, each position seeing itself and what came before."""

    def scale(self, q):
        return q.shape[-1] ** -0.5

    def mask(self, scores):
        return torch.ones_like(scores, dtype=torch.bool).tril()

    def forward(self, q, k, v):
        scores = q @ k.mT * self.scale(q)
        weights = scores.masked_fill(~self.mask(scores), -torch.inf).softmax(-1)
        self.push((q, k, v, weights))
        return weights @ v

    def through_softmax(self, weights, d):
        return weights * (d - (weights * d).sum(-1, keepdim=True))

    def backward(self, grad_output):
        q, k, v, weights = self.pop()
        ds = self.through_softmax(weights, grad_output @ v.mT) * self.scale(q)
        return ds @ k, ds.mT @ q, weights.mT @ grad_output

    @classmethod
    def examples(cls):
        def reference(q, k, v):
            attention = torch.nn.functional.scaled_dot_product_attention
            return attention(q, k, v, is_causal=True)

        return [Example(shapes=[(2, 3, 4)] * 3, reference=reference)]


class RowNorm(BaseModule):
    """γ (x − μ) / √(σ² + ε) + β over each row."""

    def __init__(self, features, eps=1e-5):
        self.weight = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))
        self.eps = eps

    def variance(self, x):
        return x.var(-1, correction=0, keepdim=True)

    def spread(self, x):
        return (self.variance(x) + self.eps).sqrt()

    def forward(self, x):
        scale = 1 / self.spread(x)
        normed = (x - x.mean(-1, keepdim=True)) * scale
        self.push((normed, scale))
        return self.weight.value * normed + self.bias.value

    def backward(self, grad_output):
        normed, scale = self.pop()
        self.weight.grad += (grad_output * normed).flatten(0, -2).sum(0)
        self.bias.grad += grad_output.flatten(0, -2).sum(0)
        return self.through_statistics(grad_output * self.weight.value, normed, scale)

    def through_statistics(self, d, normed, scale):
        centred = d - d.mean(-1, keepdim=True)
        return scale * (centred - normed * (d * normed).mean(-1, keepdim=True))

    @classmethod
    def examples(cls):
        def reference(x, weight, bias):
            return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias)

        return [
            Example({"features": 4}, shapes=[shape], reference=reference)
            for shape in ((3, 4), (2, 3, 4))
        ]


class Gated(BaseModule):
    """a σ(b) of the halves of a row."""

    def forward(self, x):
        a, b = x.chunk(2, -1)
        self.push((a, b.sigmoid()))
        return a * b.sigmoid()

    def backward(self, grad_output):
        a, s = self.pop()
        return torch.cat([grad_output * s, grad_output * a * s * (1 - s)], -1)

    @classmethod
    def examples(cls):
        return [Example(shapes=[(3, 4)], reference="torch.nn.GLU")]


class Positioned(BaseModule):
    """x + P, a vector for each place of the sequence."""

    def __init__(self, length, features, *, generator=None):
        self.weight = drawn(generator, length, features)

    def forward(self, x):
        self.push(x.shape[-2])
        return x + self.weight.value[: x.shape[-2]]

    def backward(self, grad_output):
        steps = self.pop()
        self.weight.grad[:steps] += grad_output.flatten(0, -3).sum(0)
        return grad_output.clone()

    @classmethod
    def examples(cls):
        return [Example({"length": 5, "features": 2}, shapes=[(3, 4, 2)])]

"""Attention against torch.nn.MultiheadAttention."""

from __future__ import annotations

import itertools

import pytest
import torch

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import MultiheadAttention, SelfAttention

from .twins import assert_same, doubles

DOUBLE = {"dtype": torch.float64}
OPTIONS = [
    {},
    {"bias": False},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"kdim": 3, "vdim": 5},
    {"kdim": 3, "vdim": 5, "add_bias_kv": True, "add_zero_attn": True, "bias": False},
]


def pair(batch_first=False, **options):
    twin = torch.nn.MultiheadAttention(4, 2, batch_first=batch_first, **options, **DOUBLE)
    with torch.no_grad():
        for parameter in twin.parameters():  # biases start at zero
            parameter.copy_(doubles(*parameter.shape, seed=parameter.numel()))
    return MultiheadAttention(4, 2, batch_first=batch_first, **options, **DOUBLE), twin


def sequences(twin, batch_first, batched=True):
    lead = ([2, 3], [2, 5]) if batch_first else ([3, 2], [5, 2])
    query, source = lead if batched else ([3], [5])
    key, value = doubles(*source, twin.kdim, seed=1), doubles(*source, twin.vdim, seed=2)
    return doubles(*query, twin.embed_dim), key, value


def masks(kind, heads=2, batch=2):
    """No mask, a key-padding mask, two shapes of attention masks, and both."""
    hidden = torch.tensor([[False] * 4 + [True], [False] * 3 + [True] * 2])
    attn = doubles(3, 5) > 1
    attn[:, 0] = False
    each = doubles(batch * heads, 3, 5) > 1
    each[..., 0] = False
    return {
        "none": {},
        "padding": {"key_padding_mask": hidden},
        "bool": {"attn_mask": attn},
        "numbers": {"attn_mask": doubles(3, 5)},
        "each": {"attn_mask": each},
        "both": {"attn_mask": each, "key_padding_mask": hidden},
        "numbers and padding": {
            "attn_mask": doubles(batch * heads, 3, 5),
            "key_padding_mask": doubles(2, 5),
        },
    }[kind]


KINDS = ["none", "padding", "bool", "numbers", "each", "both", "numbers and padding"]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_torch(options, kind):
    for batch_first, need_weights in itertools.product([False, True], repeat=2):
        mine, twin = pair(batch_first, **options)
        inputs = sequences(twin, batch_first)
        assert_same(mine, twin, *inputs, need_weights=need_weights, **masks(kind))


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("batched", [True, False])
def test_weights_agree_with_torch(average, batched):
    mine, twin = pair()
    inputs = sequences(twin, False, batched)
    assert_same(mine, twin, *inputs, average_attn_weights=average)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_takes_a_sequence_without_a_batch(options):
    mine, twin = pair(**options)
    mask = {"key_padding_mask": torch.tensor([False] * 4 + [True])}
    for need_weights in (True, False):
        inputs = sequences(twin, False, batched=False)
        assert_same(mine, twin, *inputs, need_weights=need_weights, **mask)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
def test_causal_attention_agrees_with_torch(padded, need_weights):
    mine, twin = pair(batch_first=True)
    causal = torch.ones(3, 3, dtype=torch.bool).triu(1)
    x = [doubles(2, 3, 4, seed=seed) for seed in range(3)]
    hidden = torch.tensor([[False, False, True], [False, True, False]])
    options = {"need_weights": need_weights, "is_causal": True}
    if padded:
        options["key_padding_mask"] = hidden
    assert_same(mine, twin, *x, attn_mask=causal, **options)
    with_mask = mine.forward(*x, attn_mask=causal, **options)[0]
    torch.testing.assert_close(mine.forward(*x, **options)[0], with_mask)


def test_a_later_position_changes_no_earlier_output():
    layer = SelfAttention(4, 2, causal=True, **DOUBLE)
    x = doubles(1, 5, 4)
    before = layer.forward(x)
    x[0, 3] += 1
    after = layer.forward(x)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


class Alone(torch.nn.Module):
    def __init__(self, twin):
        super().__init__()
        for name, parameter in twin.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        self.out_proj = twin.out_proj
        self.twin = [twin]

    def forward(self, x):
        mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).triu(1)
        return self.twin[0](x, x, x, need_weights=False, attn_mask=mask)[0]


@pytest.mark.parametrize("bias", [True, False])
def test_self_attention_returns_one_gradient(bias):
    _, twin = pair(True, bias=bias)
    mine = SelfAttention(4, 2, causal=True, bias=bias, **DOUBLE)
    assert_same(mine, Alone(twin), doubles(2, 3, 4))


@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
def test_attention_of_one_input_returns_one_gradient(options):
    mine, twin = pair(True, **options)
    mask = torch.ones(3, 3, dtype=torch.bool).triu(1)
    assert_same(OneInput(mine), Alone(twin), doubles(2, 3, 4))
    x = doubles(2, 3, 4)
    torch.testing.assert_close(
        mine.forward(x, is_causal=True), mine.forward(x, x, x, attn_mask=mask)
    )


class OneInput:
    """Calls attention with the query alone."""

    def __init__(self, attention):
        self.attention = attention

    def __getattr__(self, name):
        return getattr(self.attention, name)

    def forward(self, x):
        return self.attention.forward(x, need_weights=False, is_causal=True)[0]


def test_a_query_that_sees_nothing_gets_zeros():
    mine, _ = pair(batch_first=True, bias=False)
    mask = torch.zeros(3, 3, dtype=torch.bool)
    mask[1] = True
    x = doubles(2, 3, 4)
    for need_weights in (True, False):
        y = mine.forward(x, attn_mask=mask, need_weights=need_weights)[0]
        assert torch.equal(y[:, 1], torch.zeros(2, 4, dtype=y.dtype))
        assert mine.backward(torch.ones_like(y)).isfinite().all()


def test_fused_and_plain_attention_agree():
    mine, _ = pair(batch_first=True)
    inputs = sequences(mine, batch_first=True)
    results = []
    for need_weights in (True, False):
        y = mine.forward(*inputs, need_weights=need_weights)[0]
        results.append((y, *mine.backward(torch.ones_like(y))))
    torch.testing.assert_close(*results, rtol=1e-10, atol=1e-12)


class DroppedAttention(torch.nn.Module):
    """One head by its formula, with the factors of dropout given."""

    def __init__(self, kept):
        super().__init__()
        self.in_proj_weight = torch.nn.Parameter(doubles(12, 4))
        self.out_proj = torch.nn.Linear(4, 4, bias=False, **DOUBLE)
        self.kept = kept

    def forward(self, x):
        q, k, v = (x @ self.in_proj_weight.mT).chunk(3, -1)
        weights = (q @ k.mT / 2).softmax(-1) * (self.kept if self.training else 1)
        return self.out_proj(weights @ v), weights


def test_dropout_drops_weights_and_their_gradients():
    generator = torch.Generator().manual_seed(1)
    kept = (torch.rand((2, 1, 3, 3), generator=generator, **DOUBLE) >= 0.4).double() / 0.6
    assert 0 < (kept == 0).sum() < kept.numel()

    class Seeded(MultiheadAttention):
        def forward(self, *args, **kwargs):
            self.generator.manual_seed(1)
            return super().forward(*args, **kwargs)

    mine = Seeded(4, 1, 0.4, bias=False, batch_first=True, generator=torch.Generator(), **DOUBLE)
    assert_same(mine, DroppedAttention(kept[:, 0]), doubles(2, 3, 4))


def test_first_values_follow_torch():
    torch.manual_seed(0)
    layer = MultiheadAttention(64, 4, add_bias_kv=True, generator=torch.Generator().manual_seed(0))
    twin = torch.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    theirs = twin.state_dict()
    for name, value in layer.state_dict().items():
        assert value.shape == theirs[name].shape
        assert abs(value.std() - theirs[name].std()) <= 0.25 * theirs[name].std(), name
        assert value.abs().max() <= 4.5 * theirs[name].std(), name


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"embed_dim": 5}, "embed_dim must be a multiple of num_heads"),
        ({"num_heads": 0}, "num_heads must be a whole number"),
        ({"dropout": 1.5}, "dropout must be a probability"),
        ({"kdim": 0}, "kdim must be a whole number"),
    ],
)
def test_refuses_arguments_it_cannot_use(kwargs, words):
    with pytest.raises(ArgumentError, match=words):
        MultiheadAttention(**{"embed_dim": 4, "num_heads": 2, **kwargs})


def test_refuses_inputs_that_do_not_fit():
    layer = MultiheadAttention(4, 2)
    x, other = torch.zeros(3, 2, 4), torch.zeros(3, 5, 4)
    with pytest.raises(ShapeError, match="expected a query of shape"):
        layer.forward(torch.zeros(3, 2, 5))
    with pytest.raises(ShapeError, match="expected a key and a value of one length"):
        layer.forward(x, other, other)
    with pytest.raises(ShapeError, match="expected a key of shape"):
        layer.forward(x, torch.zeros(3, 4))
    with pytest.raises(DtypeError, match="query"):
        layer.forward(x.double())


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        ({"attn_mask": torch.zeros(3, 4)}, ShapeError, "expected attn_mask of shape"),
        ({"attn_mask": torch.zeros(3, 3, 3)}, ShapeError, "expected attn_mask of shape"),
        ({"key_padding_mask": torch.zeros(3)}, ShapeError, "expected key_padding_mask of shape"),
        ({"attn_mask": torch.zeros(3, 3).long()}, DtypeError, "expected attn_mask of torch"),
        ({"attn_mask": torch.zeros(3, 3).double()}, DtypeError, "expected attn_mask of torch"),
    ],
)
def test_refuses_masks_that_do_not_fit(mask, error, words):
    with pytest.raises(error, match=words):
        MultiheadAttention(4, 2).forward(torch.zeros(3, 2, 4), **mask)

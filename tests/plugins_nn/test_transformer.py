"""The transformer's layers against torch.nn's."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional

from minidl_core import ArgumentError, ShapeError
from minidl_plugins_nn import (
    LayerNorm,
    Tanhshrink,
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

from .twins import assert_same, doubles

DOUBLE = {"dtype": torch.float64}
CAUSAL = torch.ones(3, 3, dtype=torch.bool).triu(1)
PADDING = torch.tensor([[False, False, True], [False, True, False]])
WAYS = [
    {"norm_first": first, "activation": activation, "bias": bias}
    for first, activation, bias in itertools.product([True, False], ["relu", "gelu"], [True, False])
]


def drawn(twin):
    """Return `twin` with parameters that are all different, the norms' too."""
    with torch.no_grad():
        for number, parameter in enumerate(twin.parameters()):
            parameter.copy_(doubles(*parameter.shape, seed=number) / 2)
    return twin


def inputs(batch_first):
    tgt, memory = doubles(2, 3, 4), doubles(2, 5, 4, seed=1)
    return (tgt, memory) if batch_first else (tgt.transpose(0, 1), memory.transpose(0, 1))


@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("batch_first", [True, False])
def test_encoder_layer_agrees_with_torch(ways, batch_first):
    args = (4, 2, 6, 0.0)
    twin = drawn(torch.nn.TransformerEncoderLayer(*args, batch_first=batch_first, **ways, **DOUBLE))
    mine = TransformerEncoderLayer(*args, batch_first=batch_first, **ways, **DOUBLE)
    x = inputs(batch_first)[0]
    assert_same(mine, twin, x)
    assert_same(mine, twin, x, src_mask=CAUSAL, is_causal=True)
    assert_same(mine, twin, x, src_mask=CAUSAL, src_key_padding_mask=PADDING)
    after = mine.forward(x, is_causal=True)
    torch.testing.assert_close(after, mine.forward(x, src_mask=CAUSAL))


@pytest.mark.parametrize("ways", WAYS, ids=str)
@pytest.mark.parametrize("batch_first", [True, False])
def test_decoder_layer_agrees_with_torch(ways, batch_first):
    args = (4, 2, 6, 0.0)
    twin = drawn(torch.nn.TransformerDecoderLayer(*args, batch_first=batch_first, **ways, **DOUBLE))
    mine = TransformerDecoderLayer(*args, batch_first=batch_first, **ways, **DOUBLE)
    tgt, memory = inputs(batch_first)
    assert_same(mine, twin, tgt, memory)
    masks = {
        "tgt_mask": CAUSAL,
        "memory_mask": torch.ones(3, 5, dtype=torch.bool).triu(3),
        "tgt_key_padding_mask": PADDING,
        "memory_key_padding_mask": torch.tensor([[False] * 4 + [True], [False] * 5]),
    }
    assert_same(mine, twin, tgt, memory, **masks)


@pytest.mark.parametrize("with_norm", [True, False])
def test_encoder_and_decoder_agree_with_torch(with_norm):
    args = (4, 2, 6, 0.0)
    norm = torch.nn.LayerNorm(4, **DOUBLE) if with_norm else None
    ours = TransformerEncoderLayer(4, 2, 6, 0.0, **DOUBLE)
    theirs = torch.nn.TransformerEncoderLayer(*args, **DOUBLE)
    twin = drawn(torch.nn.TransformerEncoder(theirs, 3, norm, enable_nested_tensor=False))
    mine = TransformerEncoder(ours, 3, our_norm(with_norm))
    tgt, memory = inputs(batch_first=False)
    assert_same(mine, twin, tgt, mask=CAUSAL, src_key_padding_mask=PADDING)

    theirs = torch.nn.TransformerDecoderLayer(*args, **DOUBLE)
    twin = drawn(torch.nn.TransformerDecoder(theirs, 3, norm))
    mine = TransformerDecoder(TransformerDecoderLayer(*args, **DOUBLE), 3, our_norm(with_norm))
    assert_same(mine, twin, tgt, memory, tgt_mask=CAUSAL)


def our_norm(wanted):
    return LayerNorm(4, **DOUBLE) if wanted else None


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # torch, about its own speed
@pytest.mark.parametrize("norm_first", [True, False])
def test_transformer_agrees_with_torch(norm_first):
    sizes = {"num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 6}
    options = {**sizes, "dropout": 0.0, "batch_first": True, "norm_first": norm_first, **DOUBLE}
    twin = drawn(torch.nn.Transformer(4, 2, **options))
    mine = Transformer(4, 2, **options)
    tgt, src = inputs(batch_first=True)
    assert_same(mine, twin, src, tgt, tgt_mask=CAUSAL)
    assert torch.equal(
        mine.generate_square_subsequent_mask(3), twin.generate_square_subsequent_mask(3)
    )


def test_activation_may_be_a_function_or_a_module():
    x = doubles(3, 2, 4)
    for ours, theirs in [
        (functional.gelu, functional.gelu),
        (torch.relu, functional.relu),
        (Tanhshrink(), functional.tanhshrink),
    ]:
        twin = drawn(torch.nn.TransformerEncoderLayer(4, 2, 6, 0.0, theirs, **DOUBLE))
        assert_same(TransformerEncoderLayer(4, 2, 6, 0.0, ours, **DOUBLE), twin, x)


def test_copies_begin_alike_and_share_nothing():
    generator = torch.Generator().manual_seed(0)
    encoder = TransformerEncoder(TransformerEncoderLayer(4, 2, 6, generator=generator), 2)
    first, second = encoder.layers
    for a, b in zip(first.param(), second.param(), strict=True):
        assert torch.equal(a.value, b.value)
        assert a is not b
    assert first.dropout1.generator is generator
    assert second.dropout1.generator is generator


def test_dropout_drops_in_training_only():
    layer = TransformerEncoderLayer(
        4, 2, 6, 0.5, generator=torch.Generator().manual_seed(0), **DOUBLE
    )
    x = doubles(3, 2, 4)
    assert not torch.equal(layer.forward(x), layer.forward(x))
    layer.eval()
    assert torch.equal(layer.forward(x), layer.forward(x))


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_first_values_follow_torch():
    torch.manual_seed(0)
    sizes = {"num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 64}
    mine, twin = Transformer(32, 4, **sizes), torch.nn.Transformer(32, 4, **sizes)
    theirs = twin.state_dict()
    assert set(mine.state_dict()) == set(theirs)
    for name, value in mine.state_dict().items():
        spread = theirs[name].std()
        assert abs(value.std() - spread) <= 0.25 * spread, name
        assert value.abs().max() <= 1.05 * max(theirs[name].abs().max(), 0.125), name


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TransformerEncoderLayer(4, 3), "embed_dim must be a multiple of num_heads"),
        (lambda: TransformerEncoderLayer(4, 2, 0), "dim_feedforward must be a whole number"),
        (lambda: TransformerEncoderLayer(4, 2, dropout=2), "dropout must be a probability"),
        (lambda: TransformerDecoderLayer(4, 2, activation="tanh"), "activation must be"),
        (lambda: TransformerDecoderLayer(4, 2, activation=torch.tanh), "activation must be"),
        (lambda: TransformerEncoder(TransformerEncoderLayer(4, 2), 0), "num_layers must be"),
        (lambda: TransformerEncoder(3, 1), "encoder_layer must be a module"),
        (lambda: TransformerDecoder(3, 1), "decoder_layer must be a module"),
        (lambda: Transformer(4, 2, custom_encoder=3), "custom_encoder must be a module"),
    ],
)
def test_refuses_arguments_it_cannot_use(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_refuses_inputs_that_do_not_fit():
    model = Transformer(4, 2, 1, 1, 6)
    for src, tgt in [((5, 2, 4), (3, 1, 4)), ((5, 2, 3), (3, 2, 4)), ((5, 2, 4), (3, 4))]:
        with pytest.raises(ShapeError, match="expected src and tgt of 4 features"):
            model.forward(torch.zeros(src), torch.zeros(tgt))
    encoder = TransformerEncoder(TransformerEncoderLayer(4, 2, 6, norm_first=True), 2)
    with pytest.raises(ShapeError) as error:
        encoder.forward(torch.zeros(3, 2, 4), mask=torch.zeros(2, 2))
    assert error.value.path[0] == "TransformerEncoder[layers.0]"

"""Recurrent layers and cells against torch.nn's."""

from __future__ import annotations

import itertools

import pytest
import torch

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell

from .twins import assert_same, doubles

DOUBLE = {"dtype": torch.float64}
LAYERS = {
    "tanh": (RNN, torch.nn.RNN, {}),
    "relu": (RNN, torch.nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM, torch.nn.LSTM, {}),
    "projected": (LSTM, torch.nn.LSTM, {"proj_size": 2}),
    "gru": (GRU, torch.nn.GRU, {}),
}
CELLS = {
    "tanh": (RNNCell, torch.nn.RNNCell, {}),
    "relu": (RNNCell, torch.nn.RNNCell, {"nonlinearity": "relu"}),
    "lstm": (LSTMCell, torch.nn.LSTMCell, {}),
    "gru": (GRUCell, torch.nn.GRUCell, {}),
}


def state(kind, *lead):
    h = doubles(*lead, 2 if kind == "projected" else 4, seed=3)
    return (h, doubles(*lead, 4, seed=4)) if kind in ("lstm", "projected") else h


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("layers", [1, 3])
def test_layers_agree_with_torch(kind, layers):
    ours, theirs, more = LAYERS[kind]
    for bias, batch_first, both in itertools.product([True, False], repeat=3):
        options = {"bias": bias, "batch_first": batch_first, "bidirectional": both, **more}
        args = (3, 4, layers)
        twin = theirs(*args, **options, **DOUBLE)
        mine = ours(*args, **options, **DOUBLE)
        parts = layers * (1 + both)
        assert_same(mine, twin, doubles(2, 5, 3))
        batch = 2 if batch_first else 5
        assert_same(mine, twin, doubles(2, 5, 3), state(kind, parts, batch))
        assert_same(mine, twin, doubles(5, 3), state(kind, parts))
        assert_same(mine, twin, doubles(5, 3))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("lead", [(), (5,)])
def test_cells_agree_with_torch(kind, lead):
    ours, theirs, more = CELLS[kind]
    for bias in (True, False):
        twin, mine = theirs(3, 4, bias, **more, **DOUBLE), ours(3, 4, bias, **more, **DOUBLE)
        assert_same(mine, twin, doubles(*lead, 3), state(kind, *lead))
        assert_same(mine, twin, doubles(*lead, 3))


@pytest.mark.parametrize("kind", LAYERS)
def test_a_missing_gradient_of_the_state_is_zero(kind):
    ours, _, more = LAYERS[kind]
    layer = ours(3, 4, **more, **DOUBLE)
    y, last = layer.forward(doubles(5, 2, 3))
    without = layer.backward(torch.ones_like(y))
    zeros = (
        tuple(map(torch.zeros_like, last)) if isinstance(last, tuple) else torch.zeros_like(last)
    )
    layer.forward(doubles(5, 2, 3))
    assert torch.equal(layer.backward(torch.ones_like(y), zeros), without)


class Dropped(torch.nn.Module):
    """Two layers of one direction, with the factors of dropout between them given."""

    def __init__(self, kept):
        super().__init__()
        both = torch.nn.LSTM(3, 4, 2, **DOUBLE)
        for name, parameter in both.named_parameters():
            self.register_parameter(name, parameter)
        self.kept = kept

    def forward(self, x):
        states = []
        for layer in (0, 1):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(self, f"{name}_l{layer}") for name in names]
            zero = x.new_zeros(1, x.shape[1], 4)
            x, *last = torch.lstm(x, (zero, zero), weights, True, 1, 0.0, False, False, False)
            if layer == 0 and self.training:
                x = x * self.kept
            states.append(last)
        return x, tuple(torch.cat(pair) for pair in zip(*states, strict=True))


def test_dropout_acts_between_layers():
    generator = torch.Generator().manual_seed(1)
    kept = (torch.rand((5, 2, 4), generator=generator, **DOUBLE) >= 0.5).double() / 0.5

    class Seeded(LSTM):
        def forward(self, *args):
            self.generator.manual_seed(1)
            return super().forward(*args)

    mine = Seeded(3, 4, 2, dropout=0.5, generator=torch.Generator(), **DOUBLE)
    assert_same(mine, Dropped(kept), doubles(5, 2, 3))


@pytest.mark.parametrize("kind", LAYERS)
def test_first_values_follow_torch(kind):
    ours, theirs, more = LAYERS[kind]
    state, twin = ours(3, 4, 2, **more).state_dict(), theirs(3, 4, 2, **more).state_dict()
    assert list(state) == list(twin)
    for value in state.values():
        assert value.abs().max() <= 0.5
        assert value.unique().numel() == value.numel()


def test_refuses_packed_sequences():
    packed = torch.nn.utils.rnn.pack_sequence([torch.zeros(3, 3), torch.zeros(2, 3)])
    with pytest.raises(ShapeError, match="got PackedSequence; packed sequences are not supported"):
        LSTM(3, 4).forward(packed)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LSTM(3, 0), "hidden_size must be a whole number"),
        (lambda: GRU(3, 4, 0), "num_layers must be a whole number"),
        (lambda: RNN(3, 4, nonlinearity="sine"), "nonlinearity must be"),
        (lambda: RNNCell(3, 4, nonlinearity="sine"), "nonlinearity must be"),
        (lambda: LSTM(3, 4, 2, dropout=-1), "dropout must be a probability"),
        (lambda: LSTM(3, 4, dropout=0.5), "dropout acts between layers"),
        (lambda: LSTM(3, 4, proj_size=4), "proj_size must be"),
    ],
)
def test_refuses_arguments_it_cannot_use(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_layers_refuse_inputs_that_do_not_fit():
    layer = LSTM(3, 4)
    with pytest.raises(ShapeError, match="expected an input of shape"):
        layer.forward(torch.zeros(5, 2, 4))
    with pytest.raises(ShapeError, match=r"expected a state \(h, c\) of shapes"):
        layer.forward(torch.zeros(5, 2, 3), torch.zeros(1, 2, 4))
    with pytest.raises(DtypeError, match="input"):
        layer.forward(torch.zeros(5, 2, 3).double())
    y, _ = layer.forward(torch.zeros(5, 2, 3))
    with pytest.raises(ShapeError, match="gradient of the output"):
        layer.backward(y[:1])


def test_cells_refuse_inputs_that_do_not_fit():
    cell = GRUCell(3, 4)
    with pytest.raises(ShapeError, match="expected an input of shape"):
        cell.forward(torch.zeros(5, 2, 3))
    with pytest.raises(ShapeError, match="expected a state h of shape"):
        cell.forward(torch.zeros(5, 3), torch.zeros(4))
    h = cell.forward(torch.zeros(5, 3))
    with pytest.raises(ShapeError, match="gradient of the output"):
        cell.backward(h[:1])

"""State without pickle comes back as it went, from a file as from memory."""

from __future__ import annotations

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minidl_core import BaseModule, MinidlError, Sequential
from minidl_plugins_experiments.training.module_state import buffers_and_generators
from minidl_plugins_experiments.training.plain_state import from_plain, to_plain

TENSORS = st.sampled_from(
    [
        torch.ones(2, 3),
        torch.zeros(0, 4),
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.tensor([True, False]),
        torch.arange(6).reshape(2, 3).T,
        torch.tensor([math.nan, -0.0, math.inf]),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TENSORS
KEYS = st.text(max_size=3) | st.integers() | st.tuples(st.integers(), st.text(max_size=2))
STATES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.sets(st.integers(), max_size=3)
    ),
    max_leaves=10,
)


def same(a, b):
    """Of one type and equal; NaN is itself here, and −0 is not 0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        alike = (a.dtype, a.shape) == (b.dtype, b.shape)
        return alike and torch.equal(
            torch.nan_to_num(a.double(), 7), torch.nan_to_num(b.double(), 7)
        )
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(STATES)
def test_any_nested_state_comes_back(state):
    tensors = {}
    text = json.dumps(to_plain(state, "s", tensors), allow_nan=False)
    assert same(state, from_plain(json.loads(text), tensors))


def test_what_is_kept_does_not_change_with_the_original():
    weight = torch.ones(3)
    tensors = {}
    plain = to_plain([weight], "s", tensors)
    weight.zero_()
    assert from_plain(plain, tensors)[0].tolist() == [1, 1, 1]


def test_what_is_neither_number_nor_text_nor_tensor_is_refused_by_name():
    with pytest.raises(MinidlError, match=r"got function in optimizer\.0\.1; its author"):
        to_plain({"hook": [1, min and (lambda: None)]}, "optimizer", {})


class Counting(BaseModule):
    """Keeps a buffer and a generator, and has a module inside."""

    def __init__(self, inner=None):
        self.register_buffer("seen", torch.zeros(1))
        self.generator = torch.Generator()
        self.inner = inner

    def forward(self, x):
        return x

    def backward(self, grad):
        return grad


def test_tensors_and_generators_of_every_module_are_found_by_their_paths():
    model = Sequential(Counting(), Sequential(Counting(Counting())))
    assert list(buffers_and_generators(model)) == [
        "0.seen", "1.0.seen", "1.0.inner.seen", "0.generator", "1.0.generator",
        "1.0.inner.generator",
    ]  # fmt: skip

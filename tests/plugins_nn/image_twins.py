"""Compares a layer with torch.nn's module of its name; autograd is the oracle."""

from __future__ import annotations

import re

import torch

import minidl_plugins_nn

F64 = torch.float64

# Every layer on images and sequences, by the words in the names of its family.
FAMILIES = (
    r"(Lazy)?(Conv|ConvTranspose|BatchNorm|InstanceNorm)[123]d",
    r".*Pool[123]d|MaxUnpool[123]d|(Group|Layer|RMS|LocalResponse)Norm",
    r"(Feature)?(Alpha)?Dropout[123]?d?|.*Pad[123]d|Flatten|Unflatten|Identity|Fold|Unfold",
    r".*Shuffle|PixelUnshuffle|Upsample|Upsampling.*",
)
LAYERS = [
    getattr(minidl_plugins_nn, name)
    for name in minidl_plugins_nn.__all__
    if any(re.fullmatch(family, name) for family in FAMILIES)
]


def draw(*shape, seed=0, dtype=F64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=F64).to(dtype)


def pair(name, *args, dtype=F64, state=0, **kwargs):
    """Our layer and torch's, built with the same arguments and given the same random state."""
    theirs = getattr(torch.nn, name)(*args, **kwargs).to(dtype)
    ours = getattr(minidl_plugins_nn, name)
    typed = {"dtype": dtype} if theirs.state_dict() else {}
    ours = ours(*args, **kwargs, **typed)
    values = {
        key: value if value.dtype == torch.long else draw(*value.shape, seed=i + state).to(dtype)
        for i, (key, value) in enumerate(theirs.state_dict().items())
    }
    values = {key: v.abs() + 0.5 if "var" in key else v for key, v in values.items()}
    theirs.load_state_dict(values)
    ours.load_state_dict(values)
    return ours, theirs


def agree(got, expected, **tolerance):
    tolerance = tolerance or {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(got, expected.detach(), **tolerance)


def compare(name, *args, shape, training=True, dtype=F64, x=None, tolerance=None, **kwargs):
    """Compare outputs, gradients and buffers of one pass, in float64 to 1e-10."""
    tolerance = tolerance or {}
    ours, theirs = pair(name, *args, dtype=dtype, **kwargs)
    if not training:
        ours.eval().keep()
        theirs.eval()
    x = draw(*shape, seed=7, dtype=dtype) if x is None else x
    leaf, before = x.clone().requires_grad_(), x.clone()
    with torch.enable_grad():
        expected = theirs(leaf)
        dy = draw(*expected.shape, seed=8, dtype=dtype)
        expected.backward(dy)
    for number in range(2):  # gradients are added
        got = ours.forward(x)
        agree(got, expected, **tolerance)
        if number == 0:
            agree_buffers(ours, pair(name, *args, dtype=dtype, **kwargs)[1], tolerance)
        dx = ours.backward(dy)
        agree(dx, leaf.grad, **tolerance)
        if number == 0:
            agree_buffers(ours, theirs, tolerance)
    assert torch.equal(x, before)
    grads = dict(theirs.named_parameters())
    for key, parameter in ours.named_param():
        agree(parameter.grad, 2 * grads.pop(key).grad, **tolerance)
    assert not grads
    return ours, theirs


def agree_buffers(ours, theirs, tolerance):
    expected = dict(theirs.named_buffers())
    got = dict(ours.named_buffers())
    assert got.keys() == expected.keys()
    for key, buffer in got.items():
        agree(buffer, expected[key], **tolerance)

"""``examples/gpt.py``: beside the same network in torch, and as a user runs it."""

from __future__ import annotations

import re
from itertools import islice

import pytest
import torch

from .torch_gpt import losses_in_torch, torch_gpt


@pytest.fixture(scope="module")
def text(gpt):
    return gpt.Text(gpt.TEXT.read_text(encoding="utf-8"))


def curves(gpt, text, settings, dtype):
    vocabulary = len(text.characters)
    model = gpt.gpt(vocabulary, settings, dtype=dtype)
    twin = torch_gpt(model, vocabulary, settings, dtype)
    theirs = list(losses_in_torch(twin, text, settings))
    return list(gpt.losses(model, text, settings)), theirs


def test_loss_curve_is_that_of_torch(gpt, text):
    settings = gpt.Settings(width=32, context=32, batch_size=4, steps=60, warm_up=10)
    ours, theirs = curves(gpt, text, settings, torch.float64)
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 1e-9
    assert ours[-1] < ours[0] - 1  # it learns


def test_loss_curve_in_single_precision(gpt, text):
    settings = gpt.Settings(steps=300)
    ours, theirs = curves(gpt, text, settings, torch.float32)
    assert abs(ours[-1] - theirs[-1]) < 1e-5
    assert ours[-1] < 2.3


def test_every_parameter_is_trained_once(gpt, text):
    settings = gpt.Settings()
    model = gpt.gpt(len(text.characters), settings)
    names = [name for name, _ in model.named_param()]
    assert len(names) == len(model.param()) + 1  # the tied table has two names
    assert {"0.weight", f"{settings.layers + 3}.weight"} <= set(names)
    before = [parameter.value.clone() for parameter in model.param()]
    list(islice(gpt.losses(model, text, settings), 2))
    for old, parameter in zip(before, model.param(), strict=True):
        assert not torch.equal(old, parameter.value)


def test_it_sees_only_what_came_before(gpt, text):
    model = gpt.gpt(len(text.characters), gpt.Settings(context=8), dtype=torch.float64).eval()
    x = text.data[None, :8].clone()
    before = model.forward(x)
    x[0, 5] = (x[0, 5] + 1) % len(text.characters)
    after = model.forward(x)
    assert torch.equal(before[0, :5], after[0, :5])
    assert not torch.allclose(before[0, 5:], after[0, 5:])


def test_it_trains_and_writes(run_example):
    options = ["--steps=20", "--warm-up=5", "--batch-size=4", "--write=40"]
    done = run_example("gpt.py", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("14136 characters, 59 of them different\n107968 parameters\n")
    losses = [float(loss) for loss in re.findall(r"loss (.*)", done.stdout)]
    assert losses[-1] < losses[0] - 0.5
    assert len(done.stdout.partition("\n\n")[2]) == 41
    assert run_example("gpt.py", *options).stdout == done.stdout


def test_it_refuses_a_text_that_is_too_short(run_example, tmp_path):
    (tmp_path / "short.txt").write_text("To be, or not to be")
    done = run_example("gpt.py", "--text=short.txt")
    assert done.returncode == 1
    assert "expected a text longer than the context of 64 characters, got 19" in done.stderr
    assert run_example("gpt.py", "--text=missing.txt").returncode == 1

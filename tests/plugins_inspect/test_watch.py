"""`watch` shows what the modules computed, and leaves the model as it was."""

from __future__ import annotations

import copy

import pytest
import torch

from minidl_core import ArgumentError, Sequential, ShapeError, eager, walk
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh, stack, unstack
from minidl_plugins_inspect import summary, watch
from minidl_plugins_nn import BatchNorm1d, Dropout, TransformerEncoderLayer

from . import strangers


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 2, generator=generator), torch.randn(8, 2, generator=generator)


def net(seed=0, *more):
    generator = torch.Generator().manual_seed(seed)
    return Sequential(
        Linear(2, 5, generator=generator),
        ReLU(),
        Sequential(Linear(5, 2, generator=generator), *more),
    )


def state_of(model):
    """Everything in a model that a pass could change."""
    return {
        "tensors": {
            name: tensor.clone()
            for name, parameter in model.named_param()
            for name, tensor in ((name, parameter.value), (f"{name}.grad", parameter.grad))
        },
        "buffers": {name: buffer.clone() for name, buffer in model.named_buffers()},
        "modes": [(m.training, getattr(m, "keeping", None)) for _, m in walk(model)],
        "attributes": [sorted(vars(m)) for _, m in walk(model)],
        "waiting": [len(getattr(m, "_stack", [])) for _, m in walk(model)],
        "random": torch.get_rng_state(),
    }


def assert_same(before, after):
    assert before.keys() == after.keys()
    for key in ("modes", "attributes", "waiting"):
        assert before[key] == after[key]
    assert torch.equal(before["random"], after["random"])
    for key in ("tensors", "buffers"):
        assert before[key].keys() == after[key].keys()
        for name, tensor in before[key].items():
            assert torch.equal(tensor, after[key][name]), name


def test_tensors_agree_with_autograd(batch):
    x, target = batch
    model = net(0, Tanh())
    seen = watch(model, x, target, MSELoss())
    with torch.enable_grad():
        value = {name: p.value.clone().requires_grad_() for name, p in model.named_param()}
        hidden = (x @ value["0.weight"].T + value["0.bias"]).requires_grad_()
        active = hidden.relu()
        last = active @ value["2.0.weight"].T + value["2.0.bias"]
        output = last.tanh()
        for tensor in (hidden, active, last, output):
            tensor.retain_grad()
        loss = (output - target).square().mean()
        loss.backward()
    for path, tensor in {"0": hidden, "1": active, "2.0": last, "2.1": output}.items():
        torch.testing.assert_close(seen[path].output, tensor.detach())
        torch.testing.assert_close(seen[path].grad_output, tensor.grad)
    torch.testing.assert_close(seen["2"].grad_input, active.grad)
    for name, tensor in value.items():
        path, _, own = name.rpartition(".")
        torch.testing.assert_close(seen[path].gradients[own], tensor.grad)
    torch.testing.assert_close(seen.loss, loss.detach())
    assert torch.equal(seen["0"].kept, x)


def test_the_model_stays_as_it_was(batch):
    x, target = batch
    model = net(0, Dropout(0.5), BatchNorm1d(2))
    loss, optimizer = MSELoss(), SGD(model.param(), lr=0.1)
    eager(model, loss, optimizer)((x,), target)
    model.forward(x)  # waits for its backward
    before, before_loss = state_of(model), state_of(loss)
    watch(model, x, target, loss)
    assert_same(before, state_of(model))
    assert_same(before_loss, state_of(loss))


def test_an_error_leaves_the_model_as_it_was(batch):
    x, target = batch
    model = net(0, strangers.Failing(), Dropout(0.5))
    before = state_of(model)
    with pytest.raises(RuntimeError, match="in the middle"):
        watch(model, x, target, MSELoss())
    assert_same(before, state_of(model))


def test_evaluation_mode_is_watched_with_gradients(batch):
    x, target = batch
    model = net(0, Dropout(0.5)).eval()
    seen = watch(model, x, target, MSELoss())
    assert torch.equal(seen["2.1"].output, seen["2.1"].input)
    assert seen["0"].gradients["weight"].norm() > 0
    assert not model.keeping


def test_training_resumes_to_the_same_bits(batch):
    x, target = batch
    models = [net(0, Dropout(0.5)) for _ in range(2)]
    for model, watched in zip(models, (False, True), strict=True):
        torch.manual_seed(3)
        step = eager(model, MSELoss(), SGD(model.param(), lr=0.1))
        for _ in range(3):
            step((x,), target)
            if watched:
                watch(model, x, target, MSELoss())
    for ours, theirs in zip(*(model.param() for model in models), strict=True):
        assert torch.equal(ours.value, theirs.value)


def test_strangers_modules_are_watched(batch):
    x, target = batch
    scale = strangers.Scale()
    seen = watch(Sequential(Linear(2, 2), scale), x, target, MSELoss())
    layer = seen["1"]
    torch.testing.assert_close(layer.gradients["0"], (layer.grad_output * layer.input).sum()[None])
    assert not scale.inputs
    alone = watch(scale, x, target, MSELoss())
    assert torch.equal(alone[""].output, 2 * x)


def test_strangers_in_evaluation_mode_say_why(batch):
    x, target = batch
    model = Sequential(Linear(2, 2), strangers.Scale()).eval()
    with pytest.raises(ArgumentError, match=r"1, Scale, is in evaluation mode.*model\.train\(\)"):
        watch(model, x, target, MSELoss())
    assert watch(model, x)["1"].output is not None


def test_a_broken_repr_is_left_out(batch):
    class Broken(strangers.Scale):
        def __repr__(self):
            raise ValueError("no text")

    assert "Broken" in str(watch(Broken(), batch[0]))
    assert summary(Broken(), (1, 2)).rows[0][1] == "Broken"


def test_modules_without_attributes_say_why(batch):
    x, target = batch
    seen = watch(Sequential(Linear(2, 2), strangers.OnlySlots()), x, target, MSELoss())
    assert "__slots__" in seen["1"].note
    assert "1: its class has __slots__" in str(seen)
    assert seen["0"].grad_output is not None


def test_shared_modules_are_recorded_at_each_place(batch):
    x, target = batch
    shared = Linear(2, 2)
    seen = watch(Sequential(shared, Tanh(), shared), x, target, MSELoss())
    assert torch.equal(seen["0"].input, x)
    assert torch.equal(seen["2"].input, seen["1"].output)
    assert torch.equal(seen["1"].grad_output, seen["2"].grad_input)


def test_stacks_show_every_model(batch):
    x, target = batch
    models = [net(seed, Tanh()) for seed in range(3)]
    stacked = stack(models)
    xs, targets = x.expand(3, *x.shape), target.expand(3, *target.shape)
    before = state_of(stacked)
    seen = watch(stacked, xs, targets, MSELoss())
    assert_same(before, state_of(stacked))
    for k, model in enumerate(models):
        alone = watch(model, x, target, MSELoss())
        for layer in alone:
            joined = seen[layer.path]
            torch.testing.assert_close(joined.output[k], layer.output)
            torch.testing.assert_close(joined.grad_output[k], layer.grad_output)
            for name, grad in layer.gradients.items():
                torch.testing.assert_close(joined.gradients[name][k], grad)
    assert "3 models in front" in str(seen)


def test_optimizers_unstack_after_a_watch(batch):
    x, target = batch
    models = [net(seed) for seed in range(2)]
    stacked = stack(models)
    optimizer = stack([SGD(model.param(), lr=0.1) for model in models])
    parts = unstack(stacked)
    watch(stacked, x.expand(2, *x.shape), target.expand(2, *target.shape), MSELoss())
    for part, own in zip(parts, unstack(optimizer), strict=True):
        assert [id(p) for p in own.params] == [id(p) for p in part.param()]


def test_dead_and_saturated_units_are_counted():
    x = torch.tensor([[-1.0, 1.0, 9.0], [-2.0, -3.0, 8.0]])
    units = watch(Sequential(ReLU(), Tanh(), Sigmoid()), x)
    assert units["0"].units.dead.tolist() == [True, False, False]
    assert units["1"].units.saturated.tolist() == [False, False, True]
    assert units["0"].units.dead_share == pytest.approx(1 / 3)


def test_only_elementwise_modules_have_units():
    seen = watch(TransformerEncoderLayer(8, 2, 16), torch.randn(5, 3, 8))
    having = {layer.path for layer in seen if layer.units is not None}
    assert having == {"activation", "dropout", "dropout1", "dropout2"}


def test_figures_are_drawn(batch, tmp_path):
    x, target = batch
    seen = watch(net(0, Tanh()), x, target, MSELoss())
    for draw in (seen.histograms, seen.units, seen.gradients):
        png = draw()._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert len(png) > 3000
    lines = seen.gradients().axes[0].get_lines()
    norms = [float(seen[path].grad_output.norm()) for path in ("0", "1", "2.0", "2.1")]
    assert lines[0].get_ydata() == pytest.approx(norms, rel=1e-6)


def test_the_table_has_a_row_for_each_module(batch):
    x, target = batch
    seen = watch(net(), x, target, MSELoss())
    table = str(seen).splitlines()
    assert table[0].split()[:4] == ["path", "module", "input", "output"]
    assert [line.split()[0] for line in table[2:6]] == ["0", "1", "2", "2.0"]
    assert f"weight {seen['0'].gradients['weight'].norm():.3g}" in table[2]
    html = seen._repr_html_()
    assert html.count("<tr>") == 6
    assert "Linear(2 → 5)" in html


def test_a_layer_prints_its_tensors(batch):
    x, target = batch
    layer = watch(net(), x, target, MSELoss())["0"]
    title, head, *rows = str(layer).splitlines()
    assert title == "0: Linear(2 → 5)"
    assert head.split()[:2] == ["shape", "norm"]
    assert [row.split("  ")[0] for row in rows] == [
        *("input", "output", "kept", "grad_output", "grad_input"),
        *("weight", "gradient of weight", "bias", "gradient of bias"),
    ]
    assert f"{layer.grad_output.norm():.3g}" in rows[3]
    assert "<table>" in layer._repr_html_()


@pytest.mark.parametrize("given", [{"target": torch.zeros(8, 2)}, {"loss": MSELoss()}])
def test_target_and_loss_go_together(batch, given):
    with pytest.raises(ArgumentError, match="watch\\(model, x, target, loss\\)"):
        watch(net(), batch[0], **given)


def test_gradients_without_a_loss_are_refused(batch):
    with pytest.raises(ArgumentError, match="backward did not run"):
        watch(net(), batch[0]).gradients()


def test_unknown_paths_name_the_known_ones(batch):
    with pytest.raises(ArgumentError, match=r"2\.0"):
        watch(net(), batch[0])["2.9"]


def test_models_that_cannot_be_copied_are_refused(batch):
    model = net()
    model.file = (each for each in ())  # a generator has no copy
    with pytest.raises(ArgumentError, match="cannot be copied"):
        watch(model, batch[0])


def test_stacks_want_the_models_in_front(batch):
    with pytest.raises(ShapeError, match="expand"):
        watch(stack([net(), net(1)]), batch[0])


def test_watching_a_copy_watches_the_original(batch):
    x, target = batch
    model = net()
    ours, theirs = (watch(m, x, target, MSELoss()) for m in (model, copy.deepcopy(model)))
    assert torch.equal(ours["0"].grad_output, theirs["0"].grad_output)

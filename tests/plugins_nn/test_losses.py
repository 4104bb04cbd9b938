"""Losses against torch's own, in what torch's cases leave out, and the formulas behind CTC."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional
from torch.profiler import profile

from minidl_plugins_nn import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CosineSimilarity,
    CrossEntropyLoss,
    CTCLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    LinearCrossEntropyLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    PairwiseDistance,
    PoissonNLLLoss,
    SmoothL1Loss,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)

WEIGHT = torch.tensor([0.5, 2.0, 0.0, 1.5], dtype=torch.float64)


def real(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def unit(*shape, seed=0):
    return torch.rand(shape, dtype=torch.float64, generator=generator(seed))


def whole(high, *shape, seed=0):
    return torch.randint(high, shape, generator=generator(seed))


def signs(*shape):
    return whole(2, *shape) * 2 - 1


def generator(seed):
    return torch.Generator().manual_seed(seed)


INDICES = torch.tensor([[0, 1, 3], [1, 1, 0]])
TRIPLET = (real(5, 3), real(5, 3, seed=1), real(5, 3, seed=2))

# component, arguments, predictions, what follows them
CASES = [
    (L1Loss, {}, [real(4, 3)], [real(4, 3, seed=1)]),
    (L1Loss, {"reduction": "sum"}, [real(3).round()], [real(3).round()]),
    (SmoothL1Loss, {"beta": 0.0}, [real(4, 3)], [real(4, 3, seed=1)]),
    (SmoothL1Loss, {"beta": 0.25, "reduction": "sum"}, [real(4, 3)], [real(4, 3, seed=1)]),
    (SmoothL1Loss, {}, [torch.tensor([-1.0, 0.0, 1.0])], [torch.zeros(3)]),
    (HuberLoss, {"delta": 0.25}, [real(4, 3)], [real(4, 3, seed=1)]),
    (HuberLoss, {}, [torch.tensor([-1.0, 0.0, 1.0])], [torch.zeros(3)]),
    (KLDivLoss, {"reduction": "batchmean"}, [real(4, 3)], [unit(4, 3)]),
    (KLDivLoss, {"reduction": "sum"}, [real(4, 3)], [unit(4, 3).round()]),
    (KLDivLoss, {"reduction": "sum", "log_target": True}, [real(4, 3)], [real(4, 3)]),
    (PoissonNLLLoss, {"full": True}, [real(4, 3)], [whole(4, 4, 3).double()]),
    (PoissonNLLLoss, {"log_input": False, "eps": 0.5}, [unit(4, 3)], [whole(4, 4, 3).double()]),
    (BCELoss, {"weight": WEIGHT}, [unit(3, 4)], [unit(3, 4, seed=1)]),
    (BCELoss, {}, [torch.tensor([0.0, 1.0, 0.0, 1.0])], [torch.tensor([0.0, 1.0, 1.0, 0.0])]),
    (BCEWithLogitsLoss, {"pos_weight": WEIGHT}, [real(3, 4)], [unit(3, 4)]),
    (
        BCEWithLogitsLoss,
        {"weight": unit(3, 1), "pos_weight": WEIGHT, "reduction": "sum"},
        [real(3, 4)],
        [unit(3, 4)],
    ),
    (MultiLabelSoftMarginLoss, {"weight": WEIGHT}, [real(2, 3, 4)], [whole(2, 2, 3, 4)]),
    (MultiLabelSoftMarginLoss, {"reduction": "sum"}, [real(4)], [whole(2, 4)]),
    (SoftMarginLoss, {}, [real(4, 3)], [signs(4, 3)]),
    (HingeEmbeddingLoss, {}, [real(4, 3)], [signs(4, 3)]),
    (HingeEmbeddingLoss, {"margin": 0.0}, [real(4, 3)], [signs(4, 3) * 0]),
    (MarginRankingLoss, {"margin": -0.5}, [real(6), real(6, seed=1)], [signs(6)]),
    (CosineEmbeddingLoss, {"margin": -0.5}, [real(6, 3), real(6, 3, seed=1)], [signs(6)]),
    (CosineEmbeddingLoss, {}, [real(3), real(3, seed=1)], [torch.tensor(-1)]),
    (TripletMarginLoss, {"swap": True}, list(TRIPLET), []),
    (TripletMarginLoss, {"p": 1.0, "margin": 3.0}, list(TRIPLET), []),
    (TripletMarginLoss, {"p": 3.0, "eps": 0.1, "reduction": "sum"}, list(TRIPLET), []),
    (TripletMarginLoss, {"swap": True}, [real(3), real(3, seed=1), real(3, seed=3)], []),
    (TripletMarginWithDistanceLoss, {"swap": True, "margin": 2.0}, list(TRIPLET), []),
    (MultiMarginLoss, {"p": 2, "weight": WEIGHT}, [real(5, 4)], [whole(4, 5)]),
    (MultiMarginLoss, {"margin": 3.0}, [real(4)], [torch.tensor(2)]),
    (MultiLabelMarginLoss, {}, [real(2, 4)], [torch.tensor([[3, 0, -1, 1], [-1, 0, 0, 0]])]),
    (NLLLoss, {"weight": WEIGHT, "ignore_index": 1}, [real(2, 4, 3)], [INDICES]),
    (NLLLoss, {"reduction": "sum"}, [real(4)], [torch.tensor(2)]),
    (NLLLoss, {}, [real(3, 4)], [whole(4, 3).to(torch.uint8)]),
    (CrossEntropyLoss, {"weight": WEIGHT, "ignore_index": 1}, [real(2, 4, 3)], [INDICES]),
    (
        CrossEntropyLoss,
        {"weight": WEIGHT, "ignore_index": 0, "label_smoothing": 0.3},
        [real(2, 4, 3)],
        [INDICES],
    ),
    (
        CrossEntropyLoss,
        {"weight": WEIGHT, "label_smoothing": 0.3, "reduction": "sum"},
        [real(2, 4, 3)],
        [real(2, 4, 3, seed=1).softmax(1)],
    ),
    (CrossEntropyLoss, {"label_smoothing": 1.0}, [real(4)], [torch.tensor(2)]),
    (CrossEntropyLoss, {"weight": WEIGHT}, [real(4)], [real(4, seed=1).softmax(0)]),
    (CrossEntropyLoss, {}, [real(3, 4) * 1000], [whole(4, 3)]),
]
IDS = [f"{component.__name__}-{number}" for number, (component, *_) in enumerate(CASES)]
EACH_CASE = pytest.mark.parametrize(("component", "kwargs", "predictions", "rest"), CASES, ids=IDS)


def by_autograd(loss, predictions, rest):
    leaves = [x.clone().requires_grad_() for x in predictions]
    with torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = loss(*leaves, *rest)
    value.backward()
    return value.detach(), tuple(leaf.grad for leaf in leaves)


def by_hand(loss, predictions, rest):
    value = loss.forward(*predictions, *rest)
    grads = loss.backward()
    return value, grads if isinstance(grads, tuple) else (grads,)


def assert_same(got, expected):
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-13)


@EACH_CASE
def test_equals_autograd_of_torch(component, kwargs, predictions, rest):
    theirs = getattr(nn, component.__name__)(**kwargs)
    assert_same(
        by_hand(component(**kwargs), predictions, rest), by_autograd(theirs, predictions, rest)
    )


@EACH_CASE
def test_batches_over_models_without_a_loop(component, kwargs, predictions, rest):
    loss, count = component(**kwargs), len(predictions)
    stacked = [torch.stack([x, x.flip(0) if x.ndim else x / 2]) for x in predictions]
    stacked += [torch.stack([x, x]) for x in rest]

    def both(*tensors):
        return by_hand(loss, tensors[:count], tensors[count:])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, grads = torch.vmap(both)(*stacked)
    for model in range(2):
        alone = both(*[x[model] for x in stacked])
        assert_same((values[model], tuple(grad[model] for grad in grads)), alone)


@EACH_CASE
def test_is_tensor_operations_alone(component, kwargs, predictions, rest):
    loss, count = component(**kwargs), len(predictions)
    assert loss.traceable

    def both(*tensors):
        return by_hand(loss, tensors[:count], tensors[count:])

    tensors = (*predictions, *rest)
    traced = make_fx(both, tracing_mode="fake", _allow_non_fake_inputs=True)(*tensors)
    assert_same(traced(*tensors), both(*tensors))


@pytest.mark.parametrize("component", [BCEWithLogitsLoss, SoftMarginLoss, MultiLabelSoftMarginLoss])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_large_logits_stay_finite(component, size):
    loss, x = component(), torch.tensor([[-size, size, -size, size]])
    target = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    value, (grad,) = by_hand(loss, [x], [target if component is not SoftMarginLoss else x.sign()])
    assert value.isfinite()
    assert grad.isfinite().all()


# -- class targets -----------------------------------------------------------------------------


@pytest.mark.parametrize("component", [NLLLoss, CrossEntropyLoss])
def test_classes_in_the_last_dimension(component):
    x, target = real(2, 5, 4), whole(4, 2, 5)
    last = by_hand(component(WEIGHT, dim=-1), [x], [target])
    middle = by_hand(component(WEIGHT), [x.transpose(1, 2)], [target])
    assert_same(last, (middle[0], (middle[1][0].transpose(1, 2),)))
    flat = by_hand(component(WEIGHT), [x.flatten(0, 1)], [target.flatten()])
    assert_same(last, (flat[0], (flat[1][0].reshape(x.shape),)))


@pytest.mark.parametrize("component", [NLLLoss, CrossEntropyLoss])
def test_mean_over_nothing_is_nan_without_gradient(component):
    loss = component(ignore_index=1)
    value, (grad,) = by_hand(loss, [real(3, 4)], [torch.ones(3, dtype=torch.long)])
    assert value.isnan()
    assert torch.equal(grad, torch.zeros(3, 4, dtype=torch.float64))


def test_cross_entropy_is_log_softmax_then_nll():
    x, target = real(5, 4), whole(4, 5)
    value, (grad,) = by_hand(NLLLoss(WEIGHT), [x.log_softmax(1)], [target])
    of_logits = grad - x.softmax(1) * grad.sum(1, keepdim=True)
    assert_same(by_hand(CrossEntropyLoss(WEIGHT), [x], [target]), (value, (of_logits,)))


@pytest.mark.parametrize("component", [BCELoss, CrossEntropyLoss, NLLLoss, MultiMarginLoss])
def test_weight_is_a_buffer_in_the_state(component):
    loss = component(weight=WEIGHT)
    assert torch.equal(loss.state_dict()["weight"], WEIGHT)
    loss.load_state_dict({"weight": WEIGHT + 1})
    assert torch.equal(loss.weight, WEIGHT + 1)
    assert component().state_dict() == {}


# -- LinearCrossEntropyLoss --------------------------------------------------------------------


class Rows(NamedTuple):
    batch_chunk_size: int | None
    acc_dtype: torch.dtype | None = None


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rows", [1, 3, 4, 50])
def test_rows_at_a_time_make_no_difference(rows, bias):
    x, target = real(10, 3), whole(4, 10)
    ours = LinearCrossEntropyLoss(
        3, 4, bias=bias, weight=WEIGHT, options=Rows(rows), dtype=torch.float64
    )
    linear = nn.Linear(3, 4, bias=bias).double()
    linear.load_state_dict({name: p.value for name, p in ours.linear.items() if p})

    def theirs(x, target):
        return functional.cross_entropy(linear(x), target, WEIGHT)

    assert_same(by_hand(ours, [x], [target]), by_autograd(theirs, [x], [target]))
    for name, parameter in linear.named_parameters():
        assert_same(ours.linear[name].grad, parameter.grad)


def test_logits_are_never_in_memory_at_once():
    loss = LinearCrossEntropyLoss(2, 1000, options=Rows(10))
    with profile(profile_memory=True) as profiler:
        loss.forward(torch.randn(5000, 2), whole(1000, 5000))
        loss.backward()
    largest = max(event.cpu_memory_usage for event in profiler.events())
    assert 0 < largest < 5000 * 1000 * 4 / 10


def test_linear_cross_entropy_draws_weights_as_torch():
    ours = LinearCrossEntropyLoss(
        16, 500, bias=True, generator=torch.Generator().manual_seed(0)
    ).state_dict()
    for drawn in ours.values():
        assert drawn.abs().max() <= 0.25
        assert drawn.std() == pytest.approx(0.25 / math.sqrt(3), rel=0.1)


# -- distances ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distance", "theirs"),
    [
        (CosineSimilarity(), nn.CosineSimilarity()),
        (PairwiseDistance(3.0), nn.PairwiseDistance(3.0)),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_triplets_take_another_distance(distance, theirs, swap):
    ours = TripletMarginWithDistanceLoss(distance_function=distance, margin=0.5, swap=swap)
    twin = nn.TripletMarginWithDistanceLoss(distance_function=theirs, margin=0.5, swap=swap)
    assert_same(by_hand(ours, TRIPLET, []), by_autograd(twin, TRIPLET, []))


def test_equal_distances_share_the_gradient():
    triplet = [real(4, 3), real(4, 3), real(4, 3, seed=2)]  # d(a, n) = d(p, n)
    theirs = nn.TripletMarginLoss(margin=9.0, swap=True)
    assert_same(
        by_hand(TripletMarginLoss(margin=9.0, swap=True), triplet, []),
        by_autograd(theirs, triplet, []),
    )


# -- GaussianNLLLoss ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (1, 3), (4,)])
@pytest.mark.parametrize("full", [False, True])
def test_variance_is_shared_as_in_torch(shape, full):
    x, target, var = real(4, 3), real(4, 3, seed=1), unit(*shape)
    leaves = [x.clone().requires_grad_(), var.clone().requires_grad_()]
    with torch.enable_grad():
        value = nn.GaussianNLLLoss(full=full)(leaves[0], target, leaves[1])
    value.backward()
    expected = value.detach(), tuple(leaf.grad for leaf in leaves)
    loss = GaussianNLLLoss(full=full)
    assert_same((loss.forward(x, target, var), loss.backward()), expected)
    last = GaussianNLLLoss(full=full, target_last=True)
    assert_same((last.forward(x, var, target), last.backward()), expected)


def test_tiny_variance_has_the_gradient_at_epsilon():
    x, target, var = real(4), real(4, seed=1), torch.full((4,), 1e-9, dtype=torch.float64)
    leaf = var.clone().requires_grad_()
    with torch.enable_grad():
        value = nn.GaussianNLLLoss()(x, target, leaf)
    value.backward()
    loss = GaussianNLLLoss()
    assert_same(loss.forward(x, target, var), value.detach())
    assert_same(loss.backward()[1], leaf.grad)


def test_number_as_variance_has_no_gradient():
    loss = GaussianNLLLoss()
    value = loss.forward(real(4), real(4, seed=1), 0.5)
    assert_same(value, nn.GaussianNLLLoss()(real(4), real(4, seed=1), 0.5))
    assert_same(loss.backward(), (real(4) - real(4, seed=1)) / 0.5 / 4)


def test_negative_variance_makes_the_loss_nan():
    assert GaussianNLLLoss().forward(real(2), real(2), torch.tensor([1.0, -1.0]).double()).isnan()


# -- CTCLoss -----------------------------------------------------------------------------------


def ctc_by_formula(x, label, blank):
    """−log p(label | x) and its derivative, by the recursions of α and β."""
    extended = [blank]
    for each in label:
        extended += [each, blank]
    alpha, beta = (forward_sums(x, extended, blank), backward_sums(x, extended, blank))
    log_p = torch.logsumexp(alpha[-1, -2:], 0)
    grad = torch.zeros_like(x)
    for s, k in enumerate(extended):
        grad[:, k] -= (alpha[:, s] + beta[:, s] - x[:, k] - log_p).exp()
    return -log_p, grad


def forward_sums(x, extended, blank):
    alpha = x.new_full((len(x), len(extended)), -math.inf)
    alpha[0, :2] = x[0, extended[:2]]
    for t in range(1, len(x)):
        for s, k in enumerate(extended):
            reach = 2 if k == blank or s < 2 or extended[s - 2] == k else 3
            before = alpha[t - 1, max(0, s - reach + 1) : s + 1]
            alpha[t, s] = x[t, k] + torch.logsumexp(before, 0)
    return alpha


def backward_sums(x, extended, blank):
    return forward_sums(x.flip(0), extended[::-1], blank).flip(0, 1)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_ctc_equals_its_recursions(blank, reduction):
    x = real(7, 3, 4).log_softmax(-1) + 0.1  # the derivative holds without normalisation too
    labels = [[1, 3], [3, 3, 1], [1]]
    times, sizes = [7, 6, 5], [2, 3, 1]
    targets = torch.tensor([[*label, 1, 1][:3] for label in labels])
    loss = CTCLoss(blank=blank, reduction=reduction)
    value, (grad,) = by_hand(loss, [x], [targets, times, sizes])
    expected, expected_grad = 0.0, torch.zeros_like(x)
    for n, label in enumerate(labels):
        one, grad_one = ctc_by_formula(x[: times[n], n], label, blank)
        share = 1.0 if reduction == "sum" else 1 / (3 * len(label))
        expected += share * one
        expected_grad[: times[n], n] = share * grad_one
    assert_same(value, expected)
    torch.testing.assert_close(grad, expected_grad, rtol=1e-9, atol=1e-12)


def test_ctc_takes_one_sequence_and_a_row_of_targets():
    x = real(7, 2, 4).log_softmax(-1)
    both, times, sizes = torch.tensor([1, 3, 2]), [7, 6], [1, 2]
    value, (grad,) = by_hand(CTCLoss(reduction="sum"), [x], [both, times, sizes])
    first = by_hand(CTCLoss(reduction="sum"), [x[:, 0]], [both[:1], [7], [1]])
    second = by_hand(CTCLoss(reduction="sum"), [x[:, 1]], [both[1:], (6,), torch.tensor([2])])
    assert_same(value, first[0] + second[0])
    assert_same(grad, torch.stack([first[1][0], second[1][0]], 1))


def test_ctc_without_lengths_takes_all():
    x, targets = real(7, 2, 4).log_softmax(-1), torch.tensor([[1, 3], [2, 2]])
    given = by_hand(CTCLoss(), [x], [targets, [7, 7], [2, 2]])
    assert_same(by_hand(CTCLoss(), [x], [targets]), given)


def test_ctc_counts_impossible_targets_as_nothing():
    x, args = real(2, 1, 4).log_softmax(-1), [torch.tensor([[1, 1, 1]]), [2], [3]]
    assert CTCLoss().forward(x, *args).isinf()
    value, (grad,) = by_hand(CTCLoss(zero_infinity=True), [x], args)
    assert value == 0
    assert torch.equal(grad, torch.zeros_like(x))


def test_ctc_gradient_of_logits_is_that_of_torch():
    logits, args = real(7, 2, 4), [whole(3, 2, 3) + 1, [7, 7], [3, 2]]

    def theirs(x, *rest):
        return functional.ctc_loss(x.log_softmax(-1), *rest)

    value, (of_logits,) = by_autograd(theirs, [logits], args)
    ours, (grad,) = by_hand(CTCLoss(), [logits.log_softmax(-1)], args)
    assert_same(ours, value)
    assert_same(grad - logits.softmax(-1) * grad.sum(-1, keepdim=True), of_logits)

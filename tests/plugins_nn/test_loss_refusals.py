"""What losses refuse, and how those with several predictions are trained."""

from __future__ import annotations

import pytest
import torch

from minidl_core import (
    ArgumentError,
    BaseModule,
    DtypeError,
    NonFiniteError,
    Parameter,
    ParameterError,
    ShapeError,
    train,
)
from minidl_plugins_basic import SGD
from minidl_plugins_nn import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    CTCLoss,
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    LinearCrossEntropyLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)

ONES = torch.ones(4, 3)
THREE = torch.ones(3)


@pytest.mark.parametrize(
    ("component", "kwargs", "said"),
    [
        (L1Loss, {"reduction": "none"}, r"'mean', 'sum', got 'none' \(a loss is one number here\)"),
        (KLDivLoss, {"reduction": "max"}, "'mean', 'sum', 'batchmean', got 'max'"),
        (SmoothL1Loss, {"beta": -1}, "beta must be at least 0"),
        (HuberLoss, {"delta": 0}, "delta must be a finite number above 0"),
        (PoissonNLLLoss, {"eps": 0.0}, "eps must be a finite number above 0"),
        (GaussianNLLLoss, {"eps": float("nan")}, "eps must be a finite number above 0"),
        (BCELoss, {"weight": 2.0}, "weight must be a tensor of a floating-point dtype, got 2.0"),
        (CrossEntropyLoss, {"weight": torch.tensor([1, 2])}, "weight must be a tensor of a float"),
        (CrossEntropyLoss, {"label_smoothing": 1.5}, "label_smoothing must be from 0 to 1"),
        (CrossEntropyLoss, {"ignore_index": 1.5}, "ignore_index must be a whole number"),
        (NLLLoss, {"dim": "last"}, "dim must be a whole number, got 'last'"),
        (LinearCrossEntropyLoss, {"in_features": 0, "num_classes": 2}, "at least 1, got 0"),
        (MultiMarginLoss, {"p": 3}, "p must be 1 or 2, got 3"),
        (MarginRankingLoss, {"margin": "1"}, "margin must be a finite number"),
        (TripletMarginLoss, {"margin": 0}, "margin must be a finite number above 0"),
        (TripletMarginLoss, {"p": 0}, "p must be above 0"),
        (
            TripletMarginWithDistanceLoss,
            {"distance_function": torch.dist},
            "must be a module with a backward",
        ),
    ],
)
def test_argument_is_refused(component, kwargs, said):
    with pytest.raises(ArgumentError, match=said):
        component(**kwargs)


@pytest.mark.parametrize(
    ("loss", "tensors", "error", "said"),
    [
        (L1Loss(), (ONES, THREE), ShapeError, r"\(4, 3\) and target \(3,\) must have the same"),
        (L1Loss(), (ONES[:0], ONES[:0]), ShapeError, "leave empty batches out"),
        (L1Loss(), (ONES, ONES.double()), DtypeError, "target in the dtype of the prediction"),
        (L1Loss(), (ONES.long(), ONES.long()), DtypeError, "floating-point dtype"),
        (BCELoss(THREE), (ONES.T, ONES.T), ShapeError, r"broadcasts to .* \(3, 4\), got \(3,\)"),
        (BCELoss(ONES), (THREE, THREE), ShapeError, r"broadcasts to .* \(3,\), got \(4, 3\)"),
        (BCEWithLogitsLoss(THREE.double()), (ONES, ONES), DtypeError, "weight in the dtype"),
        (MultiLabelSoftMarginLoss(), (ONES, THREE), ShapeError, r"one shape \(batch, labels\)"),
        (LinearCrossEntropyLoss(2, 3), (ONES, ONES), ShapeError, r"shape \(batch, 2\), got"),
        (LinearCrossEntropyLoss(3, 3), (ONES, THREE.long()), ShapeError, r"of shape \(4,\)"),
        (LinearCrossEntropyLoss(3, 2), (ONES, ONES), ShapeError, r"probabilities .* \(4, 2\)"),
        (NLLLoss(), (ONES, THREE), DtypeError, "class indices, got torch.float32"),
        (NLLLoss(), (ONES, THREE.long()), ShapeError, r"indices of shape \(4,\)"),
        (NLLLoss(), (ONES, ONES[:, 0].long() * 3), ArgumentError, "from 0 to 2, or -100"),
        (NLLLoss(), (ONES, ONES[:, 0].long() * -1), ArgumentError, "from 0 to 2, or -100"),
        (NLLLoss(THREE), (ONES, ONES[:, 0].long() * 3), ArgumentError, "from 0 to 2, or -100"),
        (NLLLoss(ONES[0, :2]), (ONES, ONES[:, 0].long()), ShapeError, "weight for each of 3"),
        (NLLLoss(dim=2), (ONES, ONES[:, 0].long()), ShapeError, "classes in dimension 2"),
        (CrossEntropyLoss(), (ONES, THREE), ShapeError, r"probabilities of .* \(4, 3\)"),
        (CrossEntropyLoss(), (ONES, ONES.long()), ShapeError, r"indices of shape \(4,\)"),
        (CrossEntropyLoss(), (ONES, ONES.double()), DtypeError, "target in the dtype"),
        (CrossEntropyLoss(ignore_index=1), (ONES, ONES), ArgumentError, "holds probabilities"),
        (
            CrossEntropyLoss(),
            (torch.ones(2, 5, 3), torch.ones(2, 5).long()),
            ShapeError,
            r"got \(2, 5\); build the loss with dim=-1",
        ),
        (MultiMarginLoss(), (ONES, ONES[:, 0].long() * 5), ArgumentError, "from 0 to 2"),
        (MultiMarginLoss(), (ONES, ONES[:, 0]), DtypeError, "class indices, got torch.float32"),
        (MultiMarginLoss(), (ONES, THREE.long()), ShapeError, r"a target of shape \(batch,\)"),
        (MultiLabelMarginLoss(), (ONES, ONES.long() * 5), ArgumentError, "from 0 to 2"),
        (MultiLabelMarginLoss(), (ONES, THREE.long()), ShapeError, r"\(batch, classes\), got"),
        (MarginRankingLoss(), (ONES, ONES, THREE), ShapeError, "nothing is broadcast"),
        (CosineEmbeddingLoss(), (ONES, ONES, THREE), ShapeError, r"a target \(batch,\)"),
        (TripletMarginLoss(), (ONES, ONES, THREE), ShapeError, "a positive and a negative"),
        (TripletMarginLoss(), (ONES, ONES, ONES, ONES), ArgumentError, r"\(inputs, None\)"),
        (GaussianNLLLoss(), (ONES, THREE, ONES), ShapeError, "must have the same shape"),
        (GaussianNLLLoss(), (ONES, ONES, THREE), ShapeError, "variances of the input's shape"),
        (GaussianNLLLoss(), (ONES, ONES, -1.0), ArgumentError, "var must be at least 0"),
        (CTCLoss(), (ONES, THREE.long(), [4]), ArgumentError, "expected target_lengths too"),
        (CTCLoss(), (ONES, THREE.long() * 0), ArgumentError, "which look like padding"),
        (CTCLoss(), (ONES, ONES.long()), ArgumentError, "lengths that fit"),
        (CTCLoss(), (ONES[0], ONES, [3], [3]), ShapeError, r"\(time, batch, classes\)"),
        (CTCLoss(), (ONES, THREE, [4], [3]), DtypeError, "class indices, got torch.float32"),
        (CTCLoss(), (ONES, THREE.long(), [4, 4], [3]), ArgumentError, "for 1 sequences, got 2"),
        (CTCLoss(), (ONES, THREE.long(), [9], [3]), ArgumentError, "lengths that fit"),
        (CTCLoss(blank=9), (ONES, THREE.long(), [4], [3]), ArgumentError, "lengths that fit"),
    ],
)
def test_tensors_are_refused(loss, tensors, error, said):
    with pytest.raises(error, match=said):
        loss.forward(*tensors)


@pytest.mark.parametrize("loss", [L1Loss(), CrossEntropyLoss(), BCELoss(), MultiMarginLoss()])
def test_prediction_with_a_graph_is_refused(loss):
    with torch.enable_grad():
        prediction = torch.ones(4, 3, requires_grad=True)
    with pytest.raises(ParameterError, match=r"pass x\.detach"):
        loss.forward(prediction, torch.ones(4, 3))


# -- training ----------------------------------------------------------------------------------


class Several(BaseModule):
    """Returns `count` parameters of its inputs' shape, one after the other."""

    def __init__(self, *starts):
        self.starts = [Parameter(start.clone()) for start in starts]

    def forward(self, x):
        self.push(x)
        return tuple(start.value * x for start in self.starts)

    def backward(self, *grads):
        x = self.pop()
        for start, grad in zip(self.starts, grads, strict=True):
            start.grad += grad * x
        return sum(start.value * grad for start, grad in zip(self.starts, grads, strict=True))


def test_mean_and_variance_are_trained_with_the_target_last():
    target, mean, variance = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    variance = variance.exp()
    model, loss = Several(mean, variance), GaussianNLLLoss(target_last=True)
    batches = [(torch.ones(4, 2), target)]
    (step,) = train(model, loss, SGD(model.param(), lr=1.0), batches, engine="eager")
    leaves = [mean.clone().requires_grad_(), variance.clone().requires_grad_()]
    with torch.enable_grad():
        value = torch.nn.GaussianNLLLoss()(leaves[0], target, leaves[1])
    value.backward()
    torch.testing.assert_close(step.loss, value.detach())
    for start, leaf in zip(model.starts, leaves, strict=True):
        torch.testing.assert_close(start.value, leaf.detach() - leaf.grad)


def test_triplets_are_trained_without_a_target():
    model = Several(*torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(0)))
    batches = [(torch.ones(4, 3), None)] * 200
    optimizer = SGD(model.param(), lr=0.1)
    steps = list(train(model, TripletMarginLoss(), optimizer, batches, engine="eager"))
    assert steps[0].loss > 0.5
    assert steps[-1].loss == 0


def test_sequences_are_trained_with_lengths_in_the_target():
    model = Several(torch.zeros(6, 1, 3))
    batch = (torch.ones(6, 1, 3), (torch.tensor([[1, 2]]), [6], [2]))

    class LogProbabilities(CTCLoss):
        def forward(self, x, target):
            self.softmax = x.softmax(-1)
            return super().forward(x.log_softmax(-1), target)

        def backward(self):
            grad = super().backward()
            return grad - self.softmax * grad.sum(-1, keepdim=True)

    optimizer = SGD(model.param(), lr=2.0)
    steps = list(train(model, LogProbabilities(), optimizer, [batch] * 50, engine="eager"))
    assert steps[-1].loss < 0.05 < steps[0].loss


def test_probability_outside_of_its_range_stops_training():
    model = Several(torch.full((3,), 2.0))
    batch = [(torch.ones(4, 3), torch.ones(4, 3))]
    with pytest.raises(NonFiniteError):
        list(train(model, BCELoss(), SGD(model.param(), lr=0.1), batch, engine="eager"))

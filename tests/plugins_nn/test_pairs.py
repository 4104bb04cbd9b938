"""Layers of two inputs against torch.nn: Bilinear, CosineSimilarity, PairwiseDistance."""

from __future__ import annotations

import math

import pytest
import torch

from minidl_core import ArgumentError, DtypeError, ShapeError
from minidl_plugins_nn import Bilinear, CosineSimilarity, PairwiseDistance

from .twins import assert_same, doubles


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lead", [(), (8,), (2, 5)])
def test_bilinear_agrees_with_torch(bias, lead):
    kwargs = {"bias": bias, "dtype": torch.float64}
    twin = torch.nn.Bilinear(2, 3, 4, **kwargs)
    assert_same(Bilinear(2, 3, 4, **kwargs), twin, doubles(*lead, 2), doubles(*lead, 3))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_cosine_similarity_agrees_with_torch(dim):
    x1, x2 = doubles(3, 4, 5), doubles(3, 4, 5, seed=1)
    assert_same(CosineSimilarity(dim), torch.nn.CosineSimilarity(dim), x1, x2)


class ClampedCosine(torch.nn.Module):
    """The formula; torch.nn.CosineSimilarity itself does not differentiate its own clamp."""

    def forward(self, x1, x2):
        m1, m2 = (x.norm(dim=1).clamp_min(2.0) for x in (x1, x2))
        return (x1 * x2).sum(1) / (m1 * m2)


def test_cosine_similarity_differentiates_the_least_norm():
    x1, x2 = doubles(3, 4, 5), doubles(3, 4, 5, seed=1)
    layer = CosineSimilarity(eps=2.0)
    assert_same(layer, ClampedCosine(), x1, x2)
    torch.testing.assert_close(layer.forward(x1, x2), torch.nn.CosineSimilarity(eps=2.0)(x1, x2))


def test_cosine_similarity_broadcasts():
    x1, x2 = doubles(3, 1, 5), doubles(4, 5, seed=1)
    assert_same(CosineSimilarity(-1), torch.nn.CosineSimilarity(-1), x1, x2)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("keepdim", [True, False])
def test_pairwise_distance_agrees_with_torch(p, keepdim):
    x1, x2 = doubles(3, 4, 5), doubles(3, 4, 5, seed=1)
    twin = torch.nn.PairwiseDistance(p, keepdim=keepdim)
    assert_same(PairwiseDistance(p, keepdim=keepdim), twin, x1, x2)
    assert_same(PairwiseDistance(p, keepdim=keepdim), twin, x1[0, 0], x2)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0])
def test_distance_of_equal_vectors_has_no_slope(p):
    x = doubles(3, 4)
    twin = torch.nn.PairwiseDistance(p, eps=0.0)
    assert_same(PairwiseDistance(p, eps=0.0), twin, x, x.clone())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bilinear(0, 2, 3), "in1_features must be a whole number"),
        (lambda: CosineSimilarity(eps=0.0), "eps must be above 0"),
        (lambda: PairwiseDistance(p=0), "p must be above 0"),
    ],
)
def test_refuses_arguments_it_cannot_use(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


@pytest.mark.parametrize("layer", [Bilinear(2, 2, 3), CosineSimilarity(), PairwiseDistance()])
def test_refuses_inputs_that_do_not_fit(layer):
    with pytest.raises(ShapeError, match="inputs of"):
        layer.forward(torch.zeros(4, 2), torch.zeros(3, 2))
    with pytest.raises(DtypeError, match="second input"):
        layer.forward(torch.zeros(4, 2), torch.zeros(4, 2, dtype=torch.float64))


def test_similarity_refuses_a_dimension_that_is_missing():
    with pytest.raises(ShapeError, match="expected a dimension 2"):
        CosineSimilarity(2).forward(torch.zeros(4, 2), torch.zeros(4, 2))

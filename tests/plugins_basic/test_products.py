"""The products, whichever way they are computed: alone, stacked, transposed; few rows and many."""

from __future__ import annotations

import pytest
import torch

from minidl_plugins_basic.products import add_product, add_rows, affine, product

MODELS = [(), (3,), (2, 3)]
SIZES = [(m, k, n) for m in (1, 7, 1200) for k in (1, 20) for n in (1, 2, 15, 16, 40)]


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture(params=MODELS, ids=["alone", "stacked", "a stack of stacks"])
def models(request: pytest.FixtureRequest) -> tuple[int, ...]:
    return request.param


@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_a_product_is_the_sum_over_the_inner_dimension(models, m, k, n):
    a, b = drawn(*models, m, k), drawn(*models, k, n)
    expected = torch.einsum("...mk,...kn->...mn", a, b)
    torch.testing.assert_close(product(a, b), expected)
    assert product(a, b).is_contiguous()


@pytest.mark.parametrize("bias", [False, True], ids=["without bias", "with bias"])
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_an_affine_map_adds_the_bias_to_each_row(models, m, k, n, bias):
    x, w, b = drawn(*models, m, k), drawn(*models, n, k), drawn(*models, n)
    expected = torch.einsum("...mk,...nk->...mn", x, w)
    if bias:
        expected = expected + b.unsqueeze(-2)
    y = affine(x, w, b if bias else None)
    torch.testing.assert_close(y, expected)
    assert y.is_contiguous()


@pytest.mark.parametrize(("m", "k", "n"), [*SIZES, (20, 1200, 3), (3, 1200, 20)])
def test_a_product_is_added_in_place(models, m, k, n):
    a, b, total = drawn(*models, k, m).mT, drawn(*models, k, n), drawn(*models, m, n)
    expected = total + torch.einsum("...mk,...kn->...mn", a, b)
    pointer = total.data_ptr()
    add_product(total, a, b)
    torch.testing.assert_close(total, expected)
    assert total.data_ptr() == pointer


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_rows_are_added_in_place(models, dtype):
    total, rows = drawn(*models, 5).to(dtype), drawn(*models, 1000, 5).to(dtype)
    expected = total.double() + rows.double().sum(-2)
    add_rows(total, rows)
    tolerance = 40 * torch.finfo(dtype).eps  # of sums of about √1000
    torch.testing.assert_close(total.double(), expected, rtol=0, atol=30 * tolerance)

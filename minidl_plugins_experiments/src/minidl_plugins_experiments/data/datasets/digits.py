"""Handwritten digits, as they come with scikit-learn."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.arguments import check_flag, check_share
from minidl_plugins_experiments.data.data import Data, Split
from minidl_plugins_experiments.data.splitting import split_by_class

__all__ = ["digits"]

LARGEST = 16  # what a pixel of full ink counts
TARGETS = Literal["one-hot", "indices", "pixels"]
NAMES = [str(digit) for digit in range(10)]


def digits(
    *,
    generator: torch.Generator,
    dtype: torch.dtype,
    test: float = 0.2,
    validation: float = 0.0,
    images: bool = False,
    targets: Literal["one-hot", "indices", "pixels"] = "one-hot",
) -> Data:
    """1797 handwritten digits in 8 × 8 pixels, each from 0 to 16: which digit is it?

    Each digit's images are dealt out by lot, to a part for training, one for testing and, if
    wanted, one for validation, in these shares. A pixel p becomes p/16, between 0 and 1: with a μ
    and σ for each pixel, those at the rim, nearly always blank, would count as much as any, and a
    small network makes more errors.

    Shapes: x (n, 64), row by row of the image, or (n, 1, 8, 8) as images; y (n, 10) one-hot, (n,)
    of digits as indices, or x itself.

    Args:
        test, validation: the share of the images in each part.
        images: whether a row is an image, for convolutions.
        targets: the digit, one-hot or as an index, or the pixels, for an autoencoder: a regression.

    Raises:
        ArgumentError: an argument is none of these, or scikit-learn is not installed.

    Reference: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, 1998; its test set is what scikit-learn bundles.
    """
    check_share("test", test)
    check_share("validation", validation, may_be_zero=True)
    if test + validation >= 1:
        raise ArgumentError(
            f"expected test and validation to leave images for training, got {test} + {validation};"
            " make their sum less than 1",
            where="test",
        )
    check_flag("images", images)
    if targets not in get_args(TARGETS):
        raise ArgumentError(
            f"expected one of {', '.join(get_args(TARGETS))}, got {targets!r}", where="targets"
        )
    pixels, labels = _load()
    parts = split_by_class(labels, NAMES, test, validation, generator, "digits")
    x = (pixels / LARGEST).to(dtype)
    x = x.reshape(-1, 1, 8, 8) if images else x
    y = labels if targets == "indices" else torch.eye(len(NAMES), dtype=dtype)[labels]
    if targets == "pixels":
        y = x
    return Data(
        train=Split(x[parts.train], y[parts.train]),
        test=Split(x[parts.test], y[parts.test]),
        task="regression" if targets == "pixels" else "classification",
        validation=Split(x[parts.validation], y[parts.validation]) if validation else None,
        notes={
            "classes": NAMES,
            "features": [f"pixel {row},{column}" for row in range(8) for column in range(8)],
            "mean": [0.0] * 64,
            "std": [float(LARGEST)] * 64,
        },
    )


def _load() -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels from 0 to 16, and the digit.  -> (1797, 64) in float64, (1797,)"""
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise ArgumentError(
            f"expected scikit-learn, which brings the images, got: {error}; install it: "
            "pip install 'minidl-plugins-experiments[digits]'",
            where="digits",
        ) from error
    images: Any
    images, labels = load_digits(return_X_y=True)
    return torch.from_numpy(images).double(), torch.from_numpy(labels).long()

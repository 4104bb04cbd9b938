"""What a dataset gives to an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["Data", "Split"]


class Split(NamedTuple):
    """Inputs x (n, features) and their targets y (n, outputs): row i of y belongs to row i of x."""

    x: Tensor
    y: Tensor


class Data(NamedTuple):
    """The parts of a dataset, and what its targets mean.

    A dataset is a function ``dataset(*, generator, dtype, **arguments) -> Data``: all that it draws
    it draws from `generator`, and its tensors are of `dtype`. Any object with these attributes will
    do. Of what it cannot use it raises an error of minidl, such as ``ArgumentError``.

    Attributes:
        train: what the model learns from.
        test: what it is judged by, once.
        task: of a classification the targets are one-hot, one column for each class; of a
            regression they are numbers.
        validation: what the best of several starts is chosen by, if the user wants one.
        notes: what else there is to know, ready for JSON. All of it is optional:

            ``classes``   the name of each class, by column of the target;
            ``features``  the name of each input;
            ``mean``, ``std``  one number for each input x, by which (x − mean) / std was fed;
            ``ellipse``   the true border, in the coordinates of the inputs:
            ``{"centre": [x, y], "width": w, "height": h, "label": text}``.
    """

    train: Split
    test: Split
    task: Literal["classification", "regression"]
    validation: Split | None = None
    notes: Mapping[str, Any] = {}

"""What a dataset returns, and what a dataset is."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import Tensor

__all__ = ["Data", "Dataset", "Split"]


class Dataset(Protocol):
    """The contract of the kind ``datasets``: a function that returns `Data`.

    It draws all its random numbers from `generator`, and its tensors have `dtype`. The other
    arguments come from the experiment's file. It raises an error of minidl, such as
    ``ArgumentError``, for arguments that it cannot use.
    """

    @abstractmethod
    def __call__(
        self, *, generator: torch.Generator, dtype: torch.dtype, **arguments: Any
    ) -> Data: ...


class Split(NamedTuple):
    """Inputs x (n, …) and targets y (n, …); row i of y is the target of row i of x.

    A row is whatever the model takes: (features,), an image (channels, height, width), a sequence
    (time, features). Floating-point tensors are converted to the run's dtype. Whole numbers, such
    as tokens, become int64.
    """

    x: Tensor
    y: Tensor


class Data(NamedTuple):
    """The splits of a dataset, and what its targets mean. Any object with these attributes will do.

    Attributes:
        train: the training set.
        test: the test set. It never chooses anything.
        task: in a classification the targets are one-hot, one column for each class, or class
            indices (whole numbers), one or several in a row; in a regression they are numbers.
        validation: the set that chooses among several restarts, if the user wants one.
        notes: further facts, ready for JSON. All are optional:

            ``classes``   the name of each class, in the order of the target's columns;
            ``features``  the name of each input;
            ``mean``, ``std``  one number for each input: the inputs were (x − mean) / std;
            ``target``, ``target_mean``, ``target_std``  the same of a regression's target;
            ``told``  sentences for the user about what was decided;
            ``transform``  the way from a table's rows to the inputs, for new rows;
            ``ellipse``   the true border, in the coordinates of the inputs:
            ``{"centre": [x, y], "width": w, "height": h, "label": text}``.
        encoded: ``encoded(columns, told)`` returns the same rows with the inputs that the encoders
            of another transform make of them, as fine-tuning needs; None if there is no such way.
    """

    train: Split
    test: Split
    task: Literal["classification", "regression"]
    validation: Split | None = None
    notes: Mapping[str, Any] = {}
    encoded: Callable[..., Data] | None = None

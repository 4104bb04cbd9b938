"""The way from the rows of a table to the inputs of a network, saved as plain data."""

from __future__ import annotations

from dataclasses import MISSING as NO_DEFAULT
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from minidl_core import MinidlError
from minidl_plugins_experiments.data.cells import Notation
from minidl_plugins_experiments.data.encoders import Number
from minidl_plugins_experiments.data.targets import Classes, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from torch import Tensor

    from minidl_plugins_experiments.data.encoders import Encoder
    from minidl_plugins_experiments.data.findings import Findings
    from minidl_plugins_experiments.data.targets import Target

__all__ = ["Transform", "transform_of"]

ENCODERS: dict[str, Any] = {each.kind: each for each in (Number,)}
TARGETS: dict[str, Any] = {each.kind: each for each in (Classes, Quantity)}


@dataclass(frozen=True)
class Transform:
    """Everything that was learned about a table from its training part, and nothing else.

    Attributes:
        columns: an encoder for each column that is used, in the order of the inputs.
        target: what the outputs mean.
        table: all columns of the file in their order, the target included.
        named: whether the file has the names of its columns; without, they are called by place.
        dtype: the name of the floating-point type that computes the inputs.
    """

    columns: Sequence[Encoder]
    target: Target
    table: Sequence[str] = ()
    named: bool = True
    dtype: str = "float64"

    @property
    def inputs(self) -> list[str]:
        """The name of each input of the network."""
        return [name for column in self.columns for name in column.inputs]

    def apply(self, frame: pd.DataFrame, findings: Findings) -> Tensor:
        """Return the inputs of each row; `findings` gets what is wrong.

        Args:
            frame: has each column under its name.  (n, columns) -> (n, inputs)
        """
        inputs = np.empty((len(frame), len(self.inputs)), np.dtype(self.dtype))
        place = 0
        for column in self.columns:
            encoded = column.encode(frame[column.name], findings, inputs.dtype)
            inputs[:, place : place + encoded.shape[1]] = encoded
            place += encoded.shape[1]
        return torch.from_numpy(inputs)

    def tree(self) -> dict[str, Any]:
        """Return it as plain data, from which `transform_of` makes its equal."""
        return {
            "columns": [_tree(column) for column in self.columns],
            "target": _tree(self.target),
            "table": list(self.table),
            "named": self.named,
            "dtype": self.dtype,
        }


def transform_of(tree: Mapping[str, Any]) -> Transform:
    """Return the transform that `tree` describes.

    Raises:
        MinidlError: it was written by a later version, or is damaged.
    """
    try:
        return Transform(
            columns=[_made(ENCODERS, each) for each in tree["columns"]],
            target=_made(TARGETS, tree["target"]),
            table=tree["table"],
            named=tree["named"],
            dtype=tree["dtype"],
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise MinidlError(
            f"the transform of the data cannot be read ({type(error).__name__}: {error}); use the "
            "version of minidl-plugins-experiments that made the run, or train again"
        ) from error


def _tree(part: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults."""
    values = asdict(part)
    for each in fields(part):
        if each.default is not NO_DEFAULT and getattr(part, each.name) == each.default:
            del values[each.name]
    return {"kind": part.kind, **values}


def _made(kinds: dict[str, Any], tree: Mapping[str, Any]) -> Any:
    arguments = dict(tree)
    kind = kinds[arguments.pop("kind")]
    if "notation" in arguments:
        arguments["notation"] = Notation(**arguments["notation"])
    return kind(**arguments)

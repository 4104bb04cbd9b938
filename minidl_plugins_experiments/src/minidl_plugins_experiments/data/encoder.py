"""How a column of a table becomes inputs of a network: the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from minidl_plugins_experiments.data.cells import Floats
    from minidl_plugins_experiments.data.findings import Findings

    DType = np.dtype[Any]

__all__ = ["Encoder"]


class Encoder(Protocol):
    """One column, with what was learned about it from the training part.

    Attributes:
        kind: the word for it in plain data.
        text: whether its cells have to be read as text, even if all are numbers.
        name: the name of the column.
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str: ...

    @property
    def text(self) -> bool: ...

    @property
    def inputs(self) -> list[str]:
        """The name of each input that the column becomes."""

    def encode(self, cells: pd.Series[Any], findings: Findings, dtype: DType) -> Floats:
        """Return the inputs of each row in `dtype`; `findings` gets what is wrong.

        (n,) -> (n, inputs)
        """

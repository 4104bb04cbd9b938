"""Predictions written as a table."""

from __future__ import annotations

import csv
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_plugins_experiments.data.targets import Quantity
from minidl_plugins_experiments.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_plugins_experiments.runs.load import LoadedRun
    from minidl_plugins_experiments.runs.prediction import Predictions

__all__ = ["write_predictions"]


def write_predictions(run: LoadedRun, rows: Path, output: Path | None) -> list[str]:
    """Write what `run` says of each row of the table `rows`, to `output` or to stdout.

    Returns:
        What the user should know about the rows. A column that training left out, such as an
        identifier, is written beside the predictions.

    Raises:
        MinidlError: a column is missing, a cell cannot be used, or `output` cannot be written.
    """
    predictions, frame = run.predict_rows(rows)
    used = {run.transform.target.name, *(column.name for column in run.transform.columns)}
    kept = [name for name in run.transform.table if name in frame.columns and name not in used]
    table = [(name, frame[name].tolist()) for name in kept] + _columns(run, predictions)
    stream = StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([name for name, _ in table])
    writer.writerows(zip(*(cells for _, cells in table), strict=True))
    if output is None:
        sys.stdout.write(stream.getvalue())
        return predictions.notes
    try:
        write_atomically(output, stream.getvalue().encode())
    except OSError as error:
        raise MinidlError(
            f"{output} cannot be written ({error.strerror or error}); name another place"
        ) from error
    return [*predictions.notes, f"{len(predictions.values)} predictions are in {output}"]


def _columns(run: LoadedRun, predictions: Predictions) -> list[tuple[str, list[Any]]]:
    """Return the name and the cells of each column of predictions."""
    target = run.transform.target
    if predictions.outputs.shape[1] > 1 and isinstance(target, Quantity):
        return list(
            zip(target.names, map(list, zip(*predictions.values, strict=True)), strict=True)
        )
    columns: list[tuple[str, list[Any]]] = [(target.name, predictions.values)]
    for name, shares in (predictions.probabilities or {}).items():
        columns.append((f"probability of {name}", shares.tolist()))
    return columns

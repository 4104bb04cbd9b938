"""The arguments of the dataset ``csv``, checked before a file is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.arguments import check_flag, check_share, check_whole_number

__all__ = ["check_arguments"]

TASKS = ("classification", "regression")
ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f"}


def check_arguments(
    *,
    path: object,
    task: object,
    test: float,
    validation: float,
    normalise: object,
    drop: object,
    delimiter: object,
    header: object,
    encoding: object,
    decimal: object,
    missing: object,
    categories: object,
    dates: object,
    max_categories: object,
) -> None:
    """Check what can be checked without the file.

    Raises:
        ArgumentError: an argument is not what it has to be.
    """
    _check_path(path)
    if task not in TASKS:
        raise ArgumentError(
            f'expected "classification" or "regression", got {task!r}; take the second if the '
            "target is a quantity",
            where="task",
        )
    check_share("test", test)
    check_share("validation", validation, may_be_zero=True)
    if test + validation >= 1:
        raise ArgumentError(
            f"expected test and validation to leave rows for training, got {test} + {validation}; "
            "make their sum less than 1",
            where="test",
        )
    check_flag("normalise", normalise)
    for name, value, example in (
        ("drop", drop, '["name", 3]'),
        ("categories", categories, '["postcode", 3]'),
        ("missing", missing, '["unknown", "-999"]'),
    ):
        if isinstance(value, str) or not isinstance(value, Sequence):
            what = "words" if name == "missing" else "columns"
            raise ArgumentError(
                f"expected a list of {what}, got {value!r}; write {name} = {example}", where=name
            )
    if header is not None:
        check_flag("header", header)
    check_whole_number("max_categories", max_categories, least=1)
    if not isinstance(dates, Mapping) or not all(
        isinstance(form, str) and "%" in form for form in dates.values()
    ):
        raise ArgumentError(
            f"expected how the dates of a column are written, got {dates!r}; write "
            'dates = { "day" = "%d.%m.%Y" }',
            where="dates",
        )
    if encoding is not None and not isinstance(encoding, str):
        raise ArgumentError(
            f'expected the name of an encoding, got {encoding!r}; write encoding = "cp1252"',
            where="encoding",
        )
    if decimal not in (None, ".", ","):
        raise ArgumentError(
            f'expected a point or a comma, got {decimal!r}; write decimal = ","', where="decimal"
        )
    _check_delimiter(delimiter)


def _check_path(path: object) -> None:
    if not isinstance(path, (str, Path)) or path == "" or "\0" in str(path):
        raise ArgumentError(
            f'expected the path of a file, got {path!r}; write path = "table.csv"', where="path"
        )
    escape = next((escape for escape in ESCAPES if escape in str(path)), None)
    if escape is not None:
        meant = str(path).replace(escape, ESCAPES[escape])
        raise ArgumentError(
            f"expected the path of a file, got one with a control character in it: TOML reads "
            f'{ESCAPES[escape]} in "double quotes" as one; write single quotes, as in '
            f"'{Path(meant).name}', or / instead of \\",
            where="path",
        )


def _check_delimiter(delimiter: object) -> None:
    if delimiter in (None, r"\s+", " "):
        return
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise ArgumentError(
            f'expected one character, got {delimiter!r}; write ",", ";", "\\t", or " " for any '
            "number of spaces",
            where="delimiter",
        )

"""What is wrong with a file is said once: where, what was expected, what came, what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.datasets.csv_file import csv

GOOD = b"a,b,y\n1,2,no\n3,4,yes\n5,6,no\n7,8,yes\n9,10,no\n"
NUMBERS = {"task": "regression"}


def refusal(table: Path, **arguments: Any) -> str:
    """What is said of the file at `table`, which is named TABLE."""
    asked: dict[str, Any] = {"target": "y", "path": table, **arguments}
    with pytest.raises(ArgumentError) as caught:
        csv(generator=torch.Generator().manual_seed(0), dtype=torch.float32, **asked)
    return str(caught.value).replace(str(table), "TABLE")


# file, arguments, place, what was expected and came, the cure
FILES: dict[str, tuple[bytes, dict[str, Any], str, str, str]] = {
    "text": (
        b"a,b,y\n1,2,no\n3,red,yes\n5,blue,no\n7,8,yes\n",
        {},
        'TABLE, line 3, column "b"',
        'expected a number, as in most rows, got the text "red" (the first of 2 in this column)',
        'missing = ["red"] if that means no value, categories = ["b"] if the numbers are names',
    ),
    "text-without-names": (
        b"1,red,0\n1,2,1\n",
        {"header": False, "target": 2},
        "TABLE, line 1, column 1 (from 0)",
        'expected a number, as in most rows, got the text "red"',
        "drop = [1]",
    ),
    "infinite": (
        b"a,y\n1,no\ninf,yes\n",
        {},
        'TABLE, line 3, column "a"',
        'expected a finite number, got "inf"',
        "correct it",
    ),
    "overflow": (
        b"a,y\n1,no\n1e999,yes\n",
        {},
        'line 3, column "a"',
        'finite number, got "1e999"',
        "correct",
    ),
    "underscore": (
        b"a,y\n1,no\n1_000,yes\n",
        {},
        'line 3, column "a"',
        'got the text "1_000"',
        "correct it",
    ),
    "after-a-cell-of-two-lines": (
        b'a,b,y\n1,2,"n\no"\n\n3,x,yes\n',
        {},
        'TABLE, line 5, column "b"',
        'got the text "x"',
        "correct it",
    ),
    "short-row": (
        b"a,b,y\n1,2,no\n3,4\n",
        {},
        'TABLE, line 3, column "y"',
        "expected 3 cells, as in the header, got 2",
        "add the missing cells, or remove the line",
    ),
    "long-row": (
        b"a,b,y\n1,2,no\n3,4,yes,5\n",
        {},
        "TABLE, line 3, column 3 (from 0)",
        "expected 3 cells, as in the header, got 4",
        "put quotes around a cell that has the delimiter in it",
    ),
    "short-row-without-names": (
        b"1,2,0\n3,4\n",
        {"header": False, "target": -1},
        "TABLE, line 2, column 2 (from 0)",
        "expected 3 cells, as in the first row, got 2",
        "add the missing",
    ),
    "missing-target": (
        GOOD,
        {"target": "Y2"},
        "TABLE, target",
        'expected a column "Y2", but there is none',
        "the columns are a, b, y",
    ),
    "mistyped-target": (
        GOOD.replace(b"y\n", b"label\n", 1),
        {"target": "lable"},
        "TABLE, target",
        'expected a column "lable", but there is none',
        'did you mean "label"? The columns are a, b, label',
    ),
    "target-too-far": (
        GOOD,
        {"target": 3},
        "TABLE, target",
        "expected the place of a column, 0 to 2 (or −1 for the last), got 3",
        "the file has 3 columns",
    ),
    "target-is-no-name": (
        GOOD,
        {"target": True},
        "TABLE, target",
        "expected the name of a column or its place, got True",
        'write target = "name", or -1 for the last',
    ),
    "name-without-names": (
        b"1,2\n3,4\n",
        {"header": False},
        "TABLE, target",
        'expected a column "y", but there is none',
        "the file has no names (header = false): give its place",
    ),
    "duplicate-name": (
        b"a,a,y\n1,2,no\n3,4,yes\n",
        {},
        'TABLE, header, column "a"',
        "expected names that differ, got the same at 0 and 1 (from 0)",
        "rename one, or leave it out: drop = [1]",
    ),
    "duplicate-target": (
        b"y,a,y\n1,2,no\n3,4,yes\n",
        {},
        "TABLE, target",
        'expected one column "y", got 2, at 0 and 2 (from 0)',
        "rename one, or give the place",
    ),
    "one-class": (
        b"a,y\n1,no\n2,no\n3,no\n",
        {},
        'TABLE, column "y"',
        'expected at least two classes, got "no" in all 3 rows',
        "choose another target",
    ),
    "class-missing": (
        b"a,y\n1,no\n2,\n3,yes\n",
        {},
        'TABLE, line 3, column "y"',
        "expected a class, got an empty cell",
        "fill it in, or remove the line",
    ),
    "class-spelled-twice": (
        b"a,y\n1,0\n2,1\n3,1.0\n4,0\n",
        {},
        'TABLE, line 4, column "y"',
        'expected one name for each class, got "1" and "1.0", which are the same number',
        "write it in one way",
    ),
    "class-too-small": (
        GOOD + b"1,1,maybe\n",
        {},
        'TABLE, column "y"',
        'expected at least 2 rows of each class, one for each part, got 1 of "maybe"',
        "add rows or remove the class",
    ),
    "quantity-as-class": (
        b"a,y\n1,0.1\n2,0.2\n3,0.3\n",
        {},
        'TABLE, column "y"',
        'got 1 of "0.1" (and 2 more of the 3 classes have too few)',
        'if the target is a quantity, write task = "regression"',
    ),
    "class-too-small-for-validation": (
        GOOD,
        {"validation": 0.1},
        'TABLE, column "y"',
        'expected at least 3 rows of each class, one for each part, got 2 of "yes"',
        "add rows",
    ),
    "class-as-quantity": (
        GOOD,
        NUMBERS,
        'TABLE, line 2, column "y"',
        'expected a number, got the text "no" (the first of 5 in this column)',
        'for classes write task = "classification"',
    ),
    "target-missing": (
        b"a,y\n1,2\n3,\n",
        NUMBERS,
        'TABLE, line 3, column "y"',
        "expected a number, got an empty cell",
        "fill it in, or remove the line",
    ),
    "too-few-rows": (
        b"a,y\n1,2\n3,4\n",
        NUMBERS,
        'TABLE, column "y"',
        "expected enough rows for two to train on, got 2 in all, of which 1 are held back",
        "add rows, or hold back less",
    ),
    "one-row": (b"a,y\n1,2\n", NUMBERS, 'column "y"', "enough rows", "add rows"),
    "header-only": (
        b"a,b,y\n",
        {},
        "TABLE",
        "expected rows, got a header only",
        "fill the table",
    ),
    "empty": (b"", {}, "TABLE", "expected a table, got an empty file", "fill it"),
    "blank": (b"\n \n\n", {}, "TABLE", "expected a table, got an empty file", "fill it"),
    "only-a-target": (
        b"a,y\n1,2\n",
        {"drop": ["a"]},
        "TABLE",
        'expected at least one feature, got only the target, column "y"',
        "drop fewer columns",
    ),
    "target-dropped": (
        GOOD,
        {"drop": ["y"]},
        "TABLE, drop",
        'expected the target to be kept, got column "y" in drop too',
        "take it out",
    ),
    "nothing-to-drop": (
        GOOD,
        {"drop": ["colour"]},
        "TABLE, drop",
        'expected a column "colour", but there is none',
        "the columns are a, b, y",
    ),
    "one-column": (b"y\n1\n2\n", {}, "line 1", "one cell only", "at least a feature and a target"),
    "latin-1-after-a-mark": (
        b"\xef\xbb\xbfa,y\n1,no\n2,caf\xe9\n",
        {},
        "TABLE, line 3",
        "got the byte 0xe9",
        "save the file as UTF-8",
    ),
    "null": (b"a,y\n1,\x002\n", {}, "TABLE, line 2", "got a null character", "export it again"),
    "open-quote": (
        b'a,y\n1,no\n2,"yes\n3,no\n',
        {},
        "TABLE, line 3",
        "expected a row of cells, got one that cannot be read (unexpected end of data)",
        "close every quote that opens",
    ),
    "quote-inside": (b'a,y\n"1"2,no\n', {}, "TABLE, line 2", "cannot be read", "write a quote"),
    "squares-overflow": (
        b"a,y\n1e200,no\n-1e200,no\n1e200,yes\n-1e200,yes\n3e200,no\n-5e200,yes\n",
        {},
        'TABLE, column "a"',
        "expected numbers whose squares can be summed, got ones too large",
        "give the column another unit",
    ),
    "too-large-for-the-dtype": (
        GOOD.replace(b"7,8", b"7,1e300"),
        {"normalise": False},
        'TABLE, line 5, column "b"',
        "expected numbers that fit into torch.float32, got one that overflows",
        "give the column another unit, or take another dtype",
    ),
    "nameless-column": (
        b",a,y\n0,2,no\n5,4,yes\n",
        {},
        "TABLE, header, column 0 (from 0)",
        "expected a name, got an empty one",
        "drop = [0] (pandas writes such a column unless told index=False)",
    ),
    "names-or-data": (
        b"1,2,3\n3,4,1\n5,2,3\n",
        {"target": 2},
        "TABLE, line 1",
        "cannot tell whether the first row, 1, 2, 3, has names or is data already",
        "write header = true or header = false",
    ),
    "not-the-encoding": (
        b"a,y\n1,caf\xe9\n",
        {"encoding": "utf-8"},
        "TABLE, line 2",
        "expected utf-8, got the byte 0xe9",
        "leave encoding out",
    ),
    "one-or-a-thousand": (
        b"a;y\n" + b"".join(b"%d,200;%d\n" % (i, i % 2) for i in range(1, 9)),
        {},
        'TABLE, column "a"',
        'expected numbers that can be read in one way, got "1,200"',
        'write decimal = "." or decimal = ","',
    ),
    "points-beside-commas": (
        b"a;b;y\n" + b"".join(b"%d,5;1.%d00;%d\n" % (i, i, i % 2) for i in range(1, 9)),
        {},
        'TABLE, column "b"',
        'expected numbers that can be read in one way, got "1.100"',
        'write decimal = "." or decimal = ","',
    ),
    "month-or-day": (
        b"a,y\n" + b"".join(b"0%d/02/2024,%d\n" % (i, i % 2) for i in range(1, 9)),
        {},
        'TABLE, column "a"',
        "expected dates that can be read in one way",
        'write dates = { "a" = "%d/%m/%Y" }',
    ),
    "identifiers": (
        b"a,y\n" + b"".join(b"customer %d.,%d\n" % (i, i % 2) for i in range(60)),
        {},
        'TABLE, column "a"',
        "expected numbers, dates or categories that occur again, got 48 words in 48 training rows",
        'drop = ["a"]',
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_wrong(tmp_path: Path, name: str) -> None:
    content, arguments, place, problem, cure = FILES[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    said = refusal(path, **arguments)
    where, _, message = said.partition(": ")
    assert where.endswith(place)
    assert problem in message
    assert cure in message.partition(";")[2]
    assert "\n" not in said


def test_all_columns_are_told_in_one_message(tmp_path: Path) -> None:
    rows = [f"{i},{i},{i}.5,0{i}/02/2024,{i % 2}" for i in range(1, 9)]
    rows[2] = "red,3,inf,03/02/2024,"
    path = tmp_path / "table.csv"
    path.write_text("a,b,c,d,y\n" + "\n".join(rows) + "\n")
    first, *lines = refusal(path).splitlines()
    assert first == "TABLE: 4 columns cannot be used as they are:"
    assert [line.partition(": ")[0].strip() for line in lines] == [
        'line 4, column "a"', 'column "d"', 'line 4, column "c"', 'line 4, column "y"',
    ]  # fmt: skip


ARGUMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "task": ({"task": "clustering"}, 'task: expected "classification" or "regression", got'),
    "test-none": ({"test": 0}, "test: expected a share of the rows between 0 and 1, got 0;"),
    "test-all": ({"test": 1.0}, "test: expected a share of the rows between 0 and 1, got 1.0;"),
    "test-nan": ({"test": float("nan")}, "test: expected a share of the rows"),
    "validation": ({"validation": -0.1}, "validation: expected a share of the rows between 0"),
    "both": ({"test": 0.6, "validation": 0.5}, "test: expected test and validation to leave rows"),
    "normalise": ({"normalise": "yes"}, "normalise: expected true or false, got 'yes'; write"),
    "header": ({"header": 1}, "header: expected true or false, got 1; write header = true"),
    "drop": ({"drop": "a"}, "drop: expected a list of columns, got 'a'; write drop = ["),
    "delimiter": ({"delimiter": "::"}, "delimiter: expected one character, got '::'; write"),
    "quote": ({"delimiter": '"'}, "delimiter: expected one character, got '\"'; write"),
    "path": ({"path": ""}, "path: expected the path of a file, got ''; write path ="),
    "path-number": ({"path": 7}, "path: expected the path of a file, got 7; write path ="),
    "path-null": ({"path": "a\0b"}, "path: expected the path of a file, got 'a\\x00b'; write"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_that_is_wrong(tmp_path: Path, name: str) -> None:
    arguments, said = ARGUMENTS[name]
    path = tmp_path / "table.csv"
    path.write_bytes(GOOD)
    assert refusal(path, **arguments).startswith(said)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    said = refusal(tmp_path / "table.csv")
    assert said.startswith("TABLE: expected a CSV file, but there is none of that name in ")
    assert str(tmp_path) in said
    assert said.endswith("check the path and the folder that it starts from")


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith("TABLE: expected a CSV file, got a folder; name the file")


def test_a_device() -> None:
    assert refusal(Path(os.devnull)).startswith("TABLE: expected a CSV file, got a device; name")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(GOOD)

    def refused(
        self: Path, mode: str = "r"
    ) -> None:  # root may read all, so the permissions would not do
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    assert "got: Permission denied; check its permissions" in refusal(path)


def test_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "expected a CSV file" in refusal(tmp_path / "file" / "table.csv")


@settings(max_examples=300, deadline=None)
@given(content=st.one_of(
    st.binary(max_size=60),
    st.text('ay,;"\n\r1.-e ', max_size=60).map(lambda text: b"a,y\n" + text.encode()),
), header=st.booleans(), task=st.sampled_from(["classification", "regression"]))  # fmt: skip
def test_any_file_is_data_or_one_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, header: bool, task: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    generator = torch.Generator().manual_seed(0)
    try:
        data = csv(generator=generator, dtype=torch.float32, path=path, target=-1, task=task,
                   header=header)  # fmt: skip
    except ArgumentError:
        return
    assert data.train.x.isfinite().all()
    assert len(data.train.x) == len(data.train.y) >= 1
    assert len(data.test.x) == len(data.test.y) >= 1

"""The tutorials run, print what is committed, and quote no number that they do not print.

`notebooks.py` states the rules of comparison.
"""

from __future__ import annotations

import copy

import pytest

pytest.importorskip("nbclient", reason="the tox environment docs has nbclient")

from .notebooks import code_cells, differences, errors_of, measured, notebooks, read, run, unprinted

PATHS = notebooks()
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@each
@pytest.mark.filterwarnings("default")  # of the kernel's client, which is not ours
def test_notebook_prints_what_is_committed(path, tmp_path):
    committed = read(path)
    fresh = run(committed, tmp_path)
    assert not list(errors_of(fresh)), path.name
    assert not list(differences(committed, fresh)), path.name


@each
def test_committed_notebook_is_complete(path):
    notebook = read(path)
    assert notebook.cells[0].source.startswith("# ")
    assert len(notebook.cells[0].source.splitlines()) == 1
    assert 10 <= len(notebook.cells) <= 25
    assert not list(errors_of(notebook))
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run refresh_notebooks.py"


@each
def test_measured_numbers_are_printed(path):
    notebook = read(path)
    assert measured(notebook)
    assert unprinted(notebook) == []


@pytest.fixture
def notebook():
    return read(PATHS[0])


def first_with(notebook, text):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if text in output.get("text", ""):
                return output
    raise AssertionError(text)


def printed(text):
    """A notebook of one cell that printed `text`."""
    from nbformat import v4

    output = v4.new_output("stream", name="stdout", text=text)
    return v4.new_notebook(cells=[v4.new_code_cell("...", outputs=[output])])


@pytest.mark.parametrize(
    ("committed", "fresh"),
    [
        ("loss 0.512", "loss 0.530"),
        ("loss 0.512", "loss -0.512"),
        ("7 of 32 died", "8 of 32 died"),
        ("True", "False"),
        ("one\ntwo", "one"),
        ("ratio 1e-3", "ratio 2e-3"),
    ],
)
def test_different_outputs_are_told(committed, fresh):
    assert len(list(differences(printed(committed), printed(fresh)))) == 1


@pytest.mark.parametrize(
    ("committed", "fresh"),
    [
        ("loss 0.512", "loss 0.513"),
        ("error 1.2e-12", "error 7.9e-11"),
        ("took 3.1 s", "took 12 s"),
        ("a  b\n", "a b"),
        ("/home/one/x.py:3", "/tmp/two/x.py:3"),
    ],
)
def test_rounding_times_and_paths_are_equal(committed, fresh):
    assert not list(differences(printed(committed), printed(fresh)))


def test_edited_output_is_found(notebook, tmp_path):
    edited = copy.deepcopy(notebook)
    output = first_with(edited, "0.")
    output.text = output.text.replace("0.", "9.", 1)
    told = list(differences(edited, run(notebook, tmp_path)))
    assert len(told) == 1
    assert "committed" in told[0]


def test_missing_image_is_found():
    from nbformat import v4

    shown = printed("a figure")
    shown.cells[0].outputs.append(v4.new_output("display_data", data={"image/png": "AAAA"}))
    assert list(differences(shown, printed("a figure"))) == ["cell 0: committed 1 images, now 0"]


def test_error_names_cell(tmp_path):
    from nbformat import v4

    cells = [v4.new_markdown_cell("# Title"), v4.new_code_cell("1 / 0")]
    fresh = run(v4.new_notebook(cells=cells), tmp_path)
    assert list(errors_of(fresh)) == ["cell 1 (1 / 0): ZeroDivisionError: division by zero"]


def test_unprinted_bold_number_is_found(notebook):
    notebook.cells[-1].source += "\nThe loss is **123.456**."
    assert unprinted(notebook) == ["123.456"]

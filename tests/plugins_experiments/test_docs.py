"""What the documentation says of results and files is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from minidl_core import registry
from minidl_plugins_experiments.config.experiment import KEYS, experiment_of
from minidl_plugins_experiments.config.reading import parse

DOCS = Path(__file__).parents[2] / "docs"


def keys_of_table(text: str) -> set[str]:
    """What is in backquotes in the first cells of the tables in `text`."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def test_every_key_of_a_result_is_documented_and_every_documented_one_there(
    minidl, write, tmp_path
):
    text = (DOCS / "run-folder.md").read_text(encoding="utf-8")
    whole, of_restarts, of_epochs = (
        keys_of_table(part)
        for part in re.split(
            r"^`restarts`:$|^Each of `epochs`",
            text.partition("## result.json")[2].partition("## seeds.json")[0],
            flags=re.MULTILINE,
        )
    )
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert whole == set(result)
    assert of_restarts == set(result["restarts"])
    assert of_epochs - {"validation_loss", "validation_error"} == set(result["epochs"][0])


def test_every_key_of_a_file_and_every_schedule_is_documented():
    text = (DOCS / "experiments.md").read_text(encoding="utf-8")
    table = text.partition("## The file")[2].partition("### Components")[0]
    assert keys_of_table(table) == set(KEYS)
    for schedule in registry.components("schedules"):
        assert f"`{schedule.name}`" in text


BLOCKS = re.findall(
    r"```toml\n(.*?)```", (DOCS / "experiments.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("block", BLOCKS[1:], ids=range(1, len(BLOCKS)))
def test_the_documented_models_are_read(block):
    tree = parse(block)
    rest = {"data": "disk", "loss": "MSELoss", "optimizer": "SGD", "epochs": 1, "batch_size": 1}
    tree.setdefault("model", "ReLU")
    assert experiment_of({**tree, **rest}).model == tree["model"]

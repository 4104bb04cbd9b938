"""The hook ``minidl_conduct``: what another way to run may change, and that it is not ignored."""

from __future__ import annotations

import json

import pytest

from minidl_core import StateError, registry
from minidl_plugins_experiments import Conduct, ConfigError


@pytest.fixture
def conducted(monkeypatch):
    """Let a conduct be what a plugin answers."""

    def by(conduct):
        monkeypatch.setattr(type(registry.hooks), "ask_one", lambda hooks, hook: conduct)

    return by


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def files_of(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_its_methods_are_called_in_order(minidl, write, conducted, tmp_path):
    calls = []

    class Told(Conduct):
        def __getattribute__(self, name):
            if not name.startswith("_") and name != "keeps" and (not calls or calls[-1] != name):
                calls.append(name)
            return super().__getattribute__(name)

    conducted(Told())
    assert minidl("run", write(epochs="1"), "--output", "out", "--no-figures").status == 0
    assert calls == ["begin", "prepared", "share", "resume", "batches", "predict", "end"]


def test_it_chooses_the_rows_of_each_batch(minidl, write, conducted, tmp_path):
    sizes = []

    class Halves(Conduct):
        def batches(self, run, lane, parts):
            for rows in parts:
                sizes.append(len(rows))
                yield rows[: len(rows) // 2]

    whole, half = tmp_path / "whole", tmp_path / "half"
    assert minidl("run", write(), "--output", whole, "--no-figures").status == 0
    conducted(Halves())
    assert minidl("run", write(), "--output", half, "--no-figures").status == 0
    assert sizes == [20] * 9
    losses = [result_of(folder)["final"] for folder in (whole, half)]
    assert losses[0] != losses[1]


def test_it_predicts_in_evaluation(minidl, write, conducted, tmp_path):
    class Constant(Conduct):
        def predict(self, run, lane, x):
            return 0 * super().predict(run, lane, x)

    conducted(Constant())
    assert minidl("run", write(), "--output", "out", "--no-figures").status == 0
    result = result_of(tmp_path / "out")
    assert {epoch["train_loss"][0] for epoch in result["epochs"]} == {0.5}


@pytest.mark.parametrize("arguments", [(), ("--seeds", "2"), ("--dry-run",)])
def test_one_that_does_not_keep_writes_and_prints_nothing(
    minidl, write, conducted, tmp_path, arguments
):
    class Silent(Conduct):
        keeps = False

        def share(self, find):
            return answers[find.__name__]

    answers = {"<lambda>": ["id", "another"], "created": "another", "exists": False}
    conducted(Silent())
    done = minidl("run", write(), "--json-lines", "lines.jsonl", *arguments)
    assert done == (0, "", "")
    assert files_of(tmp_path) == ["small.toml"]


def test_a_refusal_is_one_message_and_exit_status_2(minidl, write, conducted, tmp_path):
    class Picky(Conduct):
        def begin(self, experiment, registry):
            raise ConfigError("too cold", key="epochs")

    conducted(Picky())
    done = minidl("run", write())
    assert (done.status, done.err) == (2, f"Error: {tmp_path / 'small.toml'}: epochs: too cold\n")
    assert files_of(tmp_path) == ["small.toml"]


def test_what_another_says_is_not_said_twice(minidl, write, conducted):
    class Quiet(Conduct):
        def tell(self, error):
            return None

    conducted(Quiet())
    assert minidl("run", write(loss='"Nothing"')) == (2, "", "")


def test_an_error_of_its_own_ends_the_run(minidl, write, conducted, tmp_path):
    class Broken(Conduct):
        def batches(self, run, lane, parts):
            raise StateError("lost the rows")

    conducted(Broken())
    done = minidl("run", write(), "--quiet")
    assert done.status == 1
    assert "lost the rows" in done.err
    assert result_of(tmp_path / "runs" / "small-1")["status"] == "failed"


def test_it_hears_of_a_start_that_diverged(minidl, write, conducted):
    heard = []

    class Listens(Conduct):
        def diverged(self, run, lane, error):
            heard.append(type(error).__name__)

    conducted(Listens())
    optimizer = '{ name = "SGD", lr = 1e30 }'
    assert minidl("run", write(optimizer=optimizer), "--quiet").status == 1
    assert heard == ["NonFiniteError"]


def test_what_is_no_conduct_is_refused(minidl, write, conducted):
    conducted("a string")
    done = minidl("run", write())
    assert done.status == 1
    assert "must answer a Conduct, or None, got str" in done.err

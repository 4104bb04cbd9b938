"""The hook ``minidl_strategy``: what another execution strategy may change."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from minidl_core import StateError, hookimpl, registry
from minidl_plugins_experiments import ConfigError, Strategy


@pytest.fixture
def plug_in(monkeypatch):
    """Register a plugin whose hook ``minidl_strategy`` is the given function."""
    monkeypatch.setattr(registry, "disable", lambda *names: None)  # it would load hooks anew
    plugins = []

    def register(strategy, name="strategist"):
        plugin = ModuleType(name)

        def minidl_strategy():
            return strategy()

        plugin.minidl_strategy = hookimpl(minidl_strategy)
        registry.hooks.register(plugin, name)
        plugins.append(plugin)

    yield register
    for plugin in plugins:
        registry.hooks.unregister(plugin)


@pytest.fixture
def use_strategy(plug_in):
    """Let a plugin return this strategy."""
    return lambda strategy: plug_in(lambda: strategy)


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def files_of(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_methods_are_called_in_order(minidl, write, use_strategy, tmp_path):
    calls = []

    class Recorded(Strategy):
        def __getattribute__(self, name):
            hidden = name.startswith("_") or name == "is_main_process"
            if not hidden and (not calls or calls[-1] != name):
                calls.append(name)
            return super().__getattribute__(name)

    use_strategy(Recorded())
    assert minidl("run", write(epochs="1"), "--output", "out", "--no-figures").status == 0
    assert calls == ["setup", "verify", "broadcast", "started", "batches", "predict", "close"]


def test_it_chooses_the_rows_of_each_batch(minidl, write, use_strategy, tmp_path):
    sizes = []

    class Halves(Strategy):
        def batches(self, state, batch_indices):
            for rows in batch_indices:
                sizes.append(len(rows))
                yield rows[: len(rows) // 2]

    whole, half = tmp_path / "whole", tmp_path / "half"
    assert minidl("run", write(), "--output", whole, "--no-figures").status == 0
    use_strategy(Halves())
    assert minidl("run", write(), "--output", half, "--no-figures").status == 0
    assert sizes == [20] * 9
    losses = [result_of(folder)["final"] for folder in (whole, half)]
    assert losses[0] != losses[1]


def test_it_predicts_in_evaluation(minidl, write, use_strategy, tmp_path):
    class Constant(Strategy):
        def predict(self, state, x):
            return 0 * super().predict(state, x)

    use_strategy(Constant())
    assert minidl("run", write(), "--output", "out", "--no-figures").status == 0
    result = result_of(tmp_path / "out")
    assert {epoch["train_loss"][0] for epoch in result["epochs"]} == {0.5}


@pytest.mark.parametrize("arguments", [(), ("--seeds", "2"), ("--dry-run",)])
def test_other_processes_write_and_print_nothing(minidl, write, use_strategy, tmp_path, arguments):
    series = "--seeds" in arguments
    answers = ["another", *[False, ["id", "another"]] * 2] if series else [["id", "another"]]

    class Silent(Strategy):
        is_main_process = False

        def broadcast(self, compute):
            return answers.pop(0)

    use_strategy(Silent())
    done = minidl("run", write(), "--json-lines", "lines.jsonl", *arguments)
    assert done == (0, "", "")
    assert files_of(tmp_path) == ["small.toml"]


def test_a_refusal_is_one_message_and_exit_status_2(minidl, write, use_strategy, tmp_path):
    class Picky(Strategy):
        def setup(self, experiment, versions):
            raise ConfigError("too cold", key="epochs")

    use_strategy(Picky())
    done = minidl("run", write())
    assert (done.status, done.err) == (2, f"Error: {tmp_path / 'small.toml'}: epochs: too cold\n")
    assert files_of(tmp_path) == ["small.toml"]


def test_no_message_prints_nothing(minidl, write, use_strategy):
    class Quiet(Strategy):
        def error_message(self, error):
            return None

    use_strategy(Quiet())
    assert minidl("run", write(loss='"Nothing"')) == (2, "", "")


def test_an_error_of_its_own_ends_the_run(minidl, write, use_strategy, tmp_path):
    class Broken(Strategy):
        def batches(self, state, batch_indices):
            raise StateError("lost the rows")

    use_strategy(Broken())
    done = minidl("run", write(), "--quiet")
    assert done.status == 1
    assert "lost the rows" in done.err
    assert result_of(tmp_path / "runs" / "small-1")["status"] == "failed"


def test_it_is_told_of_divergence(minidl, write, use_strategy):
    told = []

    class Listens(Strategy):
        def diverged(self, state, error):
            told.append(type(error).__name__)

    use_strategy(Listens())
    optimizer = '{ name = "SGD", lr = 1e30 }'
    assert minidl("run", write(optimizer=optimizer), "--quiet").status == 1
    assert told == ["NonFiniteError"]


def test_another_object_is_refused(minidl, write, use_strategy):
    use_strategy("a string")
    done = minidl("run", write())
    assert done.status == 1
    assert "must return a Strategy or None, got str" in done.err


# -- asking the plugins ----------------------------------------------------------------------------


def test_two_strategies_are_refused_by_name(minidl, write, plug_in):
    plug_in(Strategy, "strategy-b")
    plug_in(Strategy, "strategy-c")
    done = minidl("run", write())
    assert done.status == 1
    assert "strategy-b" in done.err
    assert "strategy-c" in done.err
    assert "only one may" in done.err


def test_a_plugin_without_strategy_is_passed_over(minidl, write, plug_in):
    plug_in(lambda: None)
    assert minidl("run", write(), "--quiet").status == 0


def test_a_plugin_that_raises_ends_the_command(minidl, write, plug_in, tmp_path):
    def broken():
        raise RuntimeError("no network")

    plug_in(broken, "strategy-d")
    done = minidl("run", write())
    assert done.status == 1
    assert "the hook minidl_strategy of strategy-d raised RuntimeError: no network" in done.err
    assert files_of(tmp_path) == ["small.toml"]


def test_errors_of_minidl_pass_unchanged(minidl, write, plug_in):
    def not_now():
        raise StateError("not now")

    plug_in(not_now)
    done = minidl("run", write())
    assert (done.status, done.err) == (1, "Error: not now\n")

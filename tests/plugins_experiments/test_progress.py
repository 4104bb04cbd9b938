"""What is told of a run under way: on a terminal, elsewhere, and to someone who wants nothing."""

from __future__ import annotations

import io
import math
import re

import pytest

import minidl_plugins_experiments.training.progress as progress_module
import minidl_plugins_experiments.training.progress_bar as bar_module
from minidl_plugins_experiments.training.progress import Progress, duration, format_metric
from minidl_plugins_experiments.training.progress_display import progress_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "monotonic", clock)
    monkeypatch.setattr(bar_module, "monotonic", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "140")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def last_drawing(terminal: Terminal) -> str:
    """The last line that has letters in it, without the codes for colours."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    return [line for line in re.split(r"[\r\n]", plain) if line.strip()][-1]


METRICS = {"train_loss": 0.0123456, "train_error": 0.032, "test_loss": 0.5, "test_error": 0.041}


def run(
    progress: Progress, clock: Clock, *, epochs: int, steps: int = 2, seconds: float = 0.01
) -> None:
    with progress:
        progress.start(epochs, steps, 1)
        for epoch in range(1, epochs + 1):
            for _ in range(steps):
                clock.now += seconds
                progress.step()
            progress.epoch(epoch, METRICS)


def test_quiet_writes_nothing(clock: Clock, terminal: Terminal) -> None:
    for stream in (terminal, io.StringIO()):
        run(progress_for(stream, quiet=True), clock, epochs=20)
        assert stream.getvalue() == ""


def test_a_stream_that_is_no_terminal_gets_a_line_for_each_tenth(clock: Clock) -> None:
    stream = io.StringIO()
    run(progress_for(stream, quiet=False), clock, epochs=50)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == (
        "epoch 5/50  train loss 0.01235  train error 3.2%  test loss 0.5  test error 4.1%  "
        "100 steps/s  0.9 s left"
    )
    assert lines[-1].startswith("epoch 50/50 ")
    assert lines[-1].endswith("took 1.0 s")
    assert "\x1b" not in stream.getvalue()


def test_few_epochs_get_a_line_each(clock: Clock) -> None:
    stream = io.StringIO()
    run(progress_for(stream, quiet=False), clock, epochs=3)
    assert [line.split("  ")[0] for line in stream.getvalue().splitlines()] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]


def test_slow_epochs_are_told_between_the_tenths(clock: Clock) -> None:
    stream = io.StringIO()
    run(progress_for(stream, quiet=False), clock, epochs=100, steps=1, seconds=20)
    told = [int(line.split("/")[0].split()[1]) for line in stream.getvalue().splitlines()]
    assert max(later - earlier for earlier, later in zip([0, *told], told, strict=False)) <= 2
    assert {10, 20, 100} <= set(told)


def test_a_resumed_run_counts_its_own_steps_only(clock: Clock) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as progress:
        progress.start(100, 10, 1)
        for _ in range(10):
            clock.now += 1
            progress.step()
        progress.epoch(90, {})  # the first 89 were done by a run that was stopped
    assert stream.getvalue() == "epoch 90/100  1 steps/s  1:40 left\n"


def test_errors_that_are_no_shares_are_shown_as_numbers(clock: Clock, terminal: Terminal) -> None:
    lines = io.StringIO()
    for stream in (lines, terminal):
        with progress_for(stream, quiet=False, shares=False) as progress:
            progress.start(1, 1, 1)
            clock.now += 1
            progress.step()
            progress.epoch(1, METRICS)
    assert "test error 0.041 " in lines.getvalue()
    assert "test error 0.041 " in last_drawing(terminal)


def test_a_figure_without_a_value_is_left_out_and_nan_is_shown() -> None:
    assert format_metric("train_error", None) == ""
    assert format_metric("train_error", math.nan) == "train error nan"
    assert format_metric("train_loss", math.inf) == "train loss inf"
    assert format_metric("test_error", 0.0) == "test error 0.0%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (7207, "2:00:07"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_terminal_gets_a_bar_with_figures_speed_and_time_left(
    clock: Clock, terminal: Terminal
) -> None:
    with progress_for(terminal, quiet=False) as progress:
        progress.start(4, 50, 32)
        for _ in range(50):
            clock.now += 0.5
            progress.step()
        progress.epoch(1, METRICS)
        clock.now += 1
        progress.step()
    last = last_drawing(terminal)
    for part in ("epoch 2/4, 32 restarts", "train loss 0.01235", "train error 3.2%", "steps/s"):
        assert part in last
    assert "test error 4.1%" in last
    assert "left" in last
    assert "━" in last


def test_a_narrow_terminal_still_shows_error_loss_speed_and_time(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run(progress_for(terminal, quiet=False), clock, epochs=50)
    last = last_drawing(terminal)
    for part in ("epoch 50/50 ", "━" * 10, "loss 0.01235  error 3.2%", "100 steps/s  took 1.0 s"):
        assert part in last


def test_the_bar_is_drawn_at_most_ten_times_a_second(clock: Clock, terminal: Terminal) -> None:
    # 10,000 steps in one second; each drawing says the epoch once.
    run(progress_for(terminal, quiet=False), clock, epochs=10, steps=1000, seconds=1e-4)
    assert 5 <= terminal.getvalue().count("epoch ") <= 15


def test_a_bar_that_never_started_finishes_in_silence(terminal: Terminal) -> None:
    with progress_for(terminal, quiet=False):
        pass
    assert terminal.getvalue() == ""


def test_an_error_leaves_the_terminal_as_it_was(clock: Clock, terminal: Terminal) -> None:
    progress = progress_for(terminal, quiet=False)

    def fail() -> None:
        with progress:
            progress.start(2, 2, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    progress.finish()
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    assert terminal.getvalue().count(hidden) == terminal.getvalue().count(shown) == 1


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    run(progress_for(terminal, quiet=False), clock, epochs=2)
    assert len(terminal.getvalue().splitlines()) == 2
    assert "\x1b" not in terminal.getvalue()


def test_progress_shows_a_regression_without_percent(minidl, write, tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{i * i}\n" for i in range(40)))
    path = write(
        data='{ name = "csv", path = "t.csv", target = "y", task = "regression" }',
        model="[{ Linear = [1, 1] }]",
        batch_size="8",
    )
    done = minidl("run", path, "--no-figures")
    assert done.status == 0
    assert "train error" in done.err
    assert "%" not in done.err

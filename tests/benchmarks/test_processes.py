"""Peers are asked in processes of their own, which say what they cannot do."""

from __future__ import annotations

from contextlib import closing

import pytest
from benchmarks import rounds
from benchmarks.peers import PEERS, Entry
from benchmarks.problem import Task
from benchmarks.processes import PeerProcess, WorkerError
from benchmarks.rounds import Group


def test_a_group_measures_each_peer_in_every_round() -> None:
    with closing(Group(["minidl", "numpy"], threads=1)) as group:
        ours, theirs = group.measure(Task(batches=2), rounds=3, seconds=0.001)
    assert [ours.peer, theirs.peer] == ["minidl", "numpy"]
    assert len(ours.seconds) == len(theirs.seconds) == 3
    assert min(ours.seconds + theirs.seconds) > 0


def test_a_peer_that_is_not_installed_is_named_and_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PEERS, "absent", Entry("Absent", "absent:Absent", "no_such_package"))
    with closing(Group(["minidl", "absent"], threads=1)) as group:
        ours, theirs = group.measure(Task(batches=2), rounds=1, seconds=0.001)
    assert ours.missing is None
    assert theirs.missing == "not installed"
    assert theirs.seconds == []


def test_a_disagreement_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "TOLERANCE", -1.0)
    with (
        closing(Group(["minidl", "numpy"], threads=1)) as group,
        pytest.raises(rounds.DisagreementError),
    ):
        group.measure(Task(batches=2), rounds=1, seconds=0.001)


def test_what_went_wrong_in_the_process_is_told() -> None:
    with (
        closing(PeerProcess("numpy", threads=1)) as process,
        pytest.raises(WorkerError, match="numpy, no_such_method: AttributeError"),
    ):
        process.ask("no_such_method")

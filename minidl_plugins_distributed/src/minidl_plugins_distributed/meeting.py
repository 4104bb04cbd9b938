"""Messages between processes through the key-value store of torchrun.

The store outlives the processes that torchrun watches. So they can compare facts before there is a
process group, and say why they fail after one of them is gone. Waiting polls the store, so that
signals are handled.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # torch declares it not
from torch.distributed.rendezvous import rendezvous

from minidl_plugins_distributed.errors import AbandonedError, NoMeetingError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from minidl_plugins_distributed.launch import Launch

__all__ = ["Meeting"]

POLL_SECONDS = 0.01
FAREWELL_SECONDS = 2.0  # how long a failing process waits for a sign of life of the others


class Meeting:
    """The processes of `launch`. Each must call the same methods in the same order.

    Attributes:
        timeout: how many seconds a process waits for another.
    """

    def __init__(self, launch: Launch, timeout: float) -> None:
        self.launch, self.timeout = launch, timeout
        self._questions = 0

    @cached_property
    def store(self) -> Any:
        """The store, with keys of this attempt only: torchrun may restart all processes."""
        began = time.monotonic()
        try:
            found, _, _ = next(rendezvous("env://", timeout=timedelta(seconds=self.timeout)))
        except RuntimeError as error:  # DistError is one
            raise NoMeetingError(self.launch, time.monotonic() - began, error) from error
        return PrefixStore(f"minidl/{self.launch.attempt}", found)

    def agree(self, facts: Mapping[str, Any]) -> str | None:
        """Compare the `facts` of all ranks; return the first difference from rank 0 in words.

        Raises:
            PeerError: a process did not answer in time.
            AbandonedError: another process failed.
        """
        question = self._next_question()
        self.store.set(f"{question}/{self.launch.rank}", json.dumps(facts, default=str))
        if self.launch.rank == 0:
            verdict = None
            for rank in range(1, self.launch.size):
                others = json.loads(self._answer(f"{question}/{rank}", f"rank {rank}"))
                verdict = verdict or difference(rank, others, json.loads(json.dumps(facts)))
            self.store.set(f"{question}/verdict", verdict or "")
        return self._answer(f"{question}/verdict", "rank 0, which compares all") or None

    def broadcast(self, compute: Callable[[], Any]) -> Any:
        """Return what `compute` gives on rank 0, on every rank. Only rank 0 calls it.

        Raises:
            PeerError, AbandonedError: as `agree`.
        """
        question = self._next_question()
        if self.launch.rank == 0:
            self.store.set(question, json.dumps(compute()))
        return json.loads(self._answer(question, "rank 0"))

    # -- the end -------------------------------------------------------------------------------

    def sign_off(self, *, has_words: bool) -> bool:
        """Say that this process fails but is alive; return whether it prints the message.

        That is the first process that has one.
        """
        self.store.set(f"end/{self.launch.rank}", "")
        return has_words and bool(self.store.add("end", 1) == 1)

    def absent(self) -> list[int]:
        """Return the ranks that gave no sign of life in `FAREWELL_SECONDS`."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        ranks = list(range(self.launch.size))
        while True:
            ranks = [rank for rank in ranks if not self.store.check([f"end/{rank}"])]
            if not ranks or time.monotonic() > deadline:
                return ranks
            time.sleep(POLL_SECONDS)

    # -- polling -------------------------------------------------------------------------------

    def _next_question(self) -> str:
        self._questions += 1
        return f"question{self._questions}"

    def _answer(self, key: str, whose: str) -> str:
        began = time.monotonic()
        while not self.store.check([key]):
            # A process that fails after it has answered has set the key before it says so.
            if self.store.check(["end"]) and not self.store.check([key]):
                raise AbandonedError("another process failed, and says why")
            if time.monotonic() - began > self.timeout:
                raise PeerError(whose, time.monotonic() - began, "it did not answer")
            time.sleep(POLL_SECONDS)
        answer: bytes = self.store.get(key)
        return answer.decode()


def difference(rank: int, theirs: Any, ours: Any, key: str = "") -> str | None:
    """Return where `theirs`, of `rank`, differ from `ours`, of rank 0, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in [*ours, *(name for name in theirs if name not in ours)]:
            inner = f"{key}.{name}" if key else name
            if name not in ours or name not in theirs:
                who, other = (rank, 0) if name in theirs else (0, rank)
                return f"{inner} is there on rank {who} and not on rank {other}"
            found = difference(rank, theirs[name], ours[name], inner)
            if found:
                return found
        return None
    if theirs == ours:
        return None
    return f"{key} is {json.dumps(theirs)} on rank {rank} and {json.dumps(ours)} on rank 0"

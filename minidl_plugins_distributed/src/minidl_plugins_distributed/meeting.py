"""Where processes meet before and after they compute: the key-value store that torchrun keeps.

It outlives every process that torchrun watches, so that they can agree before there is a group, and
after one of them is gone. Whoever waits looks again and again, so that a signal is heard meanwhile.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # torch declares it not
from torch.distributed.rendezvous import rendezvous

from minidl_plugins_distributed.errors import AbandonedError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from minidl_plugins_distributed.launch import Launch

__all__ = ["Meeting"]

LOOK_SECONDS = 0.01
FAREWELL_SECONDS = 2.0  # for how long the one who tells of a failure waits for the others' signs


class Meeting:
    """The processes of `launch`, of which each asks the same questions in the same order.

    Attributes:
        timeout: for how many seconds a process waits for another.
    """

    def __init__(self, launch: Launch, timeout: float) -> None:
        self.launch, self.timeout = launch, timeout
        self._questions = 0

    @cached_property
    def store(self) -> Any:
        """The keys of this attempt, for torchrun may start all processes anew."""
        found, _, _ = next(rendezvous("env://", timeout=timedelta(seconds=self.timeout)))
        return PrefixStore(f"minidl/{self.launch.attempt}", found)

    def agree(self, facts: Mapping[str, Any]) -> str | None:
        """The first difference between the `facts` of a process and those of rank 0, in words.

        Raises:
            PeerError: a process did not come.
            AbandonedError: one failed meanwhile.
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

    def share(self, find: Callable[[], Any]) -> Any:
        """What `find` gives on rank 0; only there it is called.

        Raises:
            PeerError, AbandonedError: as of `agree`.
        """
        question = self._next_question()
        if self.launch.rank == 0:
            self.store.set(question, json.dumps(find()))
        return json.loads(self._answer(question, "rank 0"))

    # -- the end -------------------------------------------------------------------------------

    def sign_off(self, *, has_words: bool) -> bool:
        """Say that this process fails but lives; whether it is to tell of it.

        That is the first that has words for it.
        """
        self.store.set(f"end/{self.launch.rank}", "")
        return has_words and bool(self.store.add("end", 1) == 1)

    def absent(self) -> list[int]:
        """The ranks that gave no sign, after a while."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        ranks = list(range(self.launch.size))
        while True:
            ranks = [rank for rank in ranks if not self.store.check([f"end/{rank}"])]
            if not ranks or time.monotonic() > deadline:
                return ranks
            time.sleep(LOOK_SECONDS)

    # -- looking -------------------------------------------------------------------------------

    def _next_question(self) -> str:
        self._questions += 1
        return f"question{self._questions}"

    def _answer(self, key: str, whose: str) -> str:
        began = time.monotonic()
        while not self.store.check([key]):
            if self.store.check(["end"]):
                raise AbandonedError("another process failed; see there")
            if time.monotonic() - began > self.timeout:
                raise PeerError(whose, time.monotonic() - began, "it did not come")
            time.sleep(LOOK_SECONDS)
        answer: bytes = self.store.get(key)
        return answer.decode()


def difference(rank: int, theirs: Any, ours: Any, key: str = "") -> str | None:
    """Where `theirs`, of `rank`, differ from `ours`, of rank 0; in words."""
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

"""Messages through the store, where processes answer and fail at the same time."""

from __future__ import annotations

import pytest

from minidl_plugins_distributed.errors import AbandonedError
from minidl_plugins_distributed.launch import Launch
from minidl_plugins_distributed.meeting import Meeting


class Store:
    """A store in which `key` and ``end`` appear after it was looked at once."""

    def __init__(self, *appearing):
        self.appearing, self.there = appearing, set()

    def check(self, keys):
        found = set(keys) <= self.there
        self.there |= set(self.appearing)
        return found

    def get(self, key):
        return b"the answer"


def meeting(store):
    made = Meeting(Launch(1, 2, 1, 2, 0), 5.0)
    vars(made)["store"] = store
    return made


def test_an_answer_counts_though_its_sender_has_failed_since():
    assert meeting(Store("question1", "end"))._answer("question1", "rank 0") == "the answer"


def test_no_answer_after_a_failure_is_told():
    with pytest.raises(AbandonedError):
        meeting(Store("end"))._answer("question1", "rank 0")

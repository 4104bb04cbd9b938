"""What a dataset gives."""

from __future__ import annotations

import json

import torch

from minidl_plugins_experiments.data.data import Data, Split


def test_validation_and_notes_may_be_left_out() -> None:
    split = Split(torch.zeros(3, 2), torch.zeros(3, 1))
    data = Data(split, split, "regression")
    assert data.validation is None
    assert json.dumps(data.notes) == "{}"

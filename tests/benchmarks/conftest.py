"""The benchmarks are a package of the checkout, not an installed one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

pytest.importorskip("numpy")
pytest.importorskip("torch")

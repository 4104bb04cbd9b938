"""The table in the docs is what the kit says today."""

from __future__ import annotations

from .detection_table import PATH, table


def test_docs_are_up_to_date():
    assert PATH.read_text(encoding="utf-8") == table(), (
        "run python -m tests.conformance.detection_table"
    )

"""The schema of ``result.json`` and ``seeds.json``, and the translation of an earlier one."""

from __future__ import annotations

from typing import Any

__all__ = ["SCHEMA", "upgraded"]

SCHEMA = 2  # raised when an older reader would misunderstand the file


def upgraded(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result of schema 1 in the current schema: restarts were called starts."""
    result = {"restarts" if key == "starts" else key: value for key, value in result.items()}
    configuration = result.get("configuration")
    if isinstance(configuration, dict):
        result["configuration"] = {
            "restarts" if key == "starts" else key: value for key, value in configuration.items()
        }
    return {"engine": None, **result, "schema": SCHEMA}

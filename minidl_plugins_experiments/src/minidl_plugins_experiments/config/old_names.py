"""Keys of earlier versions, which files may still use."""

from __future__ import annotations

from typing import Any

from minidl_plugins_experiments.config.problems import ConfigError

__all__ = ["RENAMED", "with_current_names"]

RENAMED = {"starts": "restarts"}  # the old key, and the current one


def with_current_names(tree: dict[str, Any]) -> dict[str, Any]:
    """Return `tree` with the current names of its top-level keys.

    Raises:
        ConfigError: it has a key by both names.
    """
    for old, new in RENAMED.items():
        if old in tree and new in tree:
            raise ConfigError(
                f'"{old}" is the old name of "{new}", and the file has both; write only {new}',
                key=old,
            )
    return {RENAMED.get(key, key): value for key, value in tree.items()}

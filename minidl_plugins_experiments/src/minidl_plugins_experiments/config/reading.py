"""Reading TOML: a file of the user, or a bundled experiment."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from minidl_core import suggest
from minidl_plugins_experiments.config.problems import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["bundled", "find", "folder_of", "parse", "read"]

BUNDLED = Path(__file__).parent.parent / "experiments"


def bundled() -> list[str]:
    """Return the names of the bundled experiments."""
    return sorted(path.stem for path in BUNDLED.glob("*.toml"))


def find(name: str) -> Path:
    """Return the file at the path `name`, or the bundled experiment of that name.

    Raises:
        ConfigError: `name` is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in bundled():
        return BUNDLED / f"{name}.toml"
    problem = _error(name, "is a folder, not a file" if path.is_dir() else "there is no such file")
    if (path / "result.json").is_file():
        problem.args = (f"is the folder of a run; resume it with minidl run --resume {name}",)
    else:
        hint = suggest(name, bundled())
        problem.args = (
            (
                f"{problem.args[0]}.{hint} Give the path of a TOML file, or the name of a bundled "
                f"experiment: {', '.join(bundled())}"
            ),
        )
    raise problem


def folder_of(path: Path) -> str:
    """Return the folder that relative paths in the file at `path` begin at.

    That is the file's own folder, or the working directory for a bundled experiment.
    """
    return str(Path.cwd() if path.parent == BUNDLED else path.absolute().parent)


def read(path: Path) -> dict[str, Any]:
    """Read the TOML file at `path`.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise _error(path, f"cannot be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError as error:
        raise _error(
            path, f"is not text in UTF-8 (byte {error.start}); save it in that encoding"
        ) from error
    except ConfigError as error:
        error.file = str(path)
        raise


def parse(text: str) -> dict[str, Any]:
    """Parse `text`.

    Raises:
        ConfigError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        cure = _path_cure(text, str(error)) or "correct it there"
        raise ConfigError(f"is not TOML: {error}; {cure}") from error
    except RecursionError:
        raise ConfigError("is nested too deeply to be read; nest it less") from None


def _path_cure(text: str, error: str) -> str:
    """Return how to write the path that `error` is about, if a backslash in it is the reason."""
    at = re.search(r"at line (\d+)", error)
    lines = text.splitlines()
    line = lines[int(at[1]) - 1] if at and int(at[1]) <= len(lines) else ""
    path = re.search(r'"([^"]*\\[^"]*)"?', line)
    if path is None:
        return ""
    return (
        'in "double quotes" a backslash begins an escape; put the path into single quotes: '
        f"'{path[1]}', or write / for each \\"
    )


def _error(file: object, problem: str) -> ConfigError:
    error = ConfigError(problem)
    error.file = str(file)
    return error

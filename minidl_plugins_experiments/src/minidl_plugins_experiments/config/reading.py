"""From the name on the command line to the tree of the file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from minidl_plugins_experiments.config.problems import ConfigError, did_you_mean

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["bundled", "find", "folder_of", "parse", "read"]

BUNDLED = Path(__file__).parent.parent / "experiments"


def bundled() -> list[str]:
    """The names of the experiments that need no file of the user's."""
    return sorted(path.stem for path in BUNDLED.glob("*.toml"))


def find(name: str) -> Path:
    """The file that `name` means: a path, or else the name of a bundled experiment.

    Raises:
        ConfigError: it is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in bundled():
        return BUNDLED / f"{name}.toml"
    problem = _error(name, "is a folder, not a file" if path.is_dir() else "there is no such file")
    if (path / "result.json").is_file():
        problem.args = (f"is the folder of a run; minidl run --resume {name} goes on with it",)
    else:
        hint = did_you_mean(name, bundled())
        problem.args = (
            (
                f"{problem.args[0]}.{hint} Give the path of a TOML file, or the name of a bundled "
                f"experiment: {', '.join(bundled())}"
            ),
        )
    raise problem


def folder_of(path: Path) -> str:
    """Where relative paths in the file at `path` begin: in its folder; for a bundled one, here."""
    return str(Path.cwd() if path.parent == BUNDLED else path.absolute().parent)


def read(path: Path) -> dict[str, Any]:
    """The tree of the TOML file at `path`.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
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
    """The tree of `text`.

    Raises:
        ConfigError: it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ConfigError(f"is not TOML: {error}; correct it there") from error
    except RecursionError:
        raise ConfigError("is nested too deeply to be read; nest it less") from None


def _error(file: object, problem: str) -> ConfigError:
    error = ConfigError(problem)
    error.file = str(file)
    return error

"""A class in a file that belongs to no distribution: ``student.py:Linear``."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from minidl_core import ArgumentError, describe_error, suggest

__all__ = ["load_from_file", "names_a_file"]


def names_a_file(name: str) -> bool:
    """Whether `name` is ``FILE.py:CLASS`` and not the name of a component."""
    return name.partition(":")[0].endswith(".py")


def load_from_file(name: str) -> Any:
    """Return the class that ``FILE.py:CLASS`` names; the file is run as a module.

    Raises:
        ArgumentError: the file is not there or cannot be run, or has no such class.
    """
    path, _, attribute = name.partition(":")
    file = Path(path)
    if not attribute or not file.is_file():
        raise ArgumentError(
            f"expected an existing file and a class in it, as in student.py:Linear, got {name!r}"
        )
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[file.stem] = module
    sys.path.insert(0, str(file.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ArgumentError(f"{path} cannot be run: {describe_error(error)}") from error
    finally:
        sys.path.pop(0)
    found = getattr(module, attribute, None)
    if not isinstance(found, type):
        classes = [n for n, thing in vars(module).items() if isinstance(thing, type)]
        raise ArgumentError(
            f"{path} has no class {attribute!r}.{suggest(attribute, classes)} "
            f"It has: {', '.join(classes) or 'none'}"
        )
    return found

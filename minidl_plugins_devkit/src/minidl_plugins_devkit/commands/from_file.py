"""A class in a file that belongs to no distribution: ``student.py:Linear``."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from minidl_core import ArgumentError, describe_error, suggest

__all__ = ["classes_in_file", "load_from_file", "names_a_file"]

# Whoever has one of them, or inherits it from a class of the file, is meant to be a component.
METHODS = ("forward", "backward", "step")


def names_a_file(name: str) -> bool:
    """Whether `name` is ``FILE.py`` or ``FILE.py:CLASS`` and not the name of a component."""
    return name.partition(":")[0].endswith(".py")


def load_from_file(name: str) -> Any:
    """Return the class that ``FILE.py:CLASS`` names; the file is run as a module.

    Raises:
        ArgumentError: the file is not there or cannot be run, or has no such class.
    """
    path, _, attribute = name.partition(":")
    module = _module_of(path)
    found = getattr(module, attribute, None)
    if not isinstance(found, type):
        classes = [n for n, thing in vars(module).items() if isinstance(thing, type)]
        raise ArgumentError(
            f"{path} has no class {attribute!r}.{suggest(attribute, classes)} "
            f"It has: {', '.join(classes) or 'none'}"
        )
    return found


def classes_in_file(path: str) -> dict[str, type]:
    """Return the components that the file defines, by name: classes with a method of their kind.

    Raises:
        ArgumentError: the file is not there or cannot be run, or defines none.
    """
    module = _module_of(path)
    own = {
        name: thing
        for name, thing in vars(module).items()
        if isinstance(thing, type) and thing.__module__ == module.__name__
    }
    found = {
        name: thing
        for name, thing in own.items()
        if not name.startswith("_")
        and any(
            method in vars(base)
            for base in thing.__mro__
            if base in own.values()
            for method in METHODS
        )
    }
    if not found:
        raise ArgumentError(
            f"{path} defines no class with {', '.join(METHODS[:-1])} or {METHODS[-1]} to check. "
            f"It has: {', '.join(own) or 'no class'}"
        )
    return found


def _module_of(path: str) -> Any:
    file = Path(path)
    if not file.is_file():
        raise ArgumentError(f"there is no file {path}; name one, as in student.py:Linear")
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
    return module

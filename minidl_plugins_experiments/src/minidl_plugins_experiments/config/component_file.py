"""A component in a file that belongs to no distribution: ``student.py:Tanh``."""

from __future__ import annotations

import hashlib
import re
import sys
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError, Component, Distribution, describe_error, suggest

if TYPE_CHECKING:
    from pathlib import Path

    from minidl_core import Registry

__all__ = ["component_in_file", "names_a_file", "with_pinned_files"]

NAME = re.compile(r"(?P<file>.+\.py)(?:@(?P<digest>[0-9a-f]{12}))?:(?P<attribute>\w*)")


class SourceFile(Distribution):
    """A file in the place of a distribution; the digest of its content is its version."""

    def __init__(self, file: Path, digest: str) -> None:
        super().__init__(str(file), str(file.parent), "")
        self.digest = digest

    @property
    def version(self) -> str:
        return self.digest


def names_a_file(name: str) -> bool:
    """Return whether `name` is ``FILE.py:NAME`` and not the name of a component."""
    return NAME.fullmatch(name) is not None


def with_pinned_files(tree: Any, folder: Path) -> Any:
    """Return `tree` with the whole path of each such file, and the digest of its content.

    So a run that goes on, or predicts, does so with the code that it began with, or not at all.
    """
    if isinstance(tree, dict):
        return {_pinned(key, folder): with_pinned_files(tree[key], folder) for key in tree}
    if isinstance(tree, list):
        return [with_pinned_files(each, folder) for each in tree]
    return _pinned(tree, folder) if isinstance(tree, str) else tree


def _pinned(name: str, folder: Path) -> str:
    match = NAME.fullmatch(name)
    if not match or match["digest"]:
        return name
    file = (folder / match["file"]).resolve()
    return f"{file}@{_digest(file)}:{match['attribute']}" if file.is_file() else name


def component_in_file(kind: str, name: str, folder: Path, registry: Registry) -> Component:
    """Run the file that `name` names, as a module, and return the component of that name.

    Args:
        name: ``FILE.py:NAME``, or ``FILE.py@DIGEST:NAME`` for one content of the file.
        folder: where a relative path begins.

    Raises:
        ArgumentError: the file is not there, has another content, cannot be run, or has no such
            class or function.
    """
    match = NAME.fullmatch(name)
    assert match
    file, attribute = (folder / match["file"]).resolve(), match["attribute"]
    if not file.is_file():
        raise ArgumentError(
            f"there is no file {file}; a class in a file is written student.py:Tanh"
        )
    digest = _digest(file)
    if match["digest"] not in (None, digest):
        raise ArgumentError(
            f"{file} has changed since the run began ({match['digest']}, now {digest}); put the "
            "old content back, or begin a new run"
        )
    module = _module_of(file, digest)
    found = getattr(module, attribute, None)
    if not callable(found):
        own = [key for key, thing in vars(module).items() if _is_own(thing, module)]
        raise ArgumentError(
            f"{file} has no {attribute!r}.{suggest(attribute, own)} "
            f"It has: {', '.join(own) or 'no class or function'}"
        )
    contract = next((each.contract for each in registry.components(kind)), None)
    value = f"{module.__name__}:{attribute}"
    return Component(kind, attribute, value, SourceFile(file, digest), contract)


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise ArgumentError(f"{file} cannot be read: {describe_error(error)}") from error


def _module_of(file: Path, digest: str) -> Any:
    """Return the file as a module; it is run once in a process for each content."""
    name = f"minidl_file_{file.stem}_{hashlib.sha256(f'{file} {digest}'.encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    try:
        with redirect_stdout(sys.stderr):  # stdout belongs to the answer
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        del sys.modules[name]
        raise
    except BaseException as error:
        del sys.modules[name]
        raise ArgumentError(f"{file} cannot be run: {describe_error(error)}") from error
    finally:
        sys.path.remove(str(file.parent))
    return module


def _is_own(thing: Any, module: Any) -> bool:
    return callable(thing) and getattr(thing, "__module__", None) == module.__name__

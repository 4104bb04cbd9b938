"""One line in an author's test file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import ArgumentError
from minidl_plugins_devkit.errors import ConformanceError
from minidl_plugins_devkit.tasks import tasks_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from minidl_plugins_devkit.tasks import DeclarationsTask, Task

__all__ = ["parametrize_with_checks"]


def parametrize_with_checks(components: Iterable[Any], *, seed: int = 0) -> pytest.MarkDecorator:
    """Make a test of every check on every one of `components`::

        @parametrize_with_checks([Swish, Residual])
        def test_conforms(check):
            check()

    The ids read ``Swish-example0-input_gradient``. A declared exception that fails as it should
    is reported as xfailed.

    Raises:
        ArgumentError: there are no components, or one of them is no class of a checked kind.
        ImportError: pytest is not installed.
    """
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise ImportError(
            "parametrize_with_checks needs pytest; pip install 'minidl-plugins-devkit[pytest]'"
        ) from error

    if not hasattr(components, "__iter__"):
        raise ArgumentError(
            f"expected a list of components, got {type(components).__name__}; write "
            "parametrize_with_checks([Swish])"
        )
    tasks = [task for component in components for task in tasks_of(component, seed=seed)]
    if not tasks:
        raise ArgumentError("expected at least one component to check, got none")
    return pytest.mark.parametrize(
        "check", [pytest.param(_Check(task), id=task.id) for task in tasks]
    )


class _Check:
    """Runs one task, and reports to pytest."""

    def __init__(self, task: Task | DeclarationsTask) -> None:
        self._task = task

    def __call__(self) -> None:
        __tracebackhide__ = True
        result = self._task.run()
        if result.status == "expected-failure":
            import pytest

            pytest.xfail(result.message)
        if result.status == "failed":
            raise ConformanceError(result.message)

    def __repr__(self) -> str:
        return self._task.id

"""The conformance kit: whether a component keeps what its kind promises, gradients first.

In an author's tests::

    from minidl_core.testing import parametrize_with_checks

    @parametrize_with_checks([Swish, Residual])
    def test_conforms(check):
        check()

This is the one part of minidl_core that imports torch (``pip install minidl-core[testing]``).
"""

from __future__ import annotations

from minidl_core.testing.errors import ConformanceError
from minidl_core.testing.pytest_checks import parametrize_with_checks
from minidl_core.testing.running import CheckResult, run_checks
from minidl_core.testing.table import CHECKS

__all__ = [
    "CHECKS",
    "CheckResult",
    "ConformanceError",
    "parametrize_with_checks",
    "run_checks",
]

"""The conformance kit: does a component keep the contract of its kind, gradients first?

In an author's tests::

    from minidl_plugins_devkit import parametrize_with_checks

    @parametrize_with_checks([Swish, Residual])
    def test_conforms(check):
        check()

Importing this package imports no tensor library; using one of its names does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_devkit.diagnosis.agreement import must_agree as must_agree
    from minidl_plugins_devkit.diagnosis.agreement import same_bits as same_bits
    from minidl_plugins_devkit.errors import *
    from minidl_plugins_devkit.pytest_checks import *
    from minidl_plugins_devkit.running import run_checks as run_checks
    from minidl_plugins_devkit.subjects.cases import Case as Case
    from minidl_plugins_devkit.subjects.subject import *
    from minidl_plugins_devkit.subjects.training import *
    from minidl_plugins_devkit.subjects.trials import Trial as Trial
    from minidl_plugins_devkit.table import *
    from minidl_plugins_devkit.tasks import CheckResult as CheckResult
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "diagnosis.agreement": ["must_agree", "same_bits"],
            "errors": ["ConformanceError"],
            "pytest_checks": ["parametrize_with_checks"],
            "running": ["run_checks"],
            "subjects.cases": ["Case"],
            "subjects.subject": ["Pass", "Subject"],
            "subjects.training": ["model_and_loss"],
            "subjects.trials": ["Trial"],
            "tasks": ["CheckResult"],
            "table": ["CHECKS", "Check", "checks_of"],
        },
    )

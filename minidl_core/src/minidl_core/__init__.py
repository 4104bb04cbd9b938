"""minidl: a small deep-learning framework with explicit gradients, in which every part is a plugin.

This is its core: the contracts of modules, losses, optimizers and engines, `Sequential`, `train`,
and discovery. Importing it imports no tensor library and no plugin.
"""

from __future__ import annotations

from minidl_core import errors
from minidl_core.lazy import lazy_names as lazy_names
from minidl_core.version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidl_core.base_module import *
    from minidl_core.base_optimizer import *
    from minidl_core.components import *
    from minidl_core.discovery import *
    from minidl_core.distributions import *
    from minidl_core.errors import *
    from minidl_core.example import *
    from minidl_core.hooks import *
    from minidl_core.parameter import *
    from minidl_core.pending import locate as locate
    from minidl_core.protocols import *
    from minidl_core.sequential import *
    from minidl_core.tensor_checks import *
    from minidl_core.training import *
    from minidl_core.tree import *
    from minidl_core.wording import *
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "base_module": ["BaseModule"],
            "base_optimizer": ["BaseOptimizer"],
            "components": ["Component", "import_guarded"],
            "discovery": ["Registry", "registry"],
            "distributions": ["Distribution", "canonical"],
            "errors": errors.__all__,
            "example": ["Example"],
            "hooks": ["Hooks", "hookimpl", "hookspec"],
            "lazy": ["lazy_names"],
            "parameter": ["Parameter"],
            "pending": ["locate"],
            "protocols": ["Command", "Engine", "Loss", "Module", "Optimizer", "StepFunction"],
            "sequential": ["Sequential"],
            "tensor_checks": ["check_alike", "check_grad_output", "check_no_graph"],
            "training": ["Step", "eager", "find_engine", "resolve_engine", "train"],
            "tree": ["children", "walk"],
            "wording": ["describe_error", "printable", "suggest"],
        },
    )

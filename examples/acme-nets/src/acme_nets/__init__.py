"""An activation, a residual block, a loss and two optimizers for minidl, and a log of its runs.

Each name is imported when it is first used. The hooks, which are in this package, import no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from acme_nets.adam import Adam as Adam
    from acme_nets.huber_loss import HuberLoss as HuberLoss
    from acme_nets.lion import Lion as Lion
    from acme_nets.residual import Residual as Residual
    from acme_nets.swish import Swish as Swish
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "adam": ["Adam"],
            "huber_loss": ["HuberLoss"],
            "lion": ["Lion"],
            "residual": ["Residual"],
            "swish": ["Swish"],
        },
    )

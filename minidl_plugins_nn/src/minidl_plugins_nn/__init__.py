"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.activations.exponential import *
    from minidl_plugins_nn.activations.glu import *
    from minidl_plugins_nn.activations.leaky import *
    from minidl_plugins_nn.activations.piecewise import *
    from minidl_plugins_nn.activations.self_gated import *
    from minidl_plugins_nn.activations.smooth import *
    from minidl_plugins_nn.activations.softmax import *
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "activations.exponential": ["CELU", "ELU", "SELU"],
            "activations.glu": ["GLU"],
            "activations.leaky": ["LeakyReLU", "PReLU", "RReLU"],
            "activations.piecewise": [
                "Hardshrink",
                "Hardsigmoid",
                "Hardtanh",
                "ReLU6",
                "Softshrink",
                "Threshold",
            ],
            "activations.self_gated": ["GELU", "Hardswish", "Mish", "SiLU"],
            "activations.smooth": ["LogSigmoid", "Softplus", "Softsign", "Tanhshrink"],
            "activations.softmax": ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"],
        },
    )

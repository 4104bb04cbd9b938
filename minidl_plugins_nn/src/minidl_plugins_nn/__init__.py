"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
    from minidl_plugins_nn.average_pooling import AvgPool1d as AvgPool1d
    from minidl_plugins_nn.average_pooling import AvgPool2d as AvgPool2d
    from minidl_plugins_nn.average_pooling import AvgPool3d as AvgPool3d
    from minidl_plugins_nn.batch_norm import BatchNorm1d as BatchNorm1d
    from minidl_plugins_nn.batch_norm import BatchNorm2d as BatchNorm2d
    from minidl_plugins_nn.batch_norm import BatchNorm3d as BatchNorm3d
    from minidl_plugins_nn.convolution import Conv1d as Conv1d
    from minidl_plugins_nn.convolution import Conv2d as Conv2d
    from minidl_plugins_nn.convolution import Conv3d as Conv3d
    from minidl_plugins_nn.fractional_pooling import FractionalMaxPool2d as FractionalMaxPool2d
    from minidl_plugins_nn.fractional_pooling import FractionalMaxPool3d as FractionalMaxPool3d
    from minidl_plugins_nn.group_norm import GroupNorm as GroupNorm
    from minidl_plugins_nn.instance_norm import InstanceNorm1d as InstanceNorm1d
    from minidl_plugins_nn.instance_norm import InstanceNorm2d as InstanceNorm2d
    from minidl_plugins_nn.instance_norm import InstanceNorm3d as InstanceNorm3d
    from minidl_plugins_nn.layer_norm import LayerNorm as LayerNorm
    from minidl_plugins_nn.layer_norm import RMSNorm as RMSNorm
    from minidl_plugins_nn.local_response_norm import LocalResponseNorm as LocalResponseNorm
    from minidl_plugins_nn.lp_pooling import LPPool1d as LPPool1d
    from minidl_plugins_nn.lp_pooling import LPPool2d as LPPool2d
    from minidl_plugins_nn.lp_pooling import LPPool3d as LPPool3d
    from minidl_plugins_nn.max_pooling import MaxPool1d as MaxPool1d
    from minidl_plugins_nn.max_pooling import MaxPool2d as MaxPool2d
    from minidl_plugins_nn.max_pooling import MaxPool3d as MaxPool3d
    from minidl_plugins_nn.max_unpooling import MaxUnpool1d as MaxUnpool1d
    from minidl_plugins_nn.max_unpooling import MaxUnpool2d as MaxUnpool2d
    from minidl_plugins_nn.max_unpooling import MaxUnpool3d as MaxUnpool3d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose1d as ConvTranspose1d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose2d as ConvTranspose2d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose3d as ConvTranspose3d
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "adaptive_pooling": [
                "AdaptiveAvgPool1d",
                "AdaptiveAvgPool2d",
                "AdaptiveAvgPool3d",
                "AdaptiveMaxPool1d",
                "AdaptiveMaxPool2d",
                "AdaptiveMaxPool3d",
            ],
            "average_pooling": ["AvgPool1d", "AvgPool2d", "AvgPool3d"],
            "batch_norm": ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"],
            "convolution": ["Conv1d", "Conv2d", "Conv3d"],
            "fractional_pooling": ["FractionalMaxPool2d", "FractionalMaxPool3d"],
            "group_norm": ["GroupNorm"],
            "instance_norm": ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"],
            "layer_norm": ["LayerNorm", "RMSNorm"],
            "local_response_norm": ["LocalResponseNorm"],
            "lp_pooling": ["LPPool1d", "LPPool2d", "LPPool3d"],
            "max_pooling": ["MaxPool1d", "MaxPool2d", "MaxPool3d"],
            "max_unpooling": ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"],
            "transposed_convolution": ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
        },
    )

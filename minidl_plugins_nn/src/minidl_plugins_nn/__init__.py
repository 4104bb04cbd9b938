"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.convolution import Conv1d as Conv1d
    from minidl_plugins_nn.convolution import Conv2d as Conv2d
    from minidl_plugins_nn.convolution import Conv3d as Conv3d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose1d as ConvTranspose1d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose2d as ConvTranspose2d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose3d as ConvTranspose3d
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "convolution": ["Conv1d", "Conv2d", "Conv3d"],
            "transposed_convolution": ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
        },
    )

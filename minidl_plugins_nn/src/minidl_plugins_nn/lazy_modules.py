"""Layers that take their number of input channels from the first input.

The first ``forward`` builds, in place, the layer that the class `becomes`; from then on the module
is of that class. Until then it has no parameters to be asked for.
"""

from __future__ import annotations

import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import torch

from minidl_core import BaseModule, Example, ShapeError, StateError
from minidl_plugins_nn.batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from minidl_plugins_nn.convolution import Conv1d, Conv2d, Conv3d
from minidl_plugins_nn.instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from minidl_plugins_nn.transposed_convolution import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _Lazy(BaseModule):
    becomes: ClassVar[type[Any]]
    channel: ClassVar[int]  # the dimension of the input that holds the channels
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {}
    )  # where they differ from the layer's, as in torch

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _, *rest = inspect.signature(cls.becomes).parameters.values()
        rest = [p.replace(default=cls.defaults.get(p.name, p.default)) for p in rest]
        cls.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(type(self)).bind(*args, **kwargs).arguments
        given = {**self.defaults, **bound}
        # Every argument is tried out at once; on "meta" nothing is drawn.
        trial = {name: value for name, value in given.items() if name != "generator"}
        self.becomes(given.get("groups", 1), **{**trial, "device": "meta"})
        self._given = given

    def forward(self, x: Tensor, *more: Any) -> Tensor:
        if not -x.ndim <= self.channel < x.ndim or x.shape[self.channel] == 0:
            raise ShapeError(
                f"expected an input with channels in dimension {self.channel}, got "
                f"{tuple(x.shape)}",
                where=self,
            )
        lazy, layer = type(self), self.becomes
        self.__class__ = layer
        try:
            layer.__init__(self, x.shape[lazy.channel], **self._given)
        except BaseException:
            self.__class__ = lazy
            raise
        del self._given
        y: Tensor = self.forward(x, *more)
        return y

    def backward(self, *grad_outputs: Any) -> NoReturn:
        self._refuse()

    def named_param(self) -> NoReturn:
        self._refuse()

    def named_buffers(self) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise StateError(
            "the parameters are made by the first forward; run one batch through the model, in "
            "evaluation mode if you like, before you ask for them or make the optimizer",
            where=self,
        )

    def summary(self) -> str:
        return f"{type(self).__name__}, becomes {self.becomes.__name__} by its first input"

    @classmethod
    def examples(cls) -> list[Example]:
        """Examples that have seen a first input: before, there is nothing to differentiate."""

        def build(
            *,
            shape: tuple[int, ...],
            dtype: torch.dtype | None = None,
            generator: torch.Generator | None = None,
            **kwargs: Any,
        ) -> Any:
            if "generator" in inspect.signature(cls).parameters:
                kwargs["generator"] = generator
            layer = cls(**kwargs, dtype=dtype).eval()
            layer.forward(torch.zeros(shape, dtype=dtype))
            return layer.train()

        examples: list[Example] = cls.becomes.examples()
        return [
            each._replace(
                kwargs={
                    **{name: each.kwargs[name] for name in list(each.kwargs)[1:]},
                    "shape": tuple(each.shapes[0]),
                },
                make=build,
                reference=None,
            )
            for each in examples
        ]


class LazyConv1d(_Lazy):
    """`Conv1d` that takes `in_channels` from the first input."""

    becomes, channel = Conv1d, -2


class LazyConv2d(_Lazy):
    """`Conv2d` that takes `in_channels` from the first input, and is a `Conv2d` from then on.

    The other arguments are those of `Conv2d`. The first weights are drawn by the first ``forward``,
    in training or evaluation mode; until then there are no parameters, and asking for them is an
    error, so that no optimizer is made without them.

    Raises:
        ArgumentError: as `Conv2d`; at once, but for what depends on the channels.
        ShapeError: the first input has no channels.
        StateError: parameters, buffers or a gradient are asked for before the first ``forward``.
    """

    becomes, channel = Conv2d, -3


class LazyConv3d(_Lazy):
    """`Conv3d` that takes `in_channels` from the first input. See `LazyConv2d`."""

    becomes, channel = Conv3d, -4


class LazyConvTranspose1d(_Lazy):
    """`ConvTranspose1d` that takes `in_channels` from the first input. See `LazyConv2d`."""

    becomes, channel = ConvTranspose1d, -2


class LazyConvTranspose2d(_Lazy):
    """`ConvTranspose2d` that takes `in_channels` from the first input. See `LazyConv2d`."""

    becomes, channel = ConvTranspose2d, -3


class LazyConvTranspose3d(_Lazy):
    """`ConvTranspose3d` that takes `in_channels` from the first input. See `LazyConv2d`."""

    becomes, channel = ConvTranspose3d, -4


class LazyBatchNorm1d(_Lazy):
    """`BatchNorm1d` that takes `num_features` from the first input. See `LazyConv2d`."""

    becomes, channel = BatchNorm1d, 1


class LazyBatchNorm2d(_Lazy):
    """`BatchNorm2d` that takes `num_features` from the first input. See `LazyConv2d`."""

    becomes, channel = BatchNorm2d, 1


class LazyBatchNorm3d(_Lazy):
    """`BatchNorm3d` that takes `num_features` from the first input. See `LazyConv2d`."""

    becomes, channel = BatchNorm3d, 1


class _LazyInstanceNorm(_Lazy):
    becomes: ClassVar[type[Any]] = InstanceNorm1d
    channel = -2
    defaults = MappingProxyType({"affine": True, "track_running_stats": True})


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """`InstanceNorm1d` that takes `num_features` from the first input; affine, as in torch."""

    becomes, channel = InstanceNorm1d, -2


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """`InstanceNorm2d` that takes `num_features` from the first input; affine, as in torch."""

    becomes, channel = InstanceNorm2d, -3


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """`InstanceNorm3d` that takes `num_features` from the first input; affine, as in torch."""

    becomes, channel = InstanceNorm3d, -4

"""Losses of embeddings: CosineEmbeddingLoss, TripletMarginLoss, TripletMarginWithDistanceLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, Example, ShapeError, check_alike
from minidl_plugins_nn.distances import CosineSimilarity, PairwiseDistance
from minidl_plugins_nn.finite import finite_number
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.reduced import ReducedLoss, check_prediction, check_signs
from minidl_plugins_nn.losses.signs import draw_signs

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CosineEmbeddingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]

EPSILON = 1e-12  # torch's, added to the squared lengths


class CosineEmbeddingLoss(ReducedLoss):
    """J = 1/N Σₙ vₙ, with v = 1 − cos(a, b) where y = 1, and max(0, cos(a, b) − margin) where −1.

    ``forward(input1, input2, target)``; ``backward()`` returns the gradients of both inputs.
    cos(a, b) = a · b / √((a · a + ε)(b · b + ε)) with ε = 1e-12.

    Shapes: both inputs (N, D) and the target (N,), or (D,) and ().

    Args:
        margin: where y = −1, what the cosine may be.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`, or `margin` is no finite number.
        ShapeError: the shapes do not fit, or are empty.
        DtypeError, DeviceError: the inputs differ; the target is on another device.
    """

    traceable = True

    def __init__(self, margin: float = 0.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = finite_number(self, "margin", margin)

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        a, b = input1, input2
        check_prediction(self, a, "first input")
        check_alike(self, "second input", b, "first input", a)
        check_signs(self, a, target)
        if a.ndim not in (1, 2) or a.shape != b.shape or target.shape != a.shape[:-1]:
            raise ShapeError(
                f"expected two inputs (batch, size) and a target (batch,), got {tuple(a.shape)}, "
                f"{tuple(b.shape)} and {tuple(target.shape)}",
                where=self,
            )
        a, b = wide(a), wide(b)
        aa, bb = (x.square().sum(-1, keepdim=True) + EPSILON for x in (a, b))
        length = (aa * bb).sqrt()
        cos = (a * b).sum(-1, keepdim=True) / length
        c = cos.squeeze(-1)
        self.push((a, b, aa, bb, length, cos, target, input1.dtype))
        far = (c - self.margin).clamp(min=0).masked_fill(target != -1, 0)
        value = self.reduced(far + (1 - c).masked_fill(target != 1, 0))
        return value.to(input1.dtype)

    # d cos/da = b / (|a| |b|) − cos a / |a|²,  times dv/dcos = −1 (y = 1), or 1 (y = −1, open)
    def backward(self) -> tuple[Tensor, Tensor]:
        a, b, aa, bb, length, cos, target, dtype = self.pop()
        y = target.unsqueeze(-1)
        dcos = ((y == -1) & (cos >= self.margin)).to(cos.dtype) - (y == 1).to(cos.dtype)
        dcos = dcos * self.share(target)
        da, db = dcos * (b / length - cos * a / aa), dcos * (a / length - cos * b / bb)
        return da.to(dtype), db.to(dtype)

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, *shapes: tuple[int, ...]) -> tuple[Any, ...]:
            a, b, signs = draw_signs(generator, *shapes)
            return a, b, signs[:, 0]

        shapes = [(24, 3), (24, 3)]
        return [
            Example(shapes=shapes, draw=draw),
            Example({"margin": 0.5, "reduction": "sum"}, shapes=shapes, draw=draw),
        ]


class TripletMarginWithDistanceLoss(ReducedLoss):
    """J = 1/N Σₙ max(0, d(aₙ, pₙ) − d(aₙ, nₙ) + margin), for anchors, positives and negatives.

    ``forward(anchor, positive, negative)``; ``backward()`` returns their three gradients. ``train``
    needs a model that returns the three, and batches whose target is None.

    Args:
        distance_function: a module d of two inputs with a ``backward`` for both, such as
            `PairwiseDistance` (the default) or `CosineSimilarity`; it gives a value for each row.
            A function without a ``backward`` will not do: gradients come from nowhere else.
        margin: by how much the negative must be further away; above 0.
        swap: whether d(p, n) takes the place of d(a, n) where it is smaller.
        reduction: ``"mean"`` or ``"sum"``.

    Raises:
        ArgumentError: another `reduction`; `margin` is not above 0; `distance_function` is no
            module; a target was given.
        ShapeError: the three differ in shape, or are empty.
        DtypeError, DeviceError: they differ in dtype or device.

    Reference: V. Balntas et al., Learning shallow convolutional feature descriptors with triplet
    losses, BMVC 2016.
    """

    traceable = True

    def __init__(
        self,
        *,
        distance_function: Any = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.margin = finite_number(self, "margin", margin, above=0)
        self.swap = swap
        self.distance = PairwiseDistance() if distance_function is None else distance_function
        if not hasattr(self.distance, "backward") or isinstance(self.distance, type):
            raise ArgumentError(
                f"distance_function must be a module with a backward, got {distance_function!r}; "
                "write its derivative, or use PairwiseDistance(p)",
                where=type(self).__name__,
            )

    def forward(
        self, anchor: Tensor, positive: Tensor, negative: Tensor, target: None = None
    ) -> Tensor:
        check_prediction(self, anchor, "anchor")
        for role, x in (("positive", positive), ("negative", negative)):
            check_alike(self, role, x, "anchor", anchor)
        if not anchor.shape == positive.shape == negative.shape:
            raise ShapeError(
                f"expected an anchor, a positive and a negative of one shape, got "
                f"{tuple(anchor.shape)}, {tuple(positive.shape)} and {tuple(negative.shape)}",
                where=self,
            )
        if target is not None:
            raise ArgumentError(
                "expected no target beside anchor, positive and negative; give train batches of "
                "(inputs, None)",
                where=self,
            )
        near = self.distance.forward(anchor, positive)
        far = self.distance.forward(anchor, negative)
        swapped = self.distance.forward(positive, negative) if self.swap else None
        farthest = far if swapped is None else torch.minimum(far, swapped)
        hinge = self.margin + near - farthest
        self.push((hinge, far, swapped))
        return self.reduced(hinge.clamp(min=0))

    # with s = 1/N where the hinge is open: s goes to d(a, p), −s to the smaller of d(a, n), d(p, n)
    # (half to each where they are equal)
    def backward(self) -> tuple[Tensor, Tensor, Tensor]:
        kept: tuple[Tensor, Tensor, Tensor | None] = self.pop()
        hinge, far, swapped = kept
        s = (hinge >= 0).to(hinge.dtype) * self.share(hinge)
        dp: Tensor | float = 0.0
        dn: Tensor | float = 0.0
        to_far = s
        if swapped is not None:
            to_far = s * ((far < swapped).to(s.dtype) + (far == swapped).to(s.dtype) / 2)
            dp, dn = self.distance.backward(to_far - s)
        da, from_far = self.distance.backward(-to_far)
        from_near, to_positive = self.distance.backward(s)
        return da + from_near, dp + to_positive, dn + from_far

    @classmethod
    def examples(cls) -> list[Example]:
        shapes = [(4, 3)] * 3
        return [
            Example(shapes=shapes, draw=draw_triplets),
            Example({"swap": True, "reduction": "sum"}, shapes=shapes, draw=draw_triplets),
            Example(
                shapes=shapes,
                draw=draw_triplets,
                make=lambda: cls(distance_function=CosineSimilarity(), margin=0.5),
            ),
        ]


class TripletMarginLoss(TripletMarginWithDistanceLoss):
    """J = 1/N Σₙ max(0, d(aₙ, pₙ) − d(aₙ, nₙ) + margin), with d(x, y) = ‖x − y + ε‖ₚ.
    See TripletMarginWithDistanceLoss for the rest.

    Args:
        margin: by how much the negative must be further away; above 0.
        p: the order of the norm, above 0.
        eps: ε.
        swap: whether d(p, n) takes the place of d(a, n) where it is smaller.
        reduction: ``"mean"`` or ``"sum"``.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
    ) -> None:
        distance = PairwiseDistance(p, eps)
        super().__init__(distance_function=distance, margin=margin, swap=swap, reduction=reduction)

    @classmethod
    def examples(cls) -> list[Example]:
        shapes = [(4, 3)] * 3
        other = {"margin": 0.5, "p": 3.0, "eps": 0.25, "swap": True}
        return [Example(kwargs, shapes=shapes, draw=draw_triplets) for kwargs in ({}, other)]


def draw_triplets(generator: torch.Generator, *shapes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)

"""Connectionist temporal classification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from minidl_core import ArgumentError, DtypeError, Example, ShapeError, check_no_graph
from minidl_plugins_nn.half import wide
from minidl_plugins_nn.losses.reduced import ReducedLoss, check_labels, check_prediction

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CTCLoss"]

aten = torch.ops.aten


class CTCLoss(ReducedLoss):
    """J = mean over the batch of −log p(l | X) / |l|, where p sums over all alignments of l with X.

    An alignment has a label or a blank at each time; dropping repetitions and then blanks leaves l.
    With l' = (blank, l₁, blank, l₂, …, blank) and xₜ the log-probabilities at time t,

        α₁(s) = x₁(l'ₛ) for s ≤ 2, and
        αₜ(s) = xₜ(l'ₛ) + log Σ e^αₜ₋₁(r) over r ∈ {s, s−1, and s−2 if l'ₛ is no blank and ≠ l'ₛ₋₂}

    and log p = log(e^α_T(S) + e^α_T(S−1)). With β the same from the end,

        d(−log p)/dxₜ(k) = −Σ over s with l'ₛ = k of e^(αₜ(s) + βₜ(s) − xₜ(k) − log p)

    torch adds e^xₜ(k) to it, which is right only before a LogSoftmax, whose backward takes any
    multiple of e^x away again; this is the derivative itself.

    Shapes: X (T, N, C) or (T, C); targets (N, S), or all of them in a row, (Σ lengths,).

    What is computed depends on the lengths, so that it is not traceable.

    Args:
        blank: the index of the blank.
        reduction: ``"mean"`` (of each divided by its target's length) or ``"sum"`` (undivided).
        zero_infinity: whether a target that is too long for its input, whose loss is infinite,
            counts as 0.

    ``forward(log_probs, targets, input_lengths, target_lengths)``; if both lengths are left out,
    all inputs and targets are taken at full length. ``train`` passes one target: give it batches
    whose target is the tuple (targets, input_lengths, target_lengths).

    Raises:
        ArgumentError: another `reduction`; lengths are missing or do not fit.
        ShapeError: the shapes do not fit.
        DtypeError, DeviceError: X or the targets have the wrong dtype or device.

    Reference: A. Graves et al., Connectionist temporal classification, ICML 2006.
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Any, input_lengths: Any = None, target_lengths: Any = None
    ) -> Tensor:
        if input_lengths is None and isinstance(targets, tuple) and len(targets) == 3:
            targets, input_lengths, target_lengths = targets
        check_no_graph(self, "first input", log_probs)
        check_no_graph(self, "target", targets)
        x = wide(log_probs.unsqueeze(1) if log_probs.ndim == 2 else log_probs)
        times, sizes = self._checked(x, targets, input_lengths, target_lengths)
        if log_probs.ndim == 2 and targets.ndim == 1:
            targets = targets.unsqueeze(0)
        try:
            losses, alpha = aten._ctc_loss(x, targets, times, sizes, self.blank, self.zero_infinity)
        except (RuntimeError, IndexError) as error:
            raise ArgumentError(
                f"expected targets and lengths that fit the log-probabilities: "
                f"{str(error).splitlines()[0]}",
                where=self,
            ) from None
        self.push((log_probs, x, targets, times, sizes, losses, alpha))
        return (self._shares(losses, sizes) * self._finite(losses)).sum().to(log_probs.dtype)

    def backward(self) -> Tensor:
        kept: tuple[Any, ...] = self.pop()
        log_probs, x, targets, times, sizes, losses, alpha = kept
        shares = self._shares(losses, sizes)
        dx = aten._ctc_loss_backward(
            shares, x, targets, times, sizes, losses, alpha, self.blank, self.zero_infinity
        )
        # take away the share e^x that torch adds where there is an input
        moments = torch.arange(x.shape[0], device=x.device).unsqueeze(-1)
        there = moments < torch.tensor(times, device=x.device)
        if self.zero_infinity:
            there = there & losses.isfinite()
        added: Tensor = (shares * there).unsqueeze(-1) * x.exp()
        result: Tensor = (dx - added).reshape(log_probs.shape).to(log_probs.dtype)
        return result

    def _shares(self, losses: Tensor, sizes: list[int]) -> Tensor:
        """Return the share of each loss in J: 1 / (N |l|), or 1."""
        if self.reduction == "sum":
            return torch.ones_like(losses)
        lengths = losses.new_tensor(sizes).clamp(min=1)
        return 1 / (lengths * len(sizes))

    def _finite(self, losses: Tensor) -> Tensor:
        return losses.masked_fill(losses.isinf(), 0) if self.zero_infinity else losses

    def _checked(
        self, x: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> tuple[list[int], list[int]]:
        """Return both lengths as lists, after checking all."""
        check_prediction(self, x, "first input")
        if x.ndim != 3:
            raise ShapeError(
                f"expected log-probabilities of shape (time, batch, classes), got {tuple(x.shape)}",
                where=self,
            )
        check_labels(self, x, targets)
        if targets.dtype not in (torch.int32, torch.int64):
            raise DtypeError(
                f"expected targets of class indices, got {targets.dtype}; convert them: "
                "targets.long()",
                where=self,
            )
        if input_lengths is None and target_lengths is None:
            self._check_full(len(x), targets)
            input_lengths, target_lengths = [len(x)] * x.shape[1], [targets.shape[-1]] * x.shape[1]
        lengths = []
        for name, given in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
            if given is None:
                raise ArgumentError(
                    f"expected {name} too; give both lengths, or none where all are full",
                    where=self,
                )
            listed = torch.as_tensor(given).reshape(-1).tolist()
            if len(listed) != x.shape[1]:
                raise ArgumentError(
                    f"expected {name} for {x.shape[1]} sequences, got {len(listed)}", where=self
                )
            lengths.append(listed)
        return lengths[0], lengths[1]

    def _check_full(self, times: int, targets: Tensor) -> None:
        """Refuse targets that are padded or too long, when there are no lengths."""
        if targets.ndim == 0 or targets.shape[-1] > times:
            raise ShapeError(
                f"expected targets of at most {times} labels, the length of the input, got "
                f"{tuple(targets.shape)}",
                where=self,
            )
        if bool(((targets == self.blank) | (targets < 0)).any()):
            raise ArgumentError(
                "expected lengths beside targets that hold the blank or a negative index, which "
                "look like padding; give train a target of (targets, input_lengths, "
                "target_lengths)",
                where=self,
            )

    @classmethod
    def examples(cls) -> list[Example]:
        def draw(generator: torch.Generator, shape: tuple[int, ...]) -> tuple[Any, ...]:
            x = torch.randn(shape, generator=generator).log_softmax(-1)
            targets = torch.randint(1, shape[-1], (shape[1], 2), generator=generator)
            return x, targets

        return [
            Example(shapes=[(6, 2, 4)], draw=draw, batch_axis=1),
            Example(
                {"reduction": "sum"},
                shapes=[(5, 3, 3)],
                draw=draw,
                batch_axis=1,
            ),
        ]

"""A GPT or a convolution network in a process of its own.

``python -m benchmarks.networks_worker PEER`` is started by `benchmarks.networks`.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks.loading import load
from benchmarks.memory_worker import events_of, peak
from benchmarks.worker import serve
from minidl_core import Sequential, train
from minidl_plugins_basic import Linear
from minidl_plugins_nn import (
    GELU,
    AdamW,
    BatchNorm2d,
    ClipNorm,
    Conv2d,
    CrossEntropyLoss,
    Flatten,
    MaxPool2d,
    to_torch,
)

if TYPE_CHECKING:
    from torch import Tensor

VOCABULARY = 64
STEPS = 70  # before the first that is timed: what is done once, or ever more seldom, is behind


gpt, torch_gpt = load("examples/gpt.py"), load("tests/integration/torch_gpt.py")


def convolutions(channels: int, side: int) -> Sequential:
    """The network of ``examples/digits_convolution.py`` without dropout, which draws."""
    generator = torch.Generator().manual_seed(0)

    def block(inputs: int, filters: int) -> Sequential:
        convolution = Conv2d(inputs, filters, 3, padding=1, generator=generator)
        return Sequential(convolution, BatchNorm2d(filters), GELU())

    return Sequential(
        *(block(channels, 16), block(16, 32), MaxPool2d(2), block(32, 64), Flatten()),
        Linear(64 * (side // 2) ** 2, 10, generator=generator),
    )


class Worker:
    """The requests that a process answers, as methods."""

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def peaks(self, network: str, batch: int) -> list[int]:
        """Bytes of tensors alive at most from building on, and in late steps alone."""
        self.network, self.batch = network, batch
        self._build()  # the libraries are warm
        self._run(5)
        with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
            self._build()
            self._run(STEPS)
            with torch.profiler.record_function("late"):
                self._run(4)
        events = events_of(profile)
        late = next(float(event["ts"]) for event in events if event.get("name") == "late")
        return [peak(events), peak(events, since=late)]

    def losses(self) -> list[float]:
        """The losses of the first steps; then some more are made."""
        self._build()
        found = self._run(4)
        self._run(STEPS)
        return found

    def measure(self, seconds: float) -> float:
        """Seconds a step."""
        steps, started = 0, time.perf_counter()
        while time.perf_counter() < started + seconds:
            steps += len(self._run(10))
        return (time.perf_counter() - started) / steps

    def _build(self) -> None:
        generator = torch.Generator().manual_seed(0)
        if self.network == "gpt":
            settings = gpt.Settings()
            model, context = gpt.gpt(VOCABULARY, settings), settings.context
            text = torch.randint(VOCABULARY, (self.batch, context + 1), generator=generator)
            self.x, self.y = text[:, :-1], text[:, 1:]
        else:
            shape = (1, 8, 8) if self.network == "digits" else (3, 32, 32)
            model = convolutions(shape[0], shape[1])
            self.x = torch.rand(self.batch, *shape, generator=generator)
            self.y = torch.randint(10, (self.batch,), generator=generator)
        if self.peer == "torch":
            self._build_torch(model)
            return
        self.model: Any = model
        self.loss = CrossEntropyLoss(dim=-1) if self.network == "gpt" else CrossEntropyLoss()
        rule = partial(AdamW, lr=1e-3, weight_decay=0.1)
        self.optimizer: Any = ClipNorm(model.param(), rule, 1.0)

    def _build_torch(self, model: Sequential) -> None:
        if self.network == "gpt":
            self.model = torch_gpt.torch_gpt(model, VOCABULARY, gpt.Settings(), torch.float32)
        else:
            self.model = to_torch(model)
        decaying = {id(p) for p in self.model.parameters() if p.ndim > 1 or self.network != "gpt"}
        groups = [
            {"params": [p for p in self.model.parameters() if (id(p) in decaying) is which],
             "weight_decay": 0.1 if which else 0.0}
            for which in (True, False)
        ]  # fmt: skip
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=1e-3)

    def _run(self, steps: int) -> list[float]:
        if self.peer != "torch":
            engine = "inductor" if self.peer == "inductor" else None
            batches = [(self.x, self.y)] * steps
            trained = train(self.model, self.loss, self.optimizer, batches, engine=engine)
            return [step.loss.item() for step in trained]
        found = []
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss = self._loss_in_torch()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            found.append(loss.item())
        return found

    def _loss_in_torch(self) -> Tensor:
        prediction = self.model(self.x)
        if self.network == "gpt":
            prediction = prediction.flatten(0, 1)
        return nn.functional.cross_entropy(prediction, self.y.flatten())


if __name__ == "__main__":
    serve(Worker(sys.argv[1]))

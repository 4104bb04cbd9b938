"""A character GPT: it reads some of Shakespeare's sonnets and learns to write on.

    python examples/gpt.py                         train it, print its losses and what it writes
    python examples/gpt.py --steps 1000 --layers 4 train a larger one for longer
    python examples/gpt.py --text my.txt           read another text

Read it from top to bottom: the text, the model, the training, the writing, the command line. No
gradient in it comes from autograd. `gpt.toml` is the same network for `minidl run`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from minidl_core import ArgumentError, MinidlError, Sequential, train
from minidl_plugins_basic import Linear
from minidl_plugins_nn import (
    GELU,
    AdamW,
    ClipNorm,
    CosineSchedule,
    CrossEntropyLoss,
    Embedding,
    LayerNorm,
    Positions,
    Residual,
    Scheduler,
    SelfAttention,
    WarmUpSchedule,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Generator, Tensor

TEXT = Path(__file__).with_name("sonnets.txt")


@dataclass(frozen=True)
class Settings:
    """The sizes of the model, and how it is trained."""

    layers: int = 2
    heads: int = 4
    width: int = 64
    context: int = 64  # how many characters it sees at most
    batch_size: int = 16
    steps: int = 300
    warm_up: int = 30  # steps in which the learning rate rises from zero
    lr: float = 3e-3
    weight_decay: float = 0.1
    max_norm: float = 1.0
    seed: int = 0


# -- the text --------------------------------------------------------------------------------------


class Text:
    """A text as whole numbers, one for each of its characters."""

    def __init__(self, text: str) -> None:
        self.characters = sorted(set(text))
        numbers = {character: number for number, character in enumerate(self.characters)}
        self.data = torch.tensor([numbers[character] for character in text])

    def batches(self, settings: Settings, generator: Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (x, y) of shape (batch, context) from random places; y is x one character on."""
        if len(self.data) <= settings.context:
            raise ArgumentError(
                f"expected a text longer than the context of {settings.context} characters, got "
                f"{len(self.data)}",
                where="Text",
            )
        places = torch.arange(settings.context + 1)
        for _ in range(settings.steps):
            size = (settings.batch_size, 1)
            starts = torch.randint(len(self.data) - settings.context, size, generator=generator)
            piece = self.data[starts + places]
            yield piece[:, :-1], piece[:, 1:]

    def spell(self, numbers: Sequence[int]) -> str:
        return "".join(self.characters[number] for number in numbers)


# -- the model -------------------------------------------------------------------------------------


def block(settings: Settings, *, dtype: torch.dtype | None = None) -> Sequential:
    """Return attention to what came before, then a network for each place, both as residuals."""
    d = settings.width
    return Sequential(
        Residual(
            Sequential(
                LayerNorm(d, dtype=dtype),
                SelfAttention(d, settings.heads, causal=True, dtype=dtype),
            )
        ),
        Residual(
            Sequential(
                LayerNorm(d, dtype=dtype),
                Linear(d, 4 * d, dtype=dtype),
                GELU(),
                Linear(4 * d, d, dtype=dtype),
            )
        ),
    )


def gpt(vocabulary: int, settings: Settings, *, dtype: torch.dtype | None = None) -> Sequential:
    """Return the model: whole numbers (N, L) -> the logits of the next character (N, L, V)."""
    d = settings.width
    embedding = Embedding(vocabulary, d, dtype=dtype)
    head = Linear(d, vocabulary, bias=False, dtype=dtype)
    head.weight = embedding.weight  # one table, looked up at the start and multiplied at the end
    model = Sequential(
        embedding,
        Positions(settings.context, d, dtype=dtype),
        *(block(settings, dtype=dtype) for _ in range(settings.layers)),
        LayerNorm(d, dtype=dtype),
        head,
    )
    generator = torch.Generator().manual_seed(settings.seed)
    for name, parameter in model.named_param():
        parameter.decays = parameter.value.ndim > 1  # not biases, and not the scales of norms
        if parameter.decays:
            parameter.value.normal_(0.0, 0.02, generator=generator)
        elif name.endswith("bias"):
            parameter.value.zero_()
    return model


# -- the training ----------------------------------------------------------------------------------


def losses(
    model: Sequential, text: Text, settings: Settings, engine: str | None = None
) -> Iterator[float]:
    """Train `model` and yield the loss of each step."""
    optimizer = ClipNorm(
        model.param(),
        partial(AdamW, lr=settings.lr, betas=(0.9, 0.99), weight_decay=settings.weight_decay),
        settings.max_norm,
    )
    schedule = WarmUpSchedule(settings.warm_up, CosineSchedule(final=0.1))
    scheduler = Scheduler(optimizer, schedule, settings.steps)
    generator = torch.Generator().manual_seed(settings.seed)
    batches = scheduler.over(text.batches(settings, generator))
    for step in train(model, CrossEntropyLoss(dim=-1), optimizer, batches, engine=engine):
        yield step.loss.item()


# -- the writing -----------------------------------------------------------------------------------


def write(model: Sequential, text: Text, settings: Settings, length: int) -> str:
    """Return `length` characters that `model` writes, each drawn by its probability."""
    generator = torch.Generator().manual_seed(settings.seed)
    written = [text.characters.index("\n")] if "\n" in text.characters else [0]
    model.eval()
    for _ in range(length):
        logits = model.forward(torch.tensor([written[-settings.context :]]))[0, -1]
        drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator)
        written.append(int(drawn))
    model.train()
    return text.spell(written[1:])


# -- the command line ------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train a character GPT, and let it write.")
    parser.add_argument("--text", type=Path, default=TEXT, help="what it reads")
    parser.add_argument("--write", type=int, default=300, help="how many characters it writes")
    parser.add_argument("--engine", help="how steps are carried out, such as eager")
    for name, default in vars(Settings()).items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help=f"default {default}")
    asked = vars(parser.parse_args(arguments))
    path, length, engine = asked.pop("text"), asked.pop("write"), asked.pop("engine")
    settings = Settings(**asked)
    try:
        text = Text(path.read_text(encoding="utf-8"))
        model = gpt(len(text.characters), settings)
        size = sum(parameter.value.numel() for parameter in model.param())
        print(f"{len(text.data)} characters, {len(text.characters)} of them different")
        print(f"{size} parameters")
        for number, loss in enumerate(losses(model, text, settings, engine), 1):
            if number == 1 or number % 50 == 0 or number == settings.steps:
                print(f"step {number:4}, loss {loss:.4f}", flush=True)
    except (MinidlError, OSError, UnicodeDecodeError) as error:
        print(f"gpt.py: {error}", file=sys.stderr)
        return 1
    if length:
        print(f"\n{write(model, text, settings, length)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

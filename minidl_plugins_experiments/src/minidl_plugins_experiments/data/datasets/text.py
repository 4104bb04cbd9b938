"""A text, character by character: what comes next?"""

from __future__ import annotations

from pathlib import Path

import torch

from minidl_core import ArgumentError
from minidl_plugins_experiments.data.arguments import check_share, check_whole_number
from minidl_plugins_experiments.data.data import Data, Split

__all__ = ["text"]


def text(
    path: Path,
    context: int,
    *,
    stride: int | None = None,
    test: float = 0.1,
    validation: float = 0.0,
) -> Data:
    """Pieces of a text as numbers, one for each character; the target is the piece one later.

    The characters of the text, sorted, are numbered from 0. The end of the text is the test set,
    what comes before that is the validation set, if there is one, and the beginning is trained on.

    Shapes: x and y (n, context), whole numbers.

    Args:
        path: the text, in UTF-8.
        context: how many characters a piece has.
        stride: how many characters after a piece the next one begins; `context` when left out.
        test, validation: the share of the text in each part.

    Raises:
        ArgumentError: an argument is out of its range, the file cannot be read, or a part of the
            text is shorter than a piece.
    """
    check_whole_number("context", context, least=1)
    step = context if stride is None else stride
    check_whole_number("stride", step, least=1)
    check_share("test", test)
    check_share("validation", validation, may_be_zero=True)
    try:
        characters = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"expected a text in UTF-8, and {path} cannot be read ({error}); correct the path, or "
            "convert the file",
            where="path",
        ) from error
    vocabulary = sorted(set(characters))
    numbers = {character: number for number, character in enumerate(vocabulary)}
    tokens = torch.tensor([numbers[character] for character in characters], dtype=torch.long)
    held_out = round(len(tokens) * test)
    chosen_on = round(len(tokens) * validation)
    rest = len(tokens) - held_out - chosen_on
    train = _pieces(tokens[:rest], context, step, "training")
    choosing = None
    if validation:
        choosing = _pieces(tokens[rest : rest + chosen_on], context, step, "validation")
    testing = _pieces(tokens[rest + chosen_on :], context, step, "test")
    notes = {"classes": vocabulary, "file": str(path)}
    return Data(train, testing, "classification", choosing, notes)


def _pieces(tokens: torch.Tensor, context: int, stride: int, name: str) -> Split:
    """Return each piece and the piece one character later.  (length,) -> (n, context) twice"""
    if len(tokens) <= context:
        raise ArgumentError(
            f"expected more than {context} characters in the {name} part, got {len(tokens)}; take "
            "a longer text, a shorter context or another share",
            where="context",
        )
    pieces = tokens.unfold(0, context + 1, stride)
    return Split(pieces[:, :-1].contiguous(), pieces[:, 1:].contiguous())

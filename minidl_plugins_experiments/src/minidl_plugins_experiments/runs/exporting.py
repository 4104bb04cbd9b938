"""A trained run as a file that needs no minidl: a program of torch.export, or ONNX."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from minidl_core import MinidlError, describe_error
from minidl_plugins_experiments.data.scaled import Number
from minidl_plugins_experiments.data.targets import Classes
from minidl_plugins_experiments.runs.prediction import probabilities_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_plugins_experiments.runs.load import LoadedRun

__all__ = ["Exported", "export"]

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}
ROWS = 64  # of the comparison
CLOSE = 1e-6  # of the largest answer, in float32 and above


class Exported(NamedTuple):
    """What was written.

    Attributes:
        file: where.
        inputs: the name of each input, in order.
        answers: the name of each output.
        raw: whether the inputs are the columns of the table, as numbers.
        notes: what the user should know.
    """

    file: Path
    inputs: list[str]
    answers: list[str]
    raw: bool
    notes: list[str]


def export(loaded: LoadedRun, to: str, file: Path) -> Exported:
    """Write the model of `loaded`, with the way from columns to answers where that is numbers.

    The file takes the columns of the table if all are plain numbers, else the inputs that they
    become. It gives the probability of each class, or quantities in their unit. What was written is
    read again and compared with the run's own answers.

    Args:
        to: ``"onnx"`` or ``"torch"``: a program of ``torch.export``.

    Raises:
        MinidlError: the model has no counterpart, a library is missing, the file cannot be
            written, or it gives other answers.
    """
    if file.parent and not file.absolute().parent.is_dir():
        raise MinidlError(f"the folder of {file} does not exist; create it, or name another file")
    program, description = _program(loaded)
    example = torch.randn(ROWS, len(description.inputs), generator=torch.Generator().manual_seed(0))
    example = (example * program.std + program.mean).to(loaded.dtype)
    write, read = (_write_onnx, _read_onnx) if to == "onnx" else (_write_torch, _read_torch)
    handle, name = tempfile.mkstemp(dir=file.absolute().parent, suffix=SUFFIXES[to])
    os.close(handle)
    part = Path(name)
    try:
        try:
            write(program, example, part, description)
        except ImportError as error:
            raise MinidlError(
                f"{to} needs {error.name}: pip install 'minidl-plugins-experiments[onnx]'"
            ) from error
        except Exception as error:
            raise MinidlError(
                f"the model cannot be written as {to}: {describe_error(error)[:300]}"
            ) from error
        notes = _compare(read, part, program, example, description.notes)
        part.chmod(0o666 & ~_umask())
        part.replace(file)
    except OSError as error:
        raise MinidlError(f"{file} cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
    return description._replace(file=file, notes=notes)


def _program(loaded: LoadedRun) -> tuple[Any, Exported]:
    """Return a torch.nn module from inputs to answers, and what it is."""
    try:
        from minidl_plugins_nn import to_torch
    except ImportError as error:
        raise MinidlError(
            "an export needs minidl-plugins-nn: pip install minidl-plugins-nn"
        ) from error
    transform, target = loaded.transform, loaded.transform.target
    raw = all(isinstance(each, Number) and not each.indicator for each in transform.columns)
    notes = []
    mean, std = transform.moments
    if not raw:
        mean, std = [0.0] * len(mean), [1.0] * len(std)
        notes.append(
            "some columns are words, dates or may be missing, which this format cannot turn into "
            "numbers; the file takes the inputs that they become (minidl predict takes the table)"
        )
    loss = next(each for each in loaded.result["components"] if each["kind"] == "losses")["name"]
    if isinstance(target, Classes):
        known = probabilities_of(torch.zeros(1, len(target.classes)), loss) is not None
        answers = list(target.classes)
        if not known:
            notes.append(f"no probabilities: the outputs under {loss} are none")
    else:
        known, answers = True, list(target.names)
    module = _as_answers(to_torch(loaded.model), loaded, mean, std, loss if known else None)
    return module, Exported(Path(), list(transform.inputs), answers, raw, notes)


def _as_answers(
    model: Any, loaded: LoadedRun, mean: list[float], std: list[float], loss: str | None
) -> Any:
    target, dtype = loaded.transform.target, loaded.dtype

    class Answers(torch.nn.Module):
        mean: Tensor
        std: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.register_buffer("mean", torch.tensor(mean, dtype=dtype))
            self.register_buffer("std", torch.tensor(std, dtype=dtype))
            if not isinstance(target, Classes):
                self.register_buffer("shift", torch.tensor(target.mean, dtype=torch.float64))
                self.register_buffer("scale", torch.tensor(target.std, dtype=torch.float64))

        def forward(self, x: Tensor) -> Any:
            y = self.model((x - self.mean) / self.std)
            if not isinstance(target, Classes):
                return (y.double() * self.scale + self.shift).to(dtype)
            shares = None if loss is None else probabilities_of(y, loss)
            return y if shares is None else shares.to(dtype)

    answers = Answers().eval()
    for parameter in answers.parameters():
        parameter.requires_grad = False
    return answers


def _write_torch(program: Any, example: Tensor, file: Path, about: Exported) -> None:
    rows = torch.export.Dim("rows")
    exported = torch.export.export(program, (example,), dynamic_shapes=({0: rows},))
    torch.export.save(exported, file, extra_files={"minidl.json": json.dumps(_about(about))})


def _read_torch(file: Path) -> Callable[[Tensor], Tensor]:
    module: Any = torch.export.load(file).module()
    return lambda x: module(x)


def _write_onnx(program: Any, example: Tensor, file: Path, about: Exported) -> None:
    import onnx
    import onnxscript  # noqa: F401 (what torch.onnx needs and does not name)

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")  # of the exporter's own
        torch.onnx.export(
            program, (example,), str(file), input_names=["inputs"], output_names=["answers"],
            dynamic_shapes=({0: torch.export.Dim("rows")},), dynamo=True, external_data=False,
        )  # fmt: skip
    model = onnx.load(file)
    for key, value in _about(about).items():
        model.metadata_props.add(key=f"minidl.{key}", value=json.dumps(value))
    onnx.save(model, file)


def _read_onnx(file: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"inputs": x.numpy()})[0])


def _about(about: Exported) -> dict[str, Any]:
    return {"inputs": about.inputs, "answers": about.answers, "columns_as_inputs": about.raw}


def _compare(
    read: Callable[[Path], Callable[[Tensor], Tensor]],
    file: Path,
    program: Any,
    example: Tensor,
    notes: list[str],
) -> list[str]:
    """Compare what the file gives with what the run gives, also for another number of rows."""
    try:
        answers = read(file)
    except ImportError as error:
        return [*notes, f"not compared with the run: pip install {error.name}"]
    for x in (example, example[:3]):
        with torch.no_grad():
            ours: Tensor = program(x)
        theirs = answers(x)
        apart = float((ours - theirs).abs().max()) if ours.shape == theirs.shape else float("inf")
        if not apart <= CLOSE * max(1.0, float(ours.abs().max())):
            raise MinidlError(f"the file gives other answers than the run, by up to {apart:.2g}")
    return notes


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

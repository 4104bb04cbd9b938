"""A program as machine code, made by torch's compiler or found on disk."""

from __future__ import annotations

import sys
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from minidl_core import describe_error
from minidl_plugins_engines.compiled import cache
from minidl_plugins_engines.compiled.pure import Pure
from minidl_plugins_engines.inventory import MODEL, WHOLE
from minidl_plugins_engines.refusals import CompilerWarning, NotTraceableError
from minidl_plugins_engines.replaying import as_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from minidl_plugins_engines.program import Call, Program

    Run = Callable[[list[Tensor]], list[Tensor]]

__all__ = ["as_machine_code", "draw"]

# Elements from which on a loop is divided among threads. With torch's 512 a sum over 50 rows is,
# once for each column of each model of a stack, at a microsecond or more each time.
LEAST_CHUNK = 1 << 16

_loaded: dict[str, Any] = {}  # the libraries of this process, by their keys


def as_machine_code(program: Program, scope: str) -> Callable[..., Any]:
    """Return a function that does `program`, compiled if that is possible, else in Python."""
    try:
        return _compiled(program, scope)
    except NotTraceableError as reason:
        why = str(reason)
    except Exception as error:
        why = describe_error(error)[:300]
    warnings.warn(
        f"a training step is not compiled, but replayed: {why}", CompilerWarning, stacklevel=2
    )
    return as_python(program, scope)


def _compiled(program: Program, scope: str) -> Callable[..., Any]:
    if scope == MODEL:
        raise NotTraceableError("the optimizer is called in the middle of the step")
    pure = Pure(program)
    if any(value.device.type != "cpu" for value in pure.inputs):
        raise NotTraceableError("only steps on the CPU are compiled")
    key = cache.key_of(pure)
    if key not in _loaded:
        _loaded[key] = _load(cache.kept(key) or _compile(pure, key))
    return _step(pure, _loaded[key].run, scope)


def _load(library: Path) -> Any:
    return torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1)


def _step(pure: Pure, run: Run, scope: str) -> Callable[..., Any]:
    """Return the function that `Traced` calls; see `emitting.emit`."""
    program = pure.program
    tensors = {**program.held, **program.constants}
    fixed = [tensors[value] for value in pure.inputs[len(program.batch) :]]
    numbers = [each.tensor() for each in pure.numbers]
    rest = [*fixed, *numbers]
    several, decides, drawn = program.several, pure.decides, pure.drawn
    outputs = len(program.prediction)

    def step(*batch: Tensor) -> Any:
        if drawn:
            results = run([*batch, *fixed, *map(draw, drawn), *numbers])
        else:
            results = run([*batch, *rest])
        if decides and not results[-1].item():
            return None
        return (tuple(results[:outputs]) if several else results[0]), results[outputs]

    if scope == WHOLE:
        return step

    def then_optimize(*arguments: Any) -> Any:
        *batch, optimize = arguments
        result = step(*batch)
        if result is not None and result[1].isfinite().any():
            optimize()
        return result

    return then_optimize


def draw(call: Call) -> Tensor:
    """Carry out a call that draws random numbers."""
    (result,) = call.results
    assert result is not None
    if result in call.writes:
        return call.target(result.empty(), *call.args[1:], **call.kwargs)  # type: ignore[no-any-return]
    return call.target(*call.args, **call.kwargs)  # type: ignore[no-any-return]


def _compile(pure: Pure, key: str) -> Path:
    """Compile `pure` and keep the library.

    Raises:
        OSError: the library cannot be kept.
        Exception: whatever the compiler raises.
    """
    from torch._inductor import aot_compile
    from torch.fx.experimental.proxy_tensor import make_fx

    place = cache.folder()
    place.mkdir(parents=True, exist_ok=True)
    with suppress(OSError, ValueError, AttributeError):  # a stderr that is closed, full or absent
        print(f"minidl: compiling a training step, once; it is kept in {place}", file=sys.stderr)
    with (
        warnings.catch_warnings(),
        torch.no_grad(),
        tempfile.TemporaryDirectory(dir=place) as scratch,
    ):
        warnings.simplefilter("ignore")  # of the compiler's own
        example = pure.example()
        graph = make_fx(pure, tracing_mode="fake")(*example)
        made = aot_compile(
            graph,
            tuple(example),
            options={
                "aot_inductor.output_path": str(Path(scratch) / "step.so"),
                "cpp.threads": torch.get_num_threads(),
                "cpp.min_chunk_size": LEAST_CHUNK,
            },
        )
        return cache.keep(key, Path(str(made)))

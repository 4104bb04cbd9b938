"""One training step, recorded as a `Program` while it is carried out.

The record is made where torch dispatches its operations: below vmap, and with composite functions
taken apart. It is torch's ``make_fx`` without what is not needed here: that one imports torch's
compiler (a second) and takes 0.6 ms an operation, this one some microseconds; and it knows which
tensors share memory, because it sees the tensors themselves.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from minidl_plugins_engines.decisions import look_early
from minidl_plugins_engines.inventory import MODEL, WHOLE
from minidl_plugins_engines.looks import OnlyTensors, is_of_tensors, looks_at_elements
from minidl_plugins_engines.program import Call, Program, Value
from minidl_plugins_engines.refusals import NotFiniteError, NotTraceableError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["in_a_tuple", "trace"]

SMALL = 1 << 14  # elements; smaller tensors are kept alive until the trace is done


class _Recorder(TorchDispatchMode):
    """Adds to a program what is dispatched."""

    def __init__(self, held: list[Tensor], batch: list[Tensor], saved: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.program = Program()
        self._values: dict[int, Value] = {}  # of the tensors that live, by id
        self._storages: dict[int, int] = {}  # of the memories that live
        self._living: dict[int, int] = {}  # how many known tensors live in each memory
        self._count = 0
        self._keep: list[Any] = []
        for tensor in held:
            self.program.held[self._admit(tensor, "h")] = tensor
        for tensor in batch:
            self.program.batch.append(self._admit(tensor, "x"))
        may_be_written = {self.value_of(tensor).storage for tensor in saved}
        self._fixed = {value.storage for value in self._values.values()} - may_be_written

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, which takes a second

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.lift_fresh.default:
            return self._constant(args[0])
        if func is torch.ops.aten._local_scalar_dense.default and args[0].dtype is torch.bool:
            truth = bool(func(*args))
            look = Call(func, (self.value_of(args[0]),), {}, [], False, [], expected=truth)
            self.program.calls.append(look)
            return truth
        if looks_at_elements(func, args):
            raise NotTraceableError(f"{func} depends on the elements of a tensor")
        named = tuple(map(self._named, args))
        by_name = {key: self._named(value) for key, value in kwargs.items()}
        writes = _written(func, named, by_name)
        if any(value.storage in self._fixed for value in writes):
            raise NotTraceableError(f"{func} writes to a parameter or to the batch")
        result = func(*args, **kwargs)
        several = isinstance(result, (tuple, list))
        if not is_of_tensors(result):
            raise NotTraceableError(f"{func} gives something other than tensors")
        results = [self._known_or_new(each) for each in (result if several else (result,))]
        call = Call(func, named, by_name, results, several, writes)
        self.program.calls.append(call)
        return result

    def value_of(self, tensor: Tensor) -> Value:
        """Return the value of a known tensor."""
        value = self._values.get(id(tensor))
        if value is None:
            raise NotTraceableError(
                "the step uses a tensor that is neither in the batch nor an attribute of the "
                "model, the loss or the optimizer"
            )
        return value

    def _constant(self, tensor: Tensor) -> Tensor:
        """A tensor made from numbers. What writes to it in place shall write to a copy."""
        constant = self._admit(tensor, "k")
        self.program.constants[constant] = tensor.clone()
        result = tensor.clone()
        target = torch.ops.aten.clone.default
        self.program.calls.append(
            Call(target, (constant,), {}, [self._admit(result, "v")], False, [])
        )
        return result

    def _named(self, argument: Any) -> Any:
        if isinstance(argument, torch.Tensor):
            return self.value_of(argument)
        if type(argument) in (list, tuple):
            return type(argument)(map(self._named, argument))
        return argument

    def _known_or_new(self, tensor: Tensor | None) -> Value | None:
        if tensor is None:
            return None
        return self._values.get(id(tensor)) or self._admit(tensor, "v")

    def _admit(self, tensor: Tensor, kind: str) -> Value:
        if type(tensor) is not torch.Tensor or tensor.layout is not torch.strided:
            raise NotTraceableError(f"a tensor of the step is a {type(tensor).__name__}")
        address = tensor.untyped_storage()._cdata
        if address not in self._storages:
            self._storages[address] = self._count
        self._living[address] = self._living.get(address, 0) + 1
        value = self._values[id(tensor)] = Value(
            f"{kind}{self._count}", self._storages[address], tensor.shape, tensor.stride(),
            int(tensor.storage_offset()), tensor.dtype, tensor.device,
        )  # fmt: skip
        self._count += 1
        if kind != "v" or tensor.untyped_storage().nbytes() <= SMALL * 4:
            self._keep.append(tensor)
        else:
            self._forget_with(tensor, address)
        return value

    def _forget_with(self, tensor: Tensor, address: int) -> None:
        """Once `tensor` is gone, another may get its id and its memory."""
        key = id(tensor)

        def forget(_: object) -> None:
            del self._values[key]
            self._living[address] -= 1
            if not self._living[address]:
                del self._storages[address]

        self._keep.append(weakref.ref(tensor, forget))


def trace(
    roots: tuple[Any, Any, Any], scope: str, held: list[Tensor], saved: list[Tensor],
    batch: tuple[Tensor, ...],
) -> Program:  # fmt: skip
    """Carry out the part of a step on `batch` that `scope` says, and return its record.

    Args:
        held: all tensors that outlive the step.
        saved: those that it may write; the caller puts them back.

    Raises:
        NotTraceableError: the step cannot be traced. It may have been carried out in part.
        NotFiniteError: the loss is not finite, so that there is nothing to be traced.
    """
    model, loss, optimizer = roots
    inputs = [each.view_as(each) for each in batch]  # one tensor may be given in two roles
    try:
        recorder = _Recorder(held, inputs, saved)
        program = recorder.program
        with torch.no_grad(), recorder, OnlyTensors():
            prediction = model.forward(*inputs[:-1])
            value = loss.forward(*in_a_tuple(prediction), inputs[-1])
            program.checked = len(program.calls)
        if any(call.writes and program.writes_held(call) for call in program.calls):
            raise NotTraceableError("forward writes to a tensor that outlives the step")
        if not any_finite(value):
            raise NotFiniteError
        with torch.no_grad(), recorder, OnlyTensors():
            if scope != MODEL:
                optimizer.zero_grad()
            model.backward(*in_a_tuple(loss.backward()))
            if scope == WHOLE:
                optimizer.step()
        look_early(program)
        program.several = type(prediction) is tuple
        program.prediction = [recorder.value_of(each) for each in in_a_tuple(prediction)]
        program.loss = recorder.value_of(value)
    except (NotTraceableError, NotFiniteError):
        raise
    except Exception as error:
        raise NotTraceableError(f"tracing failed: {type(error).__name__}: {error}") from error
    return program


def any_finite(value: Tensor) -> bool:
    """Whether any model still learns, as `minidl_core.eager` asks."""
    return bool(value.isfinite().any())


def in_a_tuple(several: Any) -> tuple[Any, ...]:
    """Return `several` itself if it is a tuple, or a tuple of it alone."""
    return several if type(several) is tuple else (several,)


def _written(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Value]:
    written: list[Value] = []
    for i, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = args[i] if i < len(args) else kwargs.get(argument.name)
            written += [each for each in (given if isinstance(given, list) else [given]) if each]
    return written

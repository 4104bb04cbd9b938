"""When a step is traced, and which trace serves a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl_core import eager
from minidl_plugins_engines.batches import signature
from minidl_plugins_engines.inventory import MODEL, SCOPES, WHOLE, Inventory
from minidl_plugins_engines.reads import Reads
from minidl_plugins_engines.refusals import NotFiniteError, NotTraceableError
from minidl_plugins_engines.snapshots import PythonState, TensorState
from minidl_plugins_engines.threads import plain_step
from minidl_plugins_engines.traced import Traced
from minidl_plugins_engines.tracing import trace

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_engines.ways import Way

    Roots = tuple[Any, Any, Any]

__all__ = ["Steps"]

MOST_TRACES = 16  # kept for one model, loss and optimizer
PATIENCE = 32  # steps whose surroundings had changed, after which tracing is given up
LARGE = 1 << 24  # bytes of parameters, from which on no second copy of them is made


class Steps:
    """The traces of one model, loss and optimizer, none of which it refers to.

    Args:
        way: what the engine does with a trace.

    Attributes:
        traces: the latest used first.
        refusal: why steps are not traced, or None.
        wrong: whether a trace was found to be wrong; then there is none any more.
    """

    def __init__(self, way: Way) -> None:
        self.traces: list[Traced] = []
        self.refusal: str | None = None
        self.wrong = False
        self._way = way
        self._seen: dict[Any, dict[str, Any]] = {}
        self._impossible: dict[str, str] = {}  # scopes that tracing has failed for, and why
        self._restless = 0

    @property
    def obstacle(self) -> str | None:
        """Why not the whole step is traced, if that is known."""
        return self._impossible.get(WHOLE)

    def begin(self) -> None:
        """Look again whether steps can be traced; what was in the way may have changed."""
        if not self.wrong:
            self.refusal = None
            self._restless = 0
            if not self.traces:
                self._impossible.clear()

    def step(self, model: Any, loss: Any, optimizer: Any, inputs: Any, target: Any) -> Any:
        """Do one step, traced where that is possible."""
        roots = (model, loss, optimizer)
        for at, traced in enumerate(self.traces):
            if traced.serves(model, loss, optimizer, inputs, target):
                if at:
                    self.traces.insert(0, self.traces.pop(at))
                self._try_more(traced, roots, inputs, target)
                return self._do(self.traces[0], roots, inputs, target)
        plain = plain_step(eager(*roots), model)
        key = None if self.refusal is not None else signature(inputs, target)
        if key is None:
            return plain(inputs, target)
        try:
            scope = self._scope(key, roots)
            if scope is not None:
                self._trace(roots, scope, inputs, target)
                return self._do(self.traces[0], roots, inputs, target)
        except NotTraceableError as reason:
            self.refusal = str(reason)
        except NotFiniteError:
            pass
        result = plain(inputs, target)
        self._remember(key, roots)
        return result

    def _try_more(self, traced: Traced, roots: Roots, inputs: Any, target: Any) -> None:
        """Trace more of the step than `traced` has, if what was in the way no longer changes.

        It is looked at when `traced` is to be verified: ever more seldom.
        """
        key = signature(inputs, target)
        if not traced.due or traced.scope == WHOLE or key is None:
            return None
        try:
            before, now = self._seen.get(key, {}), self._fingerprints(roots)
            self._seen[key] = now
            for scope in SCOPES[: SCOPES.index(traced.scope)]:
                if scope in now and before.get(scope) == now[scope]:
                    return self._trace(roots, scope, inputs, target)
        except (NotTraceableError, NotFiniteError):
            return None

    def _do(self, traced: Traced, roots: Roots, inputs: Any, target: Any) -> Any:
        result = traced.step(*roots, inputs, target)
        if traced.wrong:
            self.wrong, self.traces = True, []
            self.refusal = f"a traced step gave another result than the eager one: {traced.wrong}"
        return result

    def _scope(self, key: Any, roots: Roots) -> str | None:
        """Return how much of the step to trace, or None if it is too early to tell."""
        before = self._seen.get(key)
        if before is None:
            return None
        now = self._fingerprints(roots)
        for scope in SCOPES:
            if scope in now and scope in before and now[scope] == before[scope]:
                return scope
        self._restless += 1
        if self._restless > PATIENCE:
            raise NotTraceableError("what the step depends on changes from step to step")
        return None

    def _remember(self, key: Any, roots: Roots) -> None:
        """Note what the next step with the same `key` begins from, if nothing is changed."""
        if self.refusal is not None:
            return
        if len(self._seen) >= 4 * MOST_TRACES:
            self._seen.clear()
        try:
            self._seen[key] = self._fingerprints(roots)
        except NotTraceableError as reason:
            self.refusal = str(reason)

    def _fingerprints(self, roots: Roots) -> dict[str, Any]:
        """Return, for each scope that may be possible, what a trace would depend on.

        Raises:
            NotTraceableError: none is possible; the reason is that of the smallest scope.
        """
        found: dict[str, Any] = {}
        if sum(p.value.nbytes for p in roots[0].param()) > LARGE:
            self._impossible[WHOLE] = "the model is large, so its optimizer is not traced"
        for scope in SCOPES:
            if scope in self._impossible:
                continue
            try:
                inventory = Inventory(*roots, scope)
                Reads(inventory.components)
            except NotTraceableError as reason:
                self._impossible[scope] = str(reason)
            else:
                found[scope] = inventory.fingerprint()
        if not found:
            raise NotTraceableError(self._impossible[MODEL])
        return found

    def _trace(self, roots: Roots, scope: str, inputs: Any, target: Any) -> None:
        """Trace a step, and leave no change behind."""
        inventory = Inventory(*roots, scope)
        saved = _to_be_saved(inventory, roots)
        python = PythonState(inventory)
        tensors = TensorState(saved, inventory.generators)
        try:
            program = trace(roots, scope, inventory.tensors, saved, (*inputs, target))
            changed = python.changed()
            if changed is not None:
                raise NotTraceableError(f"the step changes {changed}")
        except NotTraceableError as reason:
            self._impossible[scope] = str(reason)
            smaller = [each for each in SCOPES if each not in self._impossible]
            if scope == MODEL or not smaller:
                raise
            python.restore()
            tensors.restore()
            return self._trace(roots, smaller[0], inputs, target)
        finally:
            python.restore()
            tensors.restore()
        traced = Traced(program, inventory, roots, inputs, target, self._way)
        self.traces.insert(0, traced)
        del self.traces[MOST_TRACES:]
        return None


def _to_be_saved(inventory: Inventory, roots: Roots) -> list[Tensor]:
    """Return what the step may write and has to be put back after tracing.

    Gradients that the step itself sets to zero need not be, and only the optimizer writes values.
    """
    if inventory.scope == WHOLE:
        return inventory.tensors
    values = {id(parameter.value) for parameter in roots[0].param()}
    return [each for each in inventory.tensors if id(each) not in values]

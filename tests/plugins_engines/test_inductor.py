"""The engine ``inductor`` trains as ``eager`` does, to rounding, and says what it cannot do.

Each compilation takes seconds, so the libraries are kept for the whole session.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch

from minidl_core import NonFiniteError, Sequential, registry, train
from minidl_plugins_basic import SGD, MSELoss, ReLU, Tanh, stack
from minidl_plugins_engines import CompilerWarning, MismatchWarning
from minidl_plugins_engines.compiled import cache, compiling
from minidl_plugins_engines.remembered import all_remembered
from minidl_plugins_nn import FractionalMaxPool3d, Hardshrink

from .cases import SETUPS, batch_of, linear, rows
from .test_same_bits import CHANGES, STEPS, state_of, trained

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))),
    reason="there is no C++ compiler",
)

# What the engine leaves to `replay`, and why; the rest of the setups compile or are not traced.
REPLAYED = {"tied by a view": "share memory"}


@pytest.fixture(autouse=True)
def libraries(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled steps are kept: one place for all processes of the test session."""
    place = tmp_path_factory.getbasetemp().parent / "compiled"
    monkeypatch.setenv("MINIDL_CACHE", str(place))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(place / "torch"))
    return place


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path))
    monkeypatch.setattr(compiling, "_loaded", {})
    return tmp_path / "inductor"


def steps(setup: Any, numbers: range, engine: str = "inductor") -> None:
    for step in numbers:
        list(train(*setup, [batch_of("", step)], engine=engine))


def is_compiled(setup: Any) -> bool:
    """Whether a step of these three is traced, and was not handed to ``replay``."""
    return any(known.traces for known in all_remembered(*setup))


def assert_trains_as_eager(name: str, between: Any = None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MismatchWarning)  # of components that lie on purpose
        if name in REPLAYED:
            warnings.simplefilter("ignore", CompilerWarning)
        got = trained(SETUPS[name](), name, "inductor", between)
    expected = trained(SETUPS[name](), name, "eager", between)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("name", SETUPS)
def test_every_setup(name: str) -> None:
    assert_trains_as_eager(name)


@pytest.mark.parametrize("what", CHANGES)
def test_changes_between_steps(what: str) -> None:
    assert_trains_as_eager(*CHANGES[what])


def test_another_rate_needs_no_compiling(empty_cache: Path) -> None:
    """Two libraries: of the whole step, and of the one that calls the optimizer as it is written,
    which serves while the rate changes.
    """
    setup = SETUPS["report"]()
    for step in range(40):
        setup[2].lr = 0.1 / (1 + step // 4)
        steps(setup, range(step, step + 1))
    assert len(list(empty_cache.glob("*.so"))) == 2


def test_a_step_is_compiled_once_for_all_processes(
    empty_cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And once more if its library is damaged."""
    steps(SETUPS["no momentum"](), range(6))
    told = capfd.readouterr().err
    assert told == f"minidl: compiling a training step, once; it is kept in {empty_cache}\n"
    compiling._loaded.clear()
    steps(SETUPS["no momentum"](), range(6))
    assert capfd.readouterr().err == ""
    (digest,) = empty_cache.glob("*.sha256")
    digest.write_text("0")
    compiling._loaded.clear()
    steps(SETUPS["no momentum"](), range(6))
    assert capfd.readouterr().err == told
    assert cache.kept(digest.stem)


@pytest.mark.parametrize("damage", ["library", "digest", "half"])
def test_a_damaged_library_is_not_used(empty_cache: Path, damage: str) -> None:
    empty_cache.mkdir()
    library, digest = empty_cache / "step.so", empty_cache / "step.sha256"
    (empty_cache / "made.so").write_bytes(b"a library")
    assert cache.kept("step") is None
    assert cache.keep("step", empty_cache / "made.so") == library == cache.kept("step")
    if damage == "library":
        library.write_bytes(b"no library")
    elif damage == "digest":
        digest.unlink()
    else:
        library.write_bytes(library.read_bytes()[:4])
    assert cache.kept("step") is None


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(compiling, "_loaded", {})
    with pytest.warns(CompilerWarning, match="not compiled, but replayed: .*NotADirectory"):
        steps(SETUPS["report"](), range(6))


def test_without_a_compiler_it_replays_and_says_so(tmp_path: Path) -> None:
    program = """
import sys, warnings, torch
from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss
model = Sequential(Linear(3, 2))
x, y = torch.ones(4, 3), torch.ones(4, 2)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for step in train(model, MSELoss(), SGD(model.param(), 0.1), [(x, y)] * 9, engine="inductor"):
        pass
(warning,) = told
print(warning.message, step.loss.isfinite().item())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "CXX": "/nowhere/c++", "MINIDL_CACHE": str(tmp_path), "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    told, _, finite = done.stdout.strip().rpartition(" ")
    assert told.startswith("a training step is not compiled, but replayed: ")
    assert "\n" not in told
    assert finite == "True"


def test_a_loss_that_is_no_number_changes_nothing() -> None:
    setup = SETUPS["batch norm"]()
    steps(setup, range(8))
    assert is_compiled(setup)
    before = [tensor.clone() for tensor in state_of(setup)]
    bad = rows().fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="the input has NaN"):
        list(train(*setup, [(bad, rows())], engine="inductor"))
    for a, b in zip(state_of(setup), before, strict=True):
        assert torch.equal(a, b)


def test_a_declaration_that_is_false_is_found() -> None:
    class Later(Tanh):
        """Doubles its output once many steps were made, which no attribute shows."""

        traceable = True
        made = [0]  # noqa: RUF012

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.made[0] += 1
            return super().forward(x) * (2.0 if self.made[0] > 5 else 1.0)

    model = Sequential(linear()(), Later())
    setup = (model, MSELoss(), SGD(model.param(), 0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MismatchWarning)
        steps(setup, range(20))
    x, y = batch_of("", 30)
    (done,) = train(*setup, [(x, y)], engine="inductor")
    assert done.prediction.abs().max() > 1, "the doubled output counts"


def test_operations_without_machine_code_are_kept_with_the_library(
    empty_cache: Path,
) -> None:
    """Torch notes the calls of such an operation in a file beside the library."""

    def trained_once() -> list[torch.Tensor]:
        compiling._loaded.clear()
        model = Sequential(linear()(), Hardshrink(0.1), linear(3, 3)())
        setup = (model, MSELoss(), SGD(model.param(), 0.1))
        steps(setup, range(6))
        assert is_compiled(setup)
        return [parameter.value for parameter in model.param()]

    first, again = trained_once(), trained_once()
    assert len(list(empty_cache.rglob("*.json"))) == 1
    for a, b in zip(first, again, strict=True):
        torch.testing.assert_close(a, b)


def test_what_the_compiler_computes_wrongly_is_replayed() -> None:
    model = FractionalMaxPool3d(2, output_size=2)
    setup = (model, MSELoss(), SGD(linear()().param(), 0.1))
    x, y = torch.randn(2, 3, 4, 4, 4), torch.randn(2, 3, 2, 2, 2)
    with pytest.warns(CompilerWarning, match="compiler computes fractional_max_pool3d wrongly"):
        list(train(*setup, [(x, y)] * 6, engine="inductor"))


def test_gradients_that_are_rounding_alone_are_no_mismatch() -> None:
    """A network that has learned all of its batch: p − y has no right digit left."""
    generator = torch.Generator().manual_seed(0)
    model = Sequential(linear(3, 8)(), Tanh(), linear(8, 2)())
    x, y = torch.randn(5, 3, generator=generator), torch.rand(5, 2, generator=generator)
    setup = (model, MSELoss(), SGD(model.param(), 0.1, 0.9))
    for step in train(*setup, [(x, y)] * 3000, engine="inductor"):
        last = step.loss
    assert last < 1e-12
    assert any(known.traces and not known.wrong for known in all_remembered(*setup))


def test_a_stack_with_a_rate_each_trains_as_eager() -> None:
    def made() -> Any:
        models = [Sequential(linear()(), ReLU(), linear(3, 3)()) for _ in range(4)]
        pairs = zip(models, (0.01, 0.02, 0.05, 0.1), strict=True)
        return stack(models), MSELoss(), stack([SGD(m.param(), lr, 0.9) for m, lr in pairs])

    results = []
    for engine in ("eager", "inductor"):
        model, loss, optimizer = made()
        for step in range(STEPS):
            x, y = batch_of("", step)
            batch = (x.expand(4, -1, -1), y.expand(4, -1, -1))
            list(train(model, loss, optimizer, [batch], engine=engine))
        results.append([p.value.clone() for p in model.param()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_a_deleted_model_frees_its_memory_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        model, loss, optimizer = SETUPS["report"]()
        steps((model, loss, optimizer), range(8))
        value, module = weakref.ref(model.param()[0].value), weakref.ref(model)
        del model, optimizer
        assert module() is None
        assert value() is None
    finally:
        gc.enable()


def test_it_is_found_by_name() -> None:
    from minidl_plugins_engines import inductor

    assert registry.get("engines", "inductor") is inductor

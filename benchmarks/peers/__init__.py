"""The peers by name. Each lives in a module of its own, imported only in its own process."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from benchmarks.peers.base import Peer

__all__ = ["PEERS", "Entry", "load"]


@dataclass(frozen=True)
class Entry:
    """A row of the tables: what it is called there, where it is, and which package it needs."""

    label: str
    path: str
    package: str

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None


PEERS = {
    "minidl": Entry("minidl", "minidl:Minidl", "minidl_core"),
    "minidl-inductor": Entry(
        "minidl, engine inductor", "minidl:Compiled", "minidl_plugins_engines"
    ),
    "torch": Entry("PyTorch eager", "torch_eager:TorchEager", "torch"),
    "torch-fused": Entry("PyTorch eager, fused SGD", "torch_eager:TorchFused", "torch"),
    "torch-compile": Entry("torch.compile of the step", "torch_compiled:TorchCompiled", "torch"),
    "thinc": Entry("Thinc", "thinc_layers:ThincLayers", "thinc"),
    "numpy": Entry("NumPy by hand", "numpy_by_hand:NumpyByHand", "numpy"),
    "jax": Entry("JAX, jit of the step", "jax_compiled:JaxStep", "jax"),
    "jax-scan": Entry("JAX, scan over the steps", "jax_compiled:JaxScan", "jax"),
    "c": Entry("plain C, -O3, one thread", "c_loops:CLoops", "numpy"),
}


def load(name: str) -> type[Peer]:
    """The class of the peer `name`; this imports its package."""
    module, _, attribute = PEERS[name].path.partition(":")
    loaded = importlib.import_module(f"benchmarks.peers.{module}")
    return cast("type[Peer]", getattr(loaded, attribute))

"""The environment variables by which torchrun tells a process which rank it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VARIABLES", "Launch", "how_to_start", "launch"]

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """One process among those that run together.

    Attributes:
        rank: its number, from 0.
        size: the number of processes.
        local_rank: its number on its machine.
        local_size: the number of processes on its machine.
        attempt: how often torchrun has restarted all processes.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    attempt: int

    def __str__(self) -> str:
        return f"rank {self.rank} of {self.size}"

    def resume_command(self, folder: object) -> str:
        """Return the command that resumes the run in `folder`."""
        nodes = self.size // self.local_size
        flags = f"--nnodes {nodes} (and on each node its other flags) " if nodes > 1 else ""
        return (
            f"torchrun {flags}--nproc-per-node {self.local_size} -m minidl_core run "
            f"--resume {folder}"
        )


def launch(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """Return what the environment says; None if a variable is missing.

    None also for one process that torchrun did not start: clusters set these variables for a job of
    one process too, and that is a run as any other.

    Raises:
        ArgumentError: a variable is not the number that it must be.
    """
    if any(name not in environment for name in VARIABLES):
        return None

    def number(name: str, default: int) -> int:
        value = environment.get(name, str(default))
        if not value.isdecimal():
            raise ArgumentError(
                f"expected a number in the environment's {name}, got {value!r}; torchrun sets it"
            )
        return int(value)

    rank, size = number("RANK", 0), number("WORLD_SIZE", 1)
    if rank >= size:
        raise ArgumentError(
            f"expected a RANK below the WORLD_SIZE of {size} in the environment, got {rank}; "
            "torchrun sets them"
        )
    if size == 1 and "TORCHELASTIC_RUN_ID" not in environment:
        return None
    return Launch(
        rank,
        size,
        number("LOCAL_RANK", rank),
        number("LOCAL_WORLD_SIZE", size),
        number("TORCHELASTIC_RESTART_COUNT", 0),
    )


def how_to_start(environment: Mapping[str, str] = os.environ) -> str:
    """Return what to do in a process that is in no process group."""
    missing = [name for name in VARIABLES if name not in environment]
    if not missing:
        return "call torch.distributed.init_process_group() first"
    some = f"the environment has no {', '.join(missing)}, which torchrun sets; "
    return (
        f"{some if len(missing) < len(VARIABLES) else ''}start it with "
        "torchrun --nproc-per-node 2 -m minidl_core run FILE.toml"
    )

"""Data parallelism beside torch's own: the time of a step, and the bytes that it sends.

``python -m benchmarks.data_parallel`` starts 2 and then 4 processes by torchrun, with gloo and one
thread each. In them minidl's DataParallel and torch's DistributedDataParallel train one network on
the same batches, in turns, and must come to the same weights. The bytes are what the kernel counted
on the sockets of all processes, against 2 (W − 1) / W times the gradient.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed
from torch.nn.functional import mse_loss
from torch.nn.parallel import DistributedDataParallel

from benchmarks.problem import REPORT, mlp
from benchmarks.summary import Spread
from benchmarks.tables import table
from minidl_core import Sequential, train
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU
from minidl_plugins_distributed import DataParallel

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.problem import Network

# Name, network, rows of a process, and steps in a turn.
TASKS: list[tuple[str, Network, int, int]] = [
    ("the report's, batch 50", REPORT, 50, 100),
    ("64-256-10, batch 64", mlp(64, 256, 10), 64, 50),
    ("784-1024-1024-10, batch 128", mlp(784, 1024, 1024, 10), 128, 4),
]
LR, MOMENTUM = 0.01, 0.9
TCP_INFO_ACKED, TCP_INFO_BYTES = 120, 256  # where struct tcp_info has the bytes sent and confirmed


def torch_network(network: Network) -> torch.nn.Sequential:
    parts: list[torch.nn.Module] = []
    for inputs, outputs, bias in network.layers:
        parts += [torch.nn.Linear(inputs, outputs, bias=bias), torch.nn.ReLU()]
    return torch.nn.Sequential(*parts)


def torch_steps(theirs: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[int], None]:
    model = DistributedDataParallel(theirs, gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, fused=True)

    def steps(count: int) -> None:
        with torch.enable_grad():
            for _ in range(count):
                optimizer.zero_grad()
                mse_loss(model(x), y).backward()
                optimizer.step()

    return steps


def our_steps(
    network: Network, theirs: torch.nn.Module, x: torch.Tensor, y: torch.Tensor
) -> tuple[Sequential, Callable[[int], None], int]:
    parts: list[Any] = []
    for inputs, outputs, bias in network.layers:
        parts += [Linear(inputs, outputs, bias=bias), ReLU()]
    model = Sequential(*parts)
    for (_, parameter), value in zip(model.named_param(), theirs.parameters(), strict=True):
        parameter.value.copy_(value)
    optimizer = DataParallel(model.param(), partial(SGD, lr=LR, momentum=MOMENTUM))
    loss = MSELoss()

    def steps(count: int) -> None:
        for _ in train(model, loss, optimizer, [(x, y)] * count):
            pass

    size = sum(vector.grad.nbytes for vector in optimizer.flat.vectors())
    return model, steps, size


# -- bytes -----------------------------------------------------------------------------------------


def bytes_sent() -> int:
    """What the TCP connections of this process have sent so far, as their peers confirmed it."""
    total = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            if not str(link.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(link.name))) as connection:
                info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        except OSError:
            continue
        total += struct.unpack_from("Q", info, TCP_INFO_ACKED)[0]
    return total


def sent_in(steps: Callable[[int], None], count: int) -> float:
    """Bytes a step and rank, the mean over the ranks."""
    distributed.barrier()
    before = bytes_sent()
    steps(count)
    time.sleep(0.2)  # the last confirmations
    sent = torch.tensor(float(bytes_sent() - before))
    distributed.all_reduce(sent)
    return sent.item() / count / distributed.get_world_size()


# -- one process of several ------------------------------------------------------------------------


def timed(steps: Callable[[int], None], count: int) -> float:
    """Seconds a step, until the slowest rank is done."""
    distributed.barrier()
    began = time.perf_counter()
    steps(count)
    seconds = torch.tensor((time.perf_counter() - began) / count)
    distributed.all_reduce(seconds, distributed.ReduceOp.MAX)
    return seconds.item()


def measured(name: str, network: Network, rows: int, count: int, rounds: int) -> dict[str, Any]:
    torch.manual_seed(0)
    theirs = torch_network(network)
    sizes = network.sizes
    torch.manual_seed(1 + distributed.get_rank())
    x, y = torch.randn(rows, sizes[0]), torch.rand(rows, sizes[-1])
    ours, steps, size = our_steps(network, theirs, x, y)
    other = torch_steps(theirs, x, y)
    for run in (steps, other):
        run(20)
    for (key, parameter), value in zip(ours.named_param(), theirs.parameters(), strict=True):
        torch.testing.assert_close(parameter.value, value.detach(), rtol=1e-3, atol=1e-5, msg=key)
    times = [(timed(steps, count), timed(other, count)) for _ in range(rounds)]
    return {
        "name": name,
        "ours": statistics.median(a for a, _ in times),
        "torch": statistics.median(b for _, b in times),
        "ratios": [a / b for a, b in times],
        "gradient": size,
        "sent": sent_in(steps, 20),
        "torch sent": sent_in(other, 20),
    }


def worker(rounds: int, output: Path) -> None:
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    distributed.init_process_group("gloo")
    results = [measured(*task, rounds) for task in TASKS]
    if distributed.get_rank() == 0:
        output.write_text(json.dumps(results), encoding="utf-8")
    distributed.destroy_process_group()


# -- the whole -------------------------------------------------------------------------------------


def row(result: dict[str, Any], size: int) -> list[str]:
    ring = 2 * (size - 1) / size * result["gradient"]
    return [
        f"{result['name']}, {size} processes",
        f"{result['ours'] * 1e6:,.0f} µs",
        f"{result['torch'] * 1e6:,.0f} µs",
        Spread.of(result["ratios"]).show(),
        f"{ring:,.0f}",
        f"{result['sent']:,.0f}, {result['sent'] / ring:.3f}",
        f"{result['torch sent']:,.0f}",
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="DataParallel beside DistributedDataParallel.")
    parser.add_argument("--rounds", type=int, default=31, help="turns of each (default: 31)")
    parser.add_argument("--processes", type=int, nargs="*", default=[2, 4], help="(default: 2 4)")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        worker(options.rounds, options.worker)
        return 0
    rows = []
    for size in options.processes:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "results.json")
            command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(size)]
            command += ["-m", "benchmarks.data_parallel", "--worker", str(output)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run([*command, "--rounds", str(options.rounds)], check=True, env=environment)
            rows += [row(result, size) for result in json.loads(output.read_text())]
    head = ["", "minidl", "torch", "ratio", "2 (W − 1) / W × gradient", "sent", "torch sent"]
    print(table(head, rows))
    print("\nA step (median), its ratio (median, quartiles), and bytes a step and process.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A GPT and a convolution network: a step and its memory, beside PyTorch eager.

``python -m benchmarks.networks`` prints the table. The first losses are compared before anything.
"""

from __future__ import annotations

from contextlib import ExitStack, closing

from benchmarks.processes import PeerProcess
from benchmarks.rounds import DisagreementError
from benchmarks.settings import Settings
from benchmarks.summary import Spread, digits
from benchmarks.tables import ratios, table, threads_title

MODULE = "benchmarks.networks_worker"
PEERS = ("minidl", "inductor", "torch")
LABELS = ("minidl", "minidl, inductor", "PyTorch eager")
CASES = {
    "GPT of `examples/gpt.py`, batch 2": ("gpt", 2),
    "GPT of `examples/gpt.py`, batch 16": ("gpt", 16),
    "convolutions, 32 images of 1 × 8 × 8": ("digits", 32),
    "convolutions, 32 images of 3 × 32 × 32": ("colours", 32),
}
TOLERANCE = 1e-3  # of a loss in the first steps


def networks(settings: Settings) -> str:
    """A row for each network: time of a step of minidl, of both others, and peak memory."""
    parts = []
    for threads in settings.threads:
        rows = [[name, *cells(*case, threads, settings)] for name, case in CASES.items()]
        head = ["", *LABELS, *(f"memory of {label}" for label in LABELS[:2])]
        parts.append(f"**{threads_title(threads)}**\n\n{table(head, rows)}")
    explained = (
        "Times are of a step, and how many times minidl's that is. Memory is the peak of tensors, "
        "as a ratio to PyTorch's: of all, and of late steps, when none is done twice."
    )
    return "\n\n".join([explained, *parts])


def cells(network: str, batch: int, threads: int, settings: Settings) -> list[str]:
    times: dict[str, list[float]] = {peer: [] for peer in PEERS}
    with ExitStack() as stack:
        workers = {
            peer: stack.enter_context(closing(PeerProcess(peer, threads, MODULE))) for peer in PEERS
        }
        peaks = {
            peer: worker.ask("peaks", network=network, batch=batch)
            for peer, worker in workers.items()
        }
        compare(workers)
        for _ in range(settings.rounds):
            for peer, worker in workers.items():
                times[peer].append(worker.ask("measure", seconds=4 * settings.seconds))
    ours = times["minidl"]
    shown = [f"{digits(Spread.of(each).median * 1e3)} ms" for each in times.values()]
    others = [ratios(times[peer], ours).show() for peer in PEERS[1:]]
    memory = [
        " and ".join(
            digits(ours / theirs) for ours, theirs in zip(peaks[peer], peaks["torch"], strict=True)
        )
        for peer in PEERS[:2]
    ]
    return [
        f"**{shown[0]}**",
        *(f"{time}, {ratio}" for time, ratio in zip(shown[1:], others, strict=True)),
        *memory,
    ]


def compare(workers: dict[str, PeerProcess]) -> None:
    """Refuse times of trainings that are not the same.

    Losses are compared: Adam makes a whole step of a gradient that is nothing but rounding, as that
    of a bias before a norm is.

    Raises:
        DisagreementError: they are not.
    """
    losses = {peer: worker.ask("losses") for peer, worker in workers.items()}
    for peer, found in losses.items():
        for ours, theirs in zip(found, losses["torch"], strict=True):
            if not abs(ours - theirs) <= TOLERANCE * theirs:
                raise DisagreementError(
                    f"{peer} has a loss of {ours} where PyTorch has {theirs}, from the same weights"
                )


if __name__ == "__main__":
    print(networks(Settings()))

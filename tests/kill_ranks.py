"""Kill one of several processes of a run at random moments, and see how all of them end.

python tests/kill_ranks.py                20 runs in 4 processes, one of which is killed (SIGKILL)
python tests/kill_ranks.py --kills 3      fewer

Each run is killed once, at a random moment between its start and its end. It must end in every
process, with a failure, within the timeout, and leave no process behind. Then it is resumed (begun
anew if it had no folder yet), and must end in the weights of an undisturbed run, to the bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT = 60
FILE = f"""\
epochs = 120
batch_size = 47
seed = 3
dtype = "float64"
data = {{ disk = {{ points = 200 }} }}
model = [{{ Linear = [2, 16] }}, "Tanh", {{ Linear = [16, 2] }}]
loss = "MSELoss"
schedule = "linear"

[optimizer.DataParallel]
timeout = {TIMEOUT}
optimizer = {{ SGD = {{ lr = 0.1, momentum = 0.9 }} }}
"""


@dataclass
class Tally:
    """What came of the runs.

    Attributes:
        seconds: from the kill to the end of the last process, of each run.
        after_the_end: runs whose results were written already.
        silent: others that had a folder, and no message of minidl.
        wrong: what must not be, in words.
    """

    seconds: list[float] = field(default_factory=list)
    messages: int = 0
    before_the_folder: int = 0
    after_the_end: int = 0
    silent: int = 0
    same: int = 0
    wrong: list[str] = field(default_factory=list)


def start(processes: int, folder: Path, errors: int) -> subprocess.Popen[bytes]:
    """Begin the run in `folder`, or go on with it."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["-m", "minidl_core", "run"]
    begun = folder.exists()
    command += ["--resume", str(folder)] if begun else ["run.toml", "--output", str(folder)]
    command += ["--no-figures", "--quiet", "--checkpoint-every", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder.parent, env=environment, stdout=subprocess.DEVNULL, stderr=errors
    )


def children(pid: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        return sorted(map(int, text.split()))
    return []


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] != "Z"
    return False


def status_of(folder: Path) -> str | None:
    """What the results say of the run, if there are any."""
    with suppress(FileNotFoundError):
        status: str = json.loads((folder / "result.json").read_text(encoding="utf-8"))["status"]
        return status
    return None


def finish(processes: int, folder: Path) -> float:
    """Let it run to its end; the seconds that took."""
    began = time.monotonic()
    process = start(processes, folder, subprocess.DEVNULL)
    if process.wait(300):
        raise SystemExit(f"{folder}: exit status {process.returncode}")
    return time.monotonic() - began


def kill_one(processes: int, folder: Path, moment: float, which: int, tally: Tally) -> None:
    """Kill rank number `which`, `moment` seconds after all were started."""
    with folder.with_suffix(".errors").open("w+b") as errors:
        process = start(processes, folder, errors.fileno())
        while len(ranks := children(process.pid)) < processes and process.poll() is None:
            time.sleep(0.01)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
            return  # it was faster than the moment
        if not is_alive(ranks[which]):
            process.wait()
            return
        began = time.monotonic()
        os.kill(ranks[which], signal.SIGKILL)
        try:
            status = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            tally.wrong.append(f"{folder.name}: not at its end {TIMEOUT} s after the kill")
            for pid in [process.pid, *ranks]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            return
        if status == 0 and status_of(folder) == "finished":
            return  # the rank was on its way out already
        tally.seconds.append(time.monotonic() - began)
        if status == 0:
            tally.wrong.append(f"{folder.name}: exit status 0 after rank {which} was killed")
        left = [pid for pid in ranks if is_alive(pid)]
        if left:
            tally.wrong.append(f"{folder.name}: processes left behind: {left}")
        errors.seek(0)
        said = [line for line in errors.read().splitlines() if line.startswith(b"Error: ")]
        tally.messages += bool(said)
        if len(said) > 1:
            tally.wrong.append(f"{folder.name}: {len(said)} messages")
        tally.before_the_folder += not folder.exists()
        if folder.exists() and not said:
            tally.after_the_end += status_of(folder) == "finished"
            tally.silent += status_of(folder) != "finished"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Kill one of several processes, and resume.")
    parser.add_argument("--kills", type=int, default=20, help="(default: 20)")
    parser.add_argument("--processes", type=int, default=4, help="(default: 4)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options = parser.parse_args(arguments)
    moments = random.Random(options.seed)
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary:
        Path(temporary, "run.toml").write_text(FILE, encoding="utf-8")
        whole = Path(temporary, "whole")
        seconds = finish(options.processes, whole)
        expected = (whole / "weights.safetensors").read_bytes()
        number = 0
        while len(tally.seconds) < options.kills and not tally.wrong:
            folder = Path(temporary, f"run{number}")
            number += 1
            which = moments.randrange(options.processes)
            kill_one(options.processes, folder, moments.uniform(0, seconds), which, tally)
            finish(options.processes, folder)
            tally.same += (folder / "weights.safetensors").read_bytes() == expected
    print("\n".join(tally.wrong))
    print(
        f"{len(tally.seconds)} kills of one of {options.processes} processes: all ended within "
        f"{max(tally.seconds, default=0):.1f} s, {tally.messages} with a message of minidl\n"
        f"{tally.before_the_folder} before there was a folder, {tally.after_the_end} after all was "
        f"written, {tally.silent} between them without a message\n"
        f"{tally.same} of {number} runs end in the same weights, to the bit"
    )
    return 0 if tally.same == number and not tally.wrong else 1


if __name__ == "__main__":
    sys.exit(main())

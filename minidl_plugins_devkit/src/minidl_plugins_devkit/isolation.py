"""Jobs in processes of their own: a few at a time, each with a limit of time."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

__all__ = ["Outcome", "run_apart"]

Job = TypeVar("Job")
DONE = "done"
PRINTED = 2000  # characters of what a job printed that are kept


@dataclass
class Outcome(Generic[Job]):
    """What came of one job.

    Attributes:
        job: what was to be done.
        events: what the process sent, in order.
        why: ``done``; or ``late``, ``ended`` or ``nonsense`` if the job did not come to its end.
        how: how the process ended, or what else it sent, in words.
        printed: the end of what it printed, if that was kept.
    """

    job: Job
    events: list[Any] = field(default_factory=list)
    why: str = ""
    how: str = ""
    printed: str = ""


@dataclass
class _Running(Generic[Job]):
    outcome: Outcome[Job]
    process: Any
    answers: Connection
    until: float
    output: Path


def run_apart(
    context: Any,
    jobs: Sequence[Job],
    work: Callable[[Connection, Job], None],
    *,
    seconds: float,
    processes: int | None = None,
    started: Callable[[Job], None] = lambda _: None,
) -> Iterator[Outcome[Job]]:
    """Yield the outcome of each job, as its process ends.

    Args:
        context: of multiprocessing; says how processes are started.
        work: called with a connection for its events, and a job, in a process that has nothing
            to read and prints into a file.
        seconds: after which the process of a job, and what it started, is killed.
        processes: how many run at a time; one for each processor when left out.
        started: called before the process of a job is started.
    """
    waiting = list(jobs)
    running: list[_Running[Job]] = []
    most = processes or os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="minidl-", ignore_cleanup_errors=True) as folder:
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    job = waiting.pop(0)
                    started(job)
                    output = Path(folder, str(len(waiting)))
                    running.append(_start(context, job, work, seconds, output))
                soonest = min(each.until for each in running)
                ready = wait(
                    [each.answers for each in running], max(0.0, soonest - time.monotonic())
                )
                for each in list(running):
                    if each.answers in ready:
                        _listen(each)
                    if not each.outcome.why and time.monotonic() > each.until:
                        each.outcome.why = "late"
                    if each.outcome.why:
                        running.remove(each)
                        _end(each)
                        yield each.outcome
        finally:
            for each in running:
                _end(each)


def _start(
    context: Any,
    job: Job,
    work: Callable[[Connection, Job], None],
    seconds: float,
    output: Path,
) -> _Running[Job]:
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(theirs, str(output), work, job), daemon=True)
    process.start()
    theirs.close()
    return _Running(Outcome(job), process, mine, time.monotonic() + seconds, output)


def _in_child(
    answers: Connection, output: str, work: Callable[[Connection, Job], None], job: Job
) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    printed = os.open(output, os.O_WRONLY | os.O_CREAT)
    for stream, replacement in ((0, nothing), (1, printed), (2, printed)):
        os.dup2(replacement, stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if hasattr(os, "setsid"):
        os.setsid()  # so that whatever the job starts is ended with it
    work(answers, job)
    with suppress(Exception):
        sys.stdout.flush()
    answers.send(DONE)
    os._exit(0)  # whatever the job has registered to be done at the end


def _listen(each: _Running[Any]) -> None:
    """Take one event in, or why there will be no more."""
    outcome = each.outcome
    try:
        event = each.answers.recv()
    except (EOFError, OSError):
        each.process.join(5)
        outcome.why, outcome.how = "ended", _ending(each.process.exitcode)
    except Exception as error:  # what it sent is no event
        outcome.why, outcome.how = "nonsense", type(error).__name__
    else:
        if event == DONE:
            outcome.why = DONE
        else:
            outcome.events.append(event)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with status {code}, as by os._exit"


def _end(each: _Running[Any]) -> None:
    """Kill the process, and what it started."""
    if each.process.pid is not None and hasattr(os, "killpg"):
        with suppress(OSError):
            if os.getpgid(each.process.pid) == each.process.pid:
                os.killpg(each.process.pid, signal.SIGKILL)
    each.process.kill()
    each.process.join(5)
    each.answers.close()
    with suppress(OSError), each.output.open("rb") as stream:
        stream.seek(max(0, each.output.stat().st_size - PRINTED))
        each.outcome.printed = stream.read().decode("utf-8", "replace").strip()

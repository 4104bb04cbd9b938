"""Set-ups that are not right are refused, once, with the rank and the difference."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from .processes import MINIDL, SGD, environment

WITH = """
import minidl_plugins_distributed.strategy as strategy
facts = strategy.facts_before
strategy.facts_before = lambda experiment, versions: facts(experiment, {**versions, "torch": "1.0"})
import sys
sys.argv = ["minidl", "run", *sys.argv[1:]]
from minidl_core.command import main
main()
"""


def runs_of(tmp_path):
    return list((tmp_path / "runs").glob("*"))


def refused(ranks, message):
    """One of `ranks` says it, all end with exit status 2 and print nothing else."""
    assert [done.status for done in ranks] == [2] * len(ranks), ranks
    assert [done.out for done in ranks] == [""] * len(ranks)
    (error,) = [line for done in ranks for line in done.errors]
    assert message in error


def test_another_configuration_on_one_rank(apart, write, tmp_path):
    parallel, _ = write()
    other = "optimizer.DataParallel.optimizer.SGD.lr=0.2"
    refused(
        apart([*MINIDL, parallel], [*MINIDL, parallel, "--set", other]),
        "optimizer.optimizer.SGD.lr is 0.2 on rank 1 and 0.1 on rank 0; every process",
    )
    assert runs_of(tmp_path) == []


def test_another_version_on_one_rank(apart, write, tmp_path):
    parallel, _ = write()
    refused(
        apart([*MINIDL, parallel], [*MINIDL, parallel], ["-c", WITH, parallel]),
        'versions.torch is "1.0" on rank 2 and ',
    )
    assert runs_of(tmp_path) == []


def test_other_data_on_one_rank(apart, tmp_path, write):
    files = []
    for rank in range(2):
        folder = tmp_path / f"node{rank}"
        folder.mkdir()
        rows = [f"{i},{i % 2}" for i in range(100 + rank)]
        (folder / "data.csv").write_text("\n".join(["x,y", *rows]))
        parallel, _ = write(
            data='{ csv = { path = "data.csv", target = "y" } }',
            model="[{ Linear = [1, 2] }]",
        )
        files.append(parallel.rename(folder / "same.toml"))
    refused(apart(*([*MINIDL, file] for file in files)), "data is ")
    assert runs_of(tmp_path) == []


def test_more_processes_than_rows_in_a_batch(together, write, tmp_path):
    parallel, _ = write(batch_size="1")
    done = together(2, *MINIDL[:2], "run", parallel)
    (error,) = done.errors
    assert "batch_size: of a batch of 1 rows there is none for rank 1 of 2; start 1" in error
    assert runs_of(tmp_path) == []


def test_torchrun_without_data_parallel(together, write, tmp_path):
    _, alone = write()
    done = together(2, *MINIDL[:2], "run", alone)
    assert done.status != 0
    (error,) = done.errors
    assert "optimizer: torchrun started 2 processes, and each would train this same run" in error
    assert runs_of(tmp_path) == []


def test_what_is_wrong_with_the_file_is_said_once(together, write):
    parallel, _ = write(loss='"MSELos"')
    (error,) = together(2, *MINIDL[:2], "run", parallel).errors
    assert 'No loss "MSELos". Did you mean "MSELoss"?' in error


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "this process is in none; start it with torchrun --nproc-per-node 2 -m minidl_core"),
        (
            {"RANK": "0", "MASTER_PORT": "29500"},
            "the environment has no WORLD_SIZE, MASTER_ADDR, which torchrun sets; start it with",
        ),
        (
            {"RANK": "one", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"},
            "expected a number in the environment's RANK, got 'one'; torchrun sets it",
        ),
        (
            {"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"},
            "expected a RANK below the WORLD_SIZE of 2 in the environment, got 2",
        ),
    ],
)
def test_an_environment_that_torchrun_did_not_make(write, tmp_path, variables, said):
    parallel, _ = write()
    done = subprocess.run(
        [sys.executable, *MINIDL, str(parallel)],
        cwd=tmp_path,
        env=environment(**variables),
        capture_output=True,
        text=True,
    )
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert runs_of(tmp_path) == []


def test_some_variables_do_not_matter_to_a_run_in_one_process(write, tmp_path):
    _, alone = write()
    subprocess.run(
        [sys.executable, *MINIDL, str(alone), "--no-figures", "--quiet"],
        cwd=tmp_path,
        env=environment(MASTER_ADDR="localhost"),
        check=True,
    )


@pytest.mark.parametrize("timeout", ["0", "-1"])
def test_a_timeout_that_is_none(together, write, timeout):
    parallel, _ = write(
        optimizer=f"{{ DataParallel = {{ timeout = {timeout}, optimizer = {SGD} }} }}"
    )
    (error,) = together(1, *MINIDL[:2], "run", parallel).errors
    assert "optimizer.DataParallel.timeout: " in error
    assert "timeout must be a finite number of seconds above 0" in error


@pytest.mark.parametrize(("rank", "whom"), [(0, "all 2 processes"), (1, "rank 0")])
def test_ranks_that_do_not_find_one_another(write, tmp_path, rank, whom):
    optimizer = f"{{ DataParallel = {{ timeout = 2, optimizer = {SGD} }} }}"
    parallel, _ = write(optimizer=optimizer)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    done = subprocess.run(
        [sys.executable, *MINIDL, parallel],
        env=environment(RANK=rank, WORLD_SIZE=2, **place),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert f"rank {rank} of 2: waited" in error
    assert f"at 127.0.0.1:{place['MASTER_PORT']} for {whom}, in vain" in error
    assert "Traceback" not in done.stderr
    assert runs_of(tmp_path) == []


def test_the_variables_of_a_cluster_do_not_refuse_a_plain_run(write, tmp_path):
    _, alone = write()
    done = subprocess.run(
        [sys.executable, *MINIDL, alone, "--no-figures", "--quiet"],
        env=environment(RANK=0, WORLD_SIZE=1, MASTER_ADDR="localhost", MASTER_PORT=1),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(runs_of(tmp_path)) == 1


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]

"""The workflow files run environments of tox that exist, on files that exist, with few rights."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAY_WRITE = {
    "docs.publish": {"pages": "write", "id-token": "write"},
    "release.publish": {"id-token": "write"},
    "release.announce": {"contents": "write"},
}


def read(file: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


WORKFLOWS = {file.stem: read(file) for file in FILES}
JOBS = [
    pytest.param(f"{name}.{job}", content, id=f"{name}.{job}")
    for name, workflow in WORKFLOWS.items()
    for job, content in workflow["jobs"].items()
]


def expanded(pattern: str) -> list[str]:
    """The words of a pattern such as ``core-py3{10,11}``."""
    parts = [part.split(",") for part in re.split(r"[{}]", pattern)]
    return ["".join(word) for word in itertools.product(*parts)]


def environments() -> dict[str, str]:
    """The text of every environment of tox.ini, by name."""
    ini = RawConfigParser()
    ini.read(ROOT / "tox.ini", encoding="utf-8")
    sections = {s.partition(":")[2]: s for s in ini.sections() if s.startswith("testenv:")}
    return {
        name: "\n".join(dict(ini[section]).values())
        for pattern, section in sections.items()
        for name in expanded(pattern)
    }


def combinations(job: dict[str, Any]) -> list[dict[str, str]]:
    """What the matrix of a job gives, or one empty combination."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    included = matrix.pop("include", [])
    if not matrix:
        return included or [{}]
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def run_by(job: dict[str, Any]) -> list[tuple[str, str]]:
    """Every environment of tox that a job runs, with what follows on the line."""
    found = []
    for combination in combinations(job):
        for step in job.get("steps", []):
            line = step.get("run", "")
            for key, value in combination.items():
                line = line.replace(f"${{{{ matrix.{key} }}}}", value)
            found += re.findall(r"\btox -e (\S+)(.*)", line)
    return found


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_jobs_run_environments_that_exist(name: str, job: dict[str, Any]) -> None:
    known = environments()
    for environment, rest in run_by(job):
        assert environment in known
        assert rest.endswith(" --skip-missing-interpreters false")  # a skip would pass
        for other in re.findall(r"--override testenv:(\w+)\.", rest):
            assert other in known


def test_every_environment_is_run() -> None:
    ini = (ROOT / "tox.ini").read_text(encoding="utf-8")
    (line,) = re.findall(r"^env_list = (.*)$", ini, re.MULTILINE)
    listed = {name for pattern in re.split(r",\s*(?![^{]*})", line) for name in expanded(pattern)}
    run = {name for job in JOBS for name, _ in run_by(job.values[1])}  # type: ignore[arg-type]
    assert len(listed) > 15
    assert listed <= run


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_core_and_layers_run_on_every_python(python: str) -> None:
    jobs = WORKFLOWS["tests"]["jobs"]
    assert {"python": python, "env": f"core-py{python.replace('.', '')}"} in combinations(
        jobs["core"]
    )
    assert python == "3.11" or {"python": python} in combinations(jobs["layers"])


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_jobs_write_only_where_they_must(name: str, job: dict[str, Any]) -> None:
    assert WORKFLOWS[name.partition(".")[0]]["permissions"] == {"contents": "read"}
    assert job.get("permissions") == MAY_WRITE.get(name)
    assert "uses" in job or job["timeout-minutes"] <= 60


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_actions_are_pinned_and_files_exist(name: str, job: dict[str, Any]) -> None:
    steps = [job, *job.get("steps", [])]
    for action in (step["uses"] for step in steps if "uses" in step):
        if action.startswith("./"):
            assert (ROOT / action).is_file()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", action)
    for line in (step.get("run", "") for step in steps):
        for path in re.findall(r"-c (\S+)|python (\S+\.py)", line):
            assert (ROOT / "".join(path)).is_file()
        assert "${{ github." not in line  # what an outsider may choose does not belong in a script


def test_artifacts_are_where_tox_writes_them() -> None:
    known = environments()
    for workflow, action, path in [
        ("release", "actions/upload-artifact@v4", ".tox/wheels/tmp/dist"),
        ("docs", "actions/upload-pages-artifact@v3", "docs/_build/html"),
    ]:
        steps = WORKFLOWS[workflow]["jobs"]["build"]["steps"]
        (step,) = (step for step in steps if step.get("uses") == action)
        assert step["with"]["path"] == path
    assert "--outdir {env_tmp_dir}/dist" in known["wheels"]
    assert "docs/_build/html" in known["docs"]


def test_a_release_publishes_every_distribution() -> None:
    published = combinations(WORKFLOWS["release"]["jobs"]["publish"])
    folders = sorted(path.parent.name for path in ROOT.glob("minidl_*/pyproject.toml"))
    assert [row["distribution"] for row in published] == folders


def check_tag(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "check_tag.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_the_tag_of_a_release_is_its_version() -> None:
    from minidl_core import __version__

    done = check_tag(f"v{__version__}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("v99.0.0", "minidl_core/src/minidl_core/version.py says "),
        ("v99.0.0", "CITATION.cff says "),
        ("0.1.0", "expected one tag such as v0.1.0, got 0.1.0"),
        ("v0.1", "expected one tag such as v0.1.0, got v0.1"),
    ],
)
def test_another_tag_is_refused(tag: str, told: str) -> None:
    done = check_tag(tag)
    assert done.returncode == 1
    assert told in done.stderr

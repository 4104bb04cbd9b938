"""Files and results of earlier versions, which said starts for restarts."""

from __future__ import annotations

import json

import pytest


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def as_schema_1(folder):
    """Rewrite a result as the first version wrote it."""
    result = result_of(folder)
    result["schema"] = 1
    del result["engine"]
    result["starts"] = result.pop("restarts")
    result["configuration"]["starts"] = result["configuration"].pop("restarts")
    (folder / "result.json").write_text(json.dumps(result))


@pytest.mark.parametrize("where", ["file", "setting"])
def test_starts_means_restarts(minidl, write, tmp_path, where):
    path = write(starts="2") if where == "file" else write(restarts="1")
    settings = ["--set", "starts=2"] if where == "setting" else []
    assert minidl("run", path, *settings, "--no-figures", "--output", "run").status == 0
    assert result_of(tmp_path / "run")["restarts"]["count"] == 2
    assert result_of(tmp_path / "run")["configuration"]["restarts"] == 2


def test_both_names_in_one_file_are_refused(minidl, write):
    done = minidl("run", write(starts="2", restarts="3"))
    assert done.status == 2
    assert 'starts: "starts" is the old name of "restarts"' in done.err


def test_a_result_of_schema_1_is_compared(minidl, write, tmp_path):
    for name in ("old", "new"):
        assert minidl("run", write(restarts="2"), "--no-figures", "--output", name).status == 0
    as_schema_1(tmp_path / "old")
    done = minidl("compare", "old", "new", "--no-figure")
    assert done.status == 0, done.err
    old, new = (line for line in done.out.splitlines() if line.startswith(("old", "new")))
    assert old.split()[1:-2] == new.split()[1:-2]  # but for the seconds


def test_a_finished_run_of_schema_1_is_shown(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "old").status == 0
    as_schema_1(tmp_path / "old")
    done = minidl("run", "--resume", "old")
    assert done.status == 0
    assert "run: old" in done.out


def test_a_later_schema_is_refused_with_the_way_out(minidl, write, tmp_path):
    assert minidl("run", write(), "--no-figures", "--output", "run").status == 0
    result = {**result_of(tmp_path / "run"), "schema": 3}
    (tmp_path / "run/result.json").write_text(json.dumps(result))
    done = minidl("compare", "run")
    assert done.status == 1
    assert "has the schema 3, and this version reads 1 and 2; use the version" in done.err

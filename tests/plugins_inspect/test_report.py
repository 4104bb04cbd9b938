"""``minidl report`` writes one page that needs nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from .conftest import FILE, run_minidl


class Addresses(HTMLParser):
    """Collects what a browser would load, the data, and the ids of a page."""

    def __init__(self):
        super().__init__()
        self.loaded, self.ids, self.text = [], [], {}
        self.tag, self.id = "", None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tag, self.id = tag, given.get("id")
        self.loaded += [given[key] for key in ("src", "href", "action", "data") if key in given]
        self.ids += [given["id"]] if "id" in given else []

    def handle_data(self, data):
        self.text[self.tag, self.id] = self.text.get((self.tag, self.id), "") + data


def parsed(page):
    found = Addresses()
    found.feed(page)
    return found


def data_of(page):
    return json.loads(parsed(page).text["script", "data"])


@pytest.fixture
def report(disk_run):
    """Write the report of a folder, and return the page."""

    def report(folder=disk_run, *options):
        assert run_minidl("report", folder, *options) == 0
        return (folder / "report.html").read_text(encoding="utf-8")

    return report


def replaced_by_folder(file):
    file.unlink(missing_ok=True)
    file.mkdir()


@pytest.fixture
def copied(disk_run, tmp_path):
    """A copy of the run, to damage."""
    return shutil.copytree(disk_run, tmp_path / "run")


def run(tmp_path, text):
    file = tmp_path / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    assert run_minidl("run", file, "--output", tmp_path / "run", "--no-figures", "--quiet") == 0
    return tmp_path / "run"


def test_the_page_holds_no_external_address(report):
    page = report()
    assert "//" not in re.sub(r"^\s*//.*$|\s// .*$", "", page, flags=re.MULTILINE)
    assert parsed(page).loaded == []
    assert "default-src 'none'" in page


def test_every_id_of_the_script_is_in_the_page(report):
    page = report()
    ids = parsed(page).ids
    assert len(ids) == len(set(ids))
    named = set(re.findall(r'(?:\bat|table|lineChart)\("([\w-]+)"', page))
    assert len(named) > 25
    assert named <= set(ids)


def test_the_data_are_those_of_the_result(report, disk_run):
    data = data_of(report())
    result = json.loads((disk_run / "result.json").read_text(encoding="utf-8"))
    assert data["epochs"] == [1, 2, 3, 4]
    selected = result["restarts"]["selected"]
    for name, curves in data["curves"].items():
        expected = [[record[name][k] for record in result["epochs"]] for k in range(3)]
        assert curves == [pytest.approx(row, rel=1e-4) for row in expected]
    for name, values in data["gradients"].items():
        norms = [record["gradient_norms"][name][selected] for record in result["epochs"]]
        assert values == pytest.approx(norms, rel=1e-4)
    assert data["configuration"] == result["configuration"]
    assert data["distributions"] == result["distributions"]
    assert [tensor["shape"] for tensor in data["tensors"] if tensor["name"] == "0.weight"] == [
        [8, 2]
    ]


def test_long_runs_stay_small(report, copied):
    file = copied / "result.json"
    result = json.loads(file.read_text(encoding="utf-8"))
    record = result["epochs"][0]
    wide = {
        name: [value[0]] * 32 if isinstance(value, list) else value
        for name, value in record.items()
    }
    result["epochs"] = [{**wide, "epoch": epoch} for epoch in range(1, 5001)]
    result["restarts"]["count"] = 32
    file.write_text(json.dumps(result), encoding="utf-8")
    page = report(copied)
    assert len(page.encode()) < 3e6
    assert data_of(page)["epochs"][-1] == 5000


def test_text_of_the_user_cannot_leave_the_data(report, copied):
    file = copied / "result.json"
    result = json.loads(file.read_text(encoding="utf-8"))
    result["name"] = "</script><img src=x onerror=alert(1)> @@script@@"
    file.write_text(json.dumps(result), encoding="utf-8")
    page = report(copied)
    assert "<img" not in page
    assert data_of(page)["title"] == result["name"]
    assert parsed(page).loaded == []


def test_runs_without_snapshots_say_why(report, copied):
    (copied / "snapshots.json").unlink()
    data = data_of(report(copied))
    assert data["snapshots"]["frames"] == []
    assert "Run the experiment again" in data["snapshots"]["why"]
    assert data["curves"]["test_error"]


def test_regressions_are_reported(report, tmp_path):
    rows = "\n".join(f"{i / 40},{(i / 40) ** 2}" for i in range(80))
    (tmp_path / "table.csv").write_text(f"x,y\n{rows}\n", encoding="utf-8")
    folder = run(
        tmp_path,
        FILE.replace(
            'data = { name = "disk", points = 120 }',
            'data = { name = "csv", path = "table.csv", target = "y", task = "regression" }',
        ).replace("[2, 8]", "[1, 8]").replace("[8, 2]", "[8, 1]"),
    )  # fmt: skip
    data = data_of(report(folder))
    assert data["task"] == "regression"
    assert "boundary" not in data["snapshots"]["frames"][-1]
    assert data["snapshots"]["misclassified"] is None


def test_the_output_may_be_named(report, disk_run, tmp_path, capsys):
    assert run_minidl("report", disk_run, "--output", tmp_path / "page.html") == 0
    assert "page.html" in capsys.readouterr().out
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: shutil.rmtree(run), "no such folder"),
        (lambda run: (run / "result.json").unlink(), "not a run folder"),
        (lambda run: (run / "result.json").write_text("{"), "damaged"),
        (lambda run: (run / "snapshots.json").write_text("[1]"), "damaged; delete it"),
        (lambda run: (run / "weights.safetensors").write_text("no"), "damaged"),
        (lambda run: (run / "seeds.json").write_text("{}"), "report one of them"),
        (lambda run: replaced_by_folder(run / "report.html"), "cannot be written"),
    ],
)
def test_folders_without_a_whole_run_are_refused(copied, capsys, damage, says):
    damage(copied)
    assert run_minidl("report", copied) == 1
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_runs_without_an_epoch_are_refused(copied, capsys):
    file = copied / "result.json"
    result = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**result, "epochs": [], "status": "running"}), encoding="utf-8")
    assert run_minidl("report", copied) == 1
    assert "--resume" in capsys.readouterr().err


def test_a_run_ends_by_naming_its_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_minidl("run", "disk", "--set", "epochs=1", "--no-figures", "--output", "run") == 0
    assert "\n  minidl report run\n" in capsys.readouterr().out
    monkeypatch.setenv("MINIDL_DISABLE", "minidl-plugins-inspect")
    arguments = ["run", "disk", "--set", "epochs=1", "--no-figures", "--output", "other"]
    done = subprocess.run(
        [sys.executable, "-m", "minidl_core", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "minidl predict other NEW.csv" in done.stdout
    assert "minidl report" not in done.stdout

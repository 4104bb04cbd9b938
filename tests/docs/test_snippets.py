"""What the pages say to type exists: every command line, and the Python of the short pages.

The longer pages have tests of their own, which run them and compare what they print.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from minidl_core import BaseModule, Sequential, registry
from minidl_core.command import main
from minidl_plugins_basic import SGD, Linear, MSELoss

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```\w*\n(.*?)^```$|((?:^ {4}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`minidl ([^`\n]+)`")
STRANGERS = {"augment", "census", "dist-name/command", "slope"}  # that pages write or install


def command_lines(text: str) -> list[list[str]]:
    """The words after ``minidl`` of each command line of a page."""
    found = []
    for fenced, indented in BLOCK.findall(text):
        for line in (fenced or indented).splitlines():
            line = re.sub(r"\s+#.*", "", line.strip().removeprefix("$ "))
            for part in line.split("&&"):
                match = re.match(
                    r"\s*(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:minidl|torchrun .*-m minidl_core) (.*)", part
                )
                if match and "`" not in part:
                    found.append(shlex.split(match[1]))
    return found + [shlex.split(words) for words in INLINE.findall(text)]


LINES = [
    pytest.param(words, id=f"{page.stem}: {' '.join(words)}")
    for page in PAGES
    for words in command_lines(page.read_text(encoding="utf-8"))
]


def test_there_are_command_lines():
    assert len(LINES) > 100


@pytest.mark.parametrize("words", LINES)
def test_a_command_line_exists(words, monkeypatch):
    if words[0] == "--disable":
        words = words[2:]
    if not words or words[0] in {*STRANGERS, "…"}:
        return
    if words[0].startswith("-"):
        assert words[0] in ("--version", "--help")
        return
    command = registry.get("commands", words[0])
    assert isinstance(command, click.Command)
    with click.Context(command, obj=registry) as context:
        command.make_parser(context).parse_args([word for word in words[1:] if word != "…"])


@pytest.mark.parametrize("page", ["discovery", "engines", "index"])
def test_the_python_of_a_short_page_runs(page):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    model = Sequential(Linear(2, 2))
    names = {
        "BaseModule": BaseModule,
        "train": __import__("minidl_core").train,
        "model": model,
        "loss": MSELoss(),
        "optimizer": SGD(model.param(), lr=0.1),
        "batches": [(torch.ones(3, 2), torch.ones(3, 2))],
    }
    programs = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert programs
    for program in programs:
        exec(compile(program, page, "exec"), names)


def test_the_weights_of_a_run_load_as_the_page_says(tmp_path, monkeypatch):
    pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(
        r"^```python\n(.*?)^```$",
        (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    model = 'model=[{Linear=[2,25]}, "ReLU", {Linear=[25,2]}]'
    with pytest.raises(SystemExit) as ended:
        main(["run", "disk", "--set", model, "--set", "epochs=1", "--no-figures", "--quiet"])
    assert not ended.value.code
    Path("runs/disk-1").rename("runs/my-1")
    names = {"torch": torch}
    exec(compile(program, "run-folder", "exec"), names)
    assert names["twin"](torch.zeros(1, 2)).shape == (1, 2)


PRELUDE = """
import torch
from minidl_core import Sequential
from minidl_plugins_basic import Linear, MSELoss, Tanh

draws = torch.Generator().manual_seed(0)
model = Sequential(Linear(2, 4, generator=draws), Tanh(), Linear(4, 1, generator=draws))
loss = MSELoss()
batches = [(torch.rand(6, 2, generator=draws), torch.rand(6, 1, generator=draws))] * 3
"""
POSTLUDE = """
print("weights", [round(p.value.sum().item(), 6) for p in model.param()])
distributed.destroy_process_group()
"""


def test_the_program_for_several_processes_trains_alike_on_every_rank(tmp_path):
    text = (ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    script = tmp_path / "several.py"
    script.write_text(PRELUDE + program + POSTLUDE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    weights = [line for line in done.stdout.splitlines() if line.startswith("weights")]
    assert len(weights) == 2
    assert weights[0] == weights[1]

"""The commands are offered without importing what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"], ["compare", "-h"]])
def test_help_imports_neither_torch_nor_what_draws(arguments):
    script = (
        "from contextlib import suppress\nfrom minidl_core.command import main\n"
        f"with suppress(SystemExit): main({arguments})\n"
        "import sys; print('\\n', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert not loaded & {"torch", "numpy", "matplotlib", "rich", "safetensors"}


def test_the_commands_are_in_the_help():
    done = subprocess.run(
        [sys.executable, "-m", "minidl_core"], capture_output=True, text=True, check=True
    )
    shown = " ".join(done.stdout.split())
    assert " run Run the experiment of a TOML file" in shown
    assert " compare Show runs side by side" in shown


def test_a_run_without_figures_imports_nothing_that_draws(tmp_path):
    script = (
        "from contextlib import suppress\nfrom minidl_core.command import main\n"
        "with suppress(SystemExit):\n"
        "    main('run disk --set epochs=1 --no-figures --output run'.split())\n"
        "import sys; print('\\n', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    loaded = set(done.stderr.split())
    assert "torch" in loaded
    assert not loaded & {"matplotlib", "rich", "pickle5"}

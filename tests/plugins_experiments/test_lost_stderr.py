"""Messages that nobody can read never cost a run."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from minidl_plugins_experiments.telling import SafeStream

RUN = '"$PYTHON" -m minidl_core run "$FILE" --no-figures --output run'


@pytest.mark.parametrize(
    "redirected",
    [
        f"{RUN} 2>&-",
        f"{RUN} 2>/dev/full",
        # a reader that is gone before the first line
        f"{{ {RUN} 2>&3; echo $? > status; }} 3>&1 >/dev/null | true; exit $(cat status)",
    ],
    ids=["closed", "full", "broken pipe"],
)
def test_a_run_survives_a_lost_stderr(write, tmp_path, redirected):
    path = write(epochs="20")
    environment = {"PYTHON": sys.executable, "FILE": str(path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", redirected], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["status"] == "finished"
    assert len(result["epochs"]) == 20


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_safe_stream_drops_what_fails():
    for lost in (None, Full()):
        stream = SafeStream(lost)
        assert stream.write("text") == 4
        stream.writelines(["a", "b"])
        stream.flush()
        assert not stream.isatty()

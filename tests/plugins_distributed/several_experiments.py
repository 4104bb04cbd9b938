"""Run in each of several processes: experiments one after another, in one group.

python several_experiments.py FOLDER FILE...    each leaves its run in FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from minidl_core import registry
from minidl_plugins_experiments.config.loading import load_experiment
from minidl_plugins_experiments.runs.execute import start
from minidl_plugins_experiments.session import Options, Session


def main(folder: Path, files: list[str]) -> None:
    torch.set_grad_enabled(False)
    session = Session(registry, Options(quiet=True, figures=False))
    session.find_strategy()
    for file in files:
        start(session, load_experiment(file), folder / Path(file).stem)
    session.strategy.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

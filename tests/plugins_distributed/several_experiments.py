"""Run in each of several processes: experiments one after another, in one group.

python several_experiments.py FOLDER FILE...    each leaves its run in FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from minidl_core import registry
from minidl_plugins_experiments.config import reading
from minidl_plugins_experiments.config.experiment import experiment_of
from minidl_plugins_experiments.runs.execute import Options, begin
from minidl_plugins_experiments.training.strategy import conduct_of


def main(folder: Path, files: list[str]) -> None:
    torch.set_grad_enabled(False)
    conduct = conduct_of(registry)
    options = Options(quiet=True, figures=False, conduct=conduct)
    for file in files:
        experiment = experiment_of(reading.read(Path(file)))
        begin(experiment, Path(file).stem, file, folder / Path(file).stem, registry, options)
    conduct.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

"""Experiments without code: `minidl run`, `minidl predict` and `minidl compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_experiments.config.experiment import Experiment as Experiment
    from minidl_plugins_experiments.config.problems import ConfigError as ConfigError
    from minidl_plugins_experiments.data.data import Data as Data
    from minidl_plugins_experiments.data.data import Dataset as Dataset
    from minidl_plugins_experiments.data.data import Split as Split
    from minidl_plugins_experiments.data.fingerprint import fingerprint as fingerprint
    from minidl_plugins_experiments.data.transform import Transform as Transform
    from minidl_plugins_experiments.runs.folder import read_result as read_result
    from minidl_plugins_experiments.runs.from_python import run as run
    from minidl_plugins_experiments.runs.load import LoadedRun as LoadedRun
    from minidl_plugins_experiments.runs.load import load_run as load_run
    from minidl_plugins_experiments.runs.prediction import Predictions as Predictions
    from minidl_plugins_experiments.training.checkpoint import state_digest as state_digest
    from minidl_plugins_experiments.training.module_state import (
        buffers_and_generators as buffers_and_generators,
    )
    from minidl_plugins_experiments.training.preparing import Prepared as Prepared
    from minidl_plugins_experiments.training.restarts import TrainingState as TrainingState
    from minidl_plugins_experiments.training.run import Run as Run
    from minidl_plugins_experiments.training.strategy import Strategy as Strategy
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "config.experiment": ["Experiment"],
            "config.problems": ["ConfigError"],
            "data.data": ["Data", "Dataset", "Split"],
            "data.fingerprint": ["fingerprint"],
            "data.transform": ["Transform"],
            "runs.folder": ["read_result"],
            "runs.from_python": ["run"],
            "runs.load": ["LoadedRun", "load_run"],
            "runs.prediction": ["Predictions"],
            "training.checkpoint": ["state_digest"],
            "training.module_state": ["buffers_and_generators"],
            "training.preparing": ["Prepared"],
            "training.restarts": ["TrainingState"],
            "training.run": ["Run"],
            "training.strategy": ["Strategy"],
        },
    )

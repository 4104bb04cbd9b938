"""HTML for minidl's objects: models, parameters, the registry and runs."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl_core import Parameter, Registry, walk
from minidl_plugins_inspect.tables import html_table, number, shape_of, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunView", "html_of", "show_run"]

MOST_VALUES = 8  # of a parameter that are shown in each direction
HEAD_OF_RUN = ["split", "loss", "error"]


def html_of(thing: Any) -> str | None:
    """Return HTML for a model, a parameter, a registry or a run; None for anything else.

    A notebook shows these by itself once minidl_plugins_inspect is imported.
    """
    if isinstance(thing, Parameter):
        return _parameter(thing)
    if isinstance(thing, Registry):
        return _registry(thing)
    if hasattr(thing, "configuration") and hasattr(thing, "epochs"):
        return _run(thing)
    if hasattr(thing, "forward") and hasattr(thing, "param"):
        return _model(thing)
    return None


def _model(model: Any) -> str:
    # imported here, so that a parameter or a registry is shown without torch being loaded
    from minidl_plugins_inspect.watching.recording import own_parameters, title_of

    rows = []
    for path, module in walk(model):
        own = [(name.rpartition(".")[2], p) for name, p in own_parameters(module)]
        shapes = ", ".join(f"{name} {shape_of(p.value)}" for name, p in own)
        count = sum(p.value.numel() for _, p in own)
        mode = "training" if module.training else "evaluation"
        rows.append([path, title_of(module), shapes, f"{count:,}" if count else "", mode])
    total = sum(parameter.value.numel() for parameter in model.param())
    head = ["path", "module", "parameters", "numbers", "mode"]
    return html_table(head, rows, f"{type(model).__name__}, {total:,} parameters")


def _parameter(parameter: Parameter) -> str:
    value, grad = parameter
    flags = [] if parameter.decays else ["not decayed"]
    flags += [] if parameter.trainable else ["not trained"]
    shape = shape_of(value)
    dtype = str(value.dtype).removeprefix("torch.")
    caption = ", ".join([f"Parameter {shape}", dtype, str(value.device), *flags])
    rows = [
        [
            name,
            number(float(tensor.double().norm())),
            *(number(float(each)) for each in _spread(tensor)),
            _preview(tensor),
        ]
        for name, tensor in (("value", value), ("grad", grad))
    ]
    return html_table(["", "norm", "least", "mean", "greatest", "first values"], rows, caption)


def _spread(tensor: Any) -> list[Any]:
    if not tensor.numel():
        return []
    wide = tensor.double()
    return [wide.min(), wide.mean(), wide.max()]


def _preview(tensor: Any) -> str:
    values = [number(value) for value in tensor.reshape(-1)[:MOST_VALUES].tolist()]
    return ", ".join([*values, "…"] if tensor.numel() > MOST_VALUES else values)


def _registry(registry: Registry) -> str:
    rows = [
        [each.kind, each.name, each.distribution.name, each.distribution.version]
        for each in registry.components()
    ]
    return html_table(["kind", "name", "distribution", "version"], rows)


def _run(run: Any) -> str:
    """The run that an observer is given, while it trains."""
    metrics = run.best_metrics() if run.epochs else {}
    done = f"{run}: {len(run.epochs)} of {run.experiment.epochs} epochs"
    return html_table(HEAD_OF_RUN, _by_split(metrics), done)


def _by_split(metrics: Mapping[str, Any]) -> list[list[str]]:
    return [
        [split, *(_of(metrics.get(f"{split}_{what}")) for what in ("loss", "error"))]
        for split in ("train", "validation", "test")
        if f"{split}_loss" in metrics
    ]


def _of(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"


class RunView:
    """A run folder; it prints as a table, and renders as one in a notebook.

    Attributes:
        folder: where it is.
        result: the content of its ``result.json``.
    """

    def __init__(self, folder: Path, result: dict[str, Any]) -> None:
        self.folder, self.result = folder, result

    def __str__(self) -> str:
        return f"{self._title()}\n{text_table(HEAD_OF_RUN, _by_split(self.result['final']))}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        figures = "".join(self._image(name) for name in self.result.get("figures") or [])
        model = escape(str((self.result.get("model") or {}).get("description", "")))
        table = html_table(HEAD_OF_RUN, _by_split(self.result["final"]), self._title())
        return f"{table}<details><summary>model</summary><pre>{model}</pre></details>{figures}"

    def _title(self) -> str:
        restarts = self.result.get("restarts") or {}
        return (
            f"{self.folder}: {self.result.get('status')}, {len(self.result['epochs'])} epochs, "
            f"{restarts.get('count', 1)} restarts of which {len(restarts.get('dead') or [])} dead"
        )

    def _image(self, name: str) -> str:
        from base64 import b64encode

        path = self.folder / name
        if not path.is_file():
            return ""
        data = b64encode(path.read_bytes()).decode("ascii")
        return f'<img alt="{escape(name)}" src="data:image/png;base64,{data}">'


def show_run(folder: str | Path) -> RunView:
    """Return the run in `folder`, to look at in a notebook.

    Raises:
        MinidlError: the folder has no run.
    """
    from minidl_plugins_experiments import read_result

    return RunView(Path(folder), read_result(Path(folder)))

"""HTML for minidl's objects: models, parameters, the registry and runs."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING, Any

from minidl_core import Parameter, Registry, walk
from minidl_plugins_inspect.tables import TENSOR_HEAD, html_table, shape_of, tensor_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["html_of"]

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
    if hasattr(thing, "folder") and hasattr(thing, "result"):
        return _loaded(thing)
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
    rows = [tensor_row("value", value), tensor_row("grad", grad)]
    return html_table(TENSOR_HEAD, rows, caption)


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


def _loaded(run: Any) -> str:
    """A finished run, as ``load_run`` reads it from its folder."""
    result = run.result
    restarts = result.get("restarts") or {}
    title = (
        f"{run.folder}: {result.get('status')}, {len(result['epochs'])} epochs, "
        f"{restarts.get('count', 1)} restarts of which {len(restarts.get('dead') or [])} dead"
    )
    figures = "".join(_image(run.folder / name) for name in result.get("figures") or [])
    table = html_table(HEAD_OF_RUN, _by_split(result["final"]), title)
    return f"{table}{_model(run.model)}{figures}"


def _image(path: Path) -> str:
    if not path.is_file():
        return ""
    data = b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{escape(path.name)}" src="data:image/png;base64,{data}">'

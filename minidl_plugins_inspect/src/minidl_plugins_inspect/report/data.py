"""What the page of a run shows, as plain data."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from minidl_core import MinidlError
from minidl_plugins_experiments import read_result
from minidl_plugins_inspect.report.tensors import tensors_of
from minidl_plugins_inspect.snapshots.recorder import SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["page_data"]

MOST_EPOCHS = 400  # that curves show; of a longer run, evenly spread ones and the last
CURVES = [
    f"{split}_{what}" for what in ("error", "loss") for split in ("train", "validation", "test")
]
MISSING = (
    "This run has no snapshots: they are stored while it trains, where minidl-plugins-inspect is "
    "installed and not disabled. Run the experiment again to see it here."
)


def page_data(folder: Path) -> dict[str, Any]:
    """Return everything that the page of the run in `folder` shows.

    Raises:
        MinidlError: the folder has no run, or no epoch was finished, or a file in it is damaged.
    """
    if (folder / "seeds.json").is_file():
        raise MinidlError(
            f"{folder} has a run for each of several seeds; report one of them: "
            f"minidl report {folder / 'seed-0'}"
        )
    result = read_result(folder)
    epochs = result.get("epochs") or []
    if not epochs:
        raise MinidlError(
            f"{folder} has no results yet (its status is {result.get('status')}); finish the run: "
            f"minidl run --resume {folder}"
        )
    restarts = result.get("restarts") or {}
    selected = restarts.get("selected") or 0
    data = result.get("data") or {}
    notes = data.get("notes") or {}
    chosen = _spread(epochs)
    return {
        "title": str(result.get("name", folder.name)),
        "folder": folder.name,
        **{key: result.get(key) for key in ("status", "error", "engine", "warnings", "timing")},
        "task": data.get("task", "classification"),
        "rows": data.get("rows") or {},
        "classes": [str(name) for name in notes.get("classes") or []],
        "features": [str(name) for name in notes.get("features") or []],
        "ellipse": notes.get("ellipse"),
        "final": result.get("final") or {},
        "baseline": result.get("baseline") or {},
        "restarts": {**restarts, "selected": selected},
        "epochs": [record.get("epoch", i + 1) for i, record in enumerate(chosen)],
        "lr": _numbers([record.get("lr") for record in chosen]),
        "curves": {name: _by_restart(chosen, name) for name in CURVES if name in epochs[-1]},
        "gradients": _gradients(chosen, selected),
        "model": result.get("model") or {},
        "tensors": tensors_of(folder),
        "snapshots": _snapshots(folder, result),
        "configuration": result.get("configuration") or {},
        "components": result.get("components") or [],
        "distributions": result.get("distributions") or {},
        "machine": result.get("machine") or {},
        "seeds": result.get("seeds") or {},
    }


def _spread(epochs: Sequence[Any]) -> list[Any]:
    step = -(-len(epochs) // MOST_EPOCHS)
    chosen = list(epochs[::step])
    return chosen if chosen[-1] is epochs[-1] else [*chosen, epochs[-1]]


def _by_restart(records: Sequence[Any], name: str) -> list[list[float | None]]:
    """Return the values of a metric, a list for each restart."""
    rows = [_several(record.get(name)) for record in records]
    width = max(map(len, rows), default=0)
    padded = [[*row, *[None] * (width - len(row))] for row in rows]
    return [_numbers(column) for column in zip(*padded, strict=True)]


def _gradients(records: Sequence[Any], restart: int) -> dict[str, list[float | None]]:
    """Return ‖gradient‖ of each parameter of one restart, at each epoch."""
    names = dict.fromkeys(name for r in records for name in r.get("gradient_norms") or {})
    values = {
        name: [_several((r.get("gradient_norms") or {}).get(name)) for r in records]
        for name in names
    }
    return {
        name: _numbers([row[restart] if restart < len(row) else None for row in rows])
        for name, rows in values.items()
    }


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _numbers(values: Sequence[Any]) -> list[float | None]:
    """Return `values` with five significant digits; None for what is no finite number."""
    return [
        float(f"{value:.5g}") if isinstance(value, (int, float)) and math.isfinite(value) else None
        for value in values
    ]


def _snapshots(folder: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Return the content of ``snapshots.json``, or why there is none."""
    try:
        content: dict[str, Any] = json.loads((folder / SNAPSHOTS).read_text(encoding="utf-8"))
        of_run = content["run"] == result.get("run")
        _ = content["frames"], content["layers"], content["schema"]
    except FileNotFoundError:
        return {"frames": [], "layers": [], "why": MISSING}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MinidlError(
            f"{folder / SNAPSHOTS} cannot be read ({type(error).__name__}: {error}): it is "
            "damaged; delete it, and the report is made without it"
        ) from error
    if not of_run:
        return {"frames": [], "layers": [], "why": "snapshots.json belongs to another run."}
    return {**content, "why": ""}

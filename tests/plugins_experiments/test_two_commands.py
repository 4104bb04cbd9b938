"""From a table to predictions for new rows with two commands, on tables as people have them.

Each result is compared with scikit-learn's logistic or linear regression in its usual pipeline, on
splits of the same shares; where the network is no better, the result has to say so.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Minidl

    Rows = tuple[list[str], list[list[Any]], str, str]  # names, rows, target, task

pytest.importorskip("sklearn")


def labelled(x: Any, labels: list[str]) -> list[list[Any]]:
    return [[*row, label] for row, label in zip(x.tolist(), labels, strict=True)]


LEAST = {"classification": 0.02, "regression": 0.05}  # what chance may cost against the other split


def bundled(name: str) -> Callable[[], Rows]:
    def make() -> Rows:
        from sklearn import datasets

        data = getattr(datasets, name)()
        names = [str(each).replace(" ", "_") for each in data.feature_names]
        task = "regression" if name == "load_diabetes" else "classification"
        labels = data.target if task == "regression" else data.target_names[data.target]
        rows = [[*x, y] for x, y in zip(data.data.tolist(), labels.tolist(), strict=True)]
        return [*names, "answer"], rows, "answer", task

    return make


def churn() -> Rows:
    draw = np.random.default_rng(0)
    rows: list[list[Any]] = []
    for number in range(400):
        plan = str(draw.choice(["basic", "plus", "pro"]))
        minutes = draw.normal(200, 60)
        leaves = draw.random() < (0.85 if plan == "basic" and minutes < 200 else 0.08)
        gap = draw.random() < 0.08
        rows.append(
            [f"c{number:04}", plan, "" if gap else f"{minutes:.1f}", "yes" if leaves else "no"]
        )
    return ["customer", "plan", "minutes", "left"], rows, "left", "classification"


def energy() -> Rows:
    draw = np.random.default_rng(1)
    days = np.datetime64("2022-01-01") + np.arange(360)
    season = np.cos(2 * np.pi * (days - days[0]).astype(int) / 365.25)
    used = 300 + 120 * season + draw.normal(0, 10, len(days))
    rows = [
        [str(day), f"{10 - 12 * s + e:.1f}".replace(".", ","), f"{u:.2f}".replace(".", ",")]
        for day, s, u, e in zip(days, season, used, draw.normal(0, 2, len(days)), strict=True)
    ]
    return ["day", "temperature", "energy"], rows, "energy", "regression"


def imbalanced() -> Rows:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(500, 3))
    rare = x @ [1.5, -1.0, 0.5] > 2.6
    rows = labelled(x, ["rare" if each else "usual" for each in rare])
    return ["a", "b", "c", "y"], rows, "y", "classification"


def constant_columns() -> Rows:
    draw = np.random.default_rng(3)
    x = draw.normal(size=200)
    rows = [[7, v, "same", "up" if v > 0 else "down"] for v in x.tolist()]
    return ["seven", "x", "word", "y"], rows, "y", "classification"


def nonlinear() -> Rows:
    draw = np.random.default_rng(4)
    x = draw.uniform(-1, 1, (600, 2))
    inside = (x**2).sum(1) < 0.5
    rows = labelled(x, ["in" if each else "out" for each in inside])
    return ["x", "y", "where"], rows, "where", "classification"


def many_classes() -> Rows:
    draw = np.random.default_rng(5)
    centres = draw.normal(0, 4, (8, 4))
    label = draw.integers(0, 8, 480)
    x = centres[label] + draw.normal(size=(480, 4))
    rows = labelled(x, [f"k{each}" for each in label])
    return [*"abcd", "kind"], rows, "kind", "classification"


def class_missing_in_test() -> Rows:
    """Two rows of three hundred are of a third class: the test part has none of it, or all."""
    draw = np.random.default_rng(6)
    x = draw.normal(size=(300, 3))
    labels = ["left" if each < 0 else "right" for each in x[:, 0]]
    labels[:2] = ["neither", "neither"]
    return [*"abc", "side"], labelled(x, labels), "side", "classification"


def million() -> Rows:
    draw = np.random.default_rng(7)
    x = draw.normal(size=(1_000_000, 9)).round(3)
    y = (x @ np.arange(1, 10) + 5 * np.abs(x[:, 0]) + draw.normal(size=len(x))).round(3)
    rows = np.column_stack([x, y]).tolist()
    return [*(f"x{i}" for i in range(9)), "y"], rows, "y", "regression"


TABLES: dict[str, Callable[[], Rows]] = {
    "iris": bundled("load_iris"),
    "wine": bundled("load_wine"),
    "breast cancer": bundled("load_breast_cancer"),
    "diabetes": bundled("load_diabetes"),
    "churn": churn,
    "energy": energy,
    "imbalanced": imbalanced,
    "constant columns": constant_columns,
    "nonlinear": nonlinear,
    "many classes": many_classes,
    "class missing in test": class_missing_in_test,
    "million rows": million,
}
LARGE = {"epochs": 2, "batch_size": 2048}  # what is fitting for a million rows


def linear_error(names: list[str], rows: list[list[Any]], target: str, task: str) -> float:
    """The test error of the usual pipeline with a linear model; of a regression, in the unit."""
    import pandas as pd
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame(rows, columns=names).drop(columns=["customer"], errors="ignore")
    for name in frame.columns:
        text = frame[name].astype(str).str.replace(",", ".").replace("", "nan")
        number = pd.to_numeric(text, errors="coerce")
        if name != target and number.notna().mean() > 0.8:
            frame[name] = number
    if "day" in frame:
        frame["day"] = pd.to_datetime(frame["day"]).astype("int64")
    y = frame.pop(target)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepare = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude=np.number)),
    )
    if task == "regression":
        y = pd.to_numeric(y.astype(str).str.replace(",", "."))
    kind = LinearRegression() if task == "regression" else LogisticRegression(max_iter=1000)
    stratify = y if task == "classification" else None
    errors = []
    for seed in range(5):
        xs, xt, ys, yt = train_test_split(
            frame, y, test_size=0.2, random_state=seed, stratify=stratify
        )
        found = make_pipeline(prepare, kind).fit(xs, ys).predict(xt)
        errors.append(
            float(np.sqrt(np.mean((found - yt) ** 2)))
            if task == "regression"
            else float(np.mean(found != yt))
        )
    return float(np.median(errors))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_becomes_predictions(name: str, minidl: Minidl, tmp_path: Path) -> None:
    names, rows, target, task = TABLES[name]()
    comma = any("," in str(cell) for row in rows for cell in row)
    for file, columns, some in (("table.csv", names, rows), ("new.csv", names[:-1], rows[:7])):
        with (tmp_path / file).open("w", newline="") as stream:
            writer = csv.writer(stream, delimiter=";" if comma else ",")
            writer.writerows([columns, *(row[: len(columns)] for row in some)])
    drop = '["customer"]' if "customer" in names else "[]"
    sizes = LARGE if len(rows) > 10_000 else {"epochs": 60, "batch_size": 16}
    (tmp_path / "table.toml").write_text(
        f"""
epochs = {sizes["epochs"]}
batch_size = {sizes["batch_size"]}
restarts = {1 if sizes is LARGE else 2}
loss = "MSELoss"
schedule = "linear"
model = [
  {{ Linear = {{ in_features = "features", out_features = 24 }} }},
  "Tanh",
  {{ Linear = {{ in_features = 24, out_features = "outputs" }} }},
]
data = {{ name = "csv", path = "table.csv", target = "{target}", task = "{task}", drop = {drop} }}
optimizer = {{ name = "SGD", lr = 0.05, momentum = 0.9 }}
""",
        encoding="utf-8",
    )
    done = minidl("run", "table.toml", "--no-figures", "--output", "run")
    assert done.status == 0, done.err
    answers = minidl("predict", "run", "new.csv")
    assert answers.status == 0, answers.err
    lines = answers.out.splitlines()
    found = list(csv.DictReader(lines, delimiter=";" if ";" in lines[0] else ","))
    assert len(found) == 7
    assert all(row[target] for row in found)
    if task == "classification":
        assert {row[target] for row in found} <= {str(row[-1]) for row in rows}

    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    error = result["final"]["test_error"]
    if task == "regression":
        error = result["final_in_units"]["test_error"]
    theirs = linear_error(names, rows, target, task)
    margin = LEAST[task] * (theirs if task == "regression" else 1.0)
    said = any("linear model" in warning for warning in result["warnings"])
    assert error <= theirs + margin or said, (error, theirs, result["warnings"])

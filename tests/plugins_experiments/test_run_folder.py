"""What a run leaves: results, weights that torch loads, and a folder that is never overwritten."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import minidl_plugins_basic as basic
from minidl_core import Parameter, Sequential, resolve_engine
from minidl_plugins_experiments import load_run
from minidl_plugins_experiments.data.datasets.disk import disk


def result_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=refuse)


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def torch_twin():
    linear = torch.nn.Linear
    return torch.nn.Sequential(
        torch.nn.Sequential(
            linear(2, 25), torch.nn.ReLU(), linear(25, 25, bias=False), torch.nn.ReLU()
        ),
        torch.nn.Sequential(
            linear(25, 25, bias=False), torch.nn.ReLU(), linear(25, 2), torch.nn.ReLU()
        ),
    )


def test_torchs_own_network_loads_the_weights_and_errs_as_told(minidl, tmp_path):
    arguments = ["--set", "epochs=5", "--set", "restarts=3", "--output", "run", "--no-figures"]
    assert minidl("run", "disk", *arguments).status == 0
    twin = torch_twin()
    twin.load_state_dict(load_file(tmp_path / "run/weights.safetensors"))
    result = result_of(tmp_path / "run")
    from minidl_plugins_experiments.data.datasets.disk import disk

    data = disk(generator=torch.Generator().manual_seed(3), dtype=torch.float32)
    wrong = twin(data.test.x).argmax(1) != data.test.y.argmax(1)
    assert wrong.float().mean().item() == pytest.approx(result["final"]["test_error"], abs=2e-3)


def test_our_network_takes_torchs_weights(tmp_path):
    twin = torch_twin()
    save_file(twin.state_dict(), tmp_path / "twin.safetensors")
    ours = Sequential(
        Sequential(basic.Linear(2, 25), basic.ReLU(), basic.Linear(25, 25, False), basic.ReLU()),
        Sequential(basic.Linear(25, 25, False), basic.ReLU(), basic.Linear(25, 2), basic.ReLU()),
    )
    loaded = load_file(tmp_path / "twin.safetensors")
    named: dict[str, Parameter] = dict(ours.named_param())
    assert sorted(named) == sorted(loaded)
    for name, parameter in named.items():
        parameter.value.copy_(loaded[name])
    x = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours.forward(x), twin(x))


def test_the_result_says_what_was_run_and_what_came_of_it(minidl, write, tmp_path):
    assert minidl("run", write(restarts="2"), "--output", "run", "--set", "epochs=4").status == 0
    result = result_of(tmp_path / "run")
    assert result["schema"] == 2
    assert result["engine"] == resolve_engine()[0]
    assert result["status"] == "finished"
    assert result["configuration"] == {
        "data": {"name": "disk", "points": 60},
        "model": [{"Linear": [2, 4]}, "Tanh", {"Linear": [4, 2]}],
        "loss": {"name": "MSELoss"},
        "optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.9},
        "schedule": {"name": "constant"},
        "epochs": 4,
        "batch_size": 20,
        "seed": 3,
        "restarts": 2,
        "select_on": "train_loss",
        "device": "cpu",
        "dtype": "float32",
        "baseline": True,
    }
    assert result["seeds"]["seed"] == 3
    assert {c["key"]: f"{c['distribution']}/{c['name']}" for c in result["components"]} == {
        "loss": "minidl-plugins-basic/MSELoss",
        "data": "minidl-plugins-experiments/disk",
        "model[0].Linear": "minidl-plugins-basic/Linear",
        "model[1]": "minidl-plugins-basic/Tanh",
        "model[2].Linear": "minidl-plugins-basic/Linear",
        "optimizer": "minidl-plugins-basic/SGD",
    }
    assert {"minidl-core", "minidl-plugins-basic", "torch"} <= result["distributions"].keys()
    assert result["data"]["rows"] == {"train": 60, "test": 60}
    assert [epoch["epoch"] for epoch in result["epochs"]] == [1, 2, 3, 4]
    for epoch in result["epochs"]:
        for name in ("train_loss", "train_error", "test_loss", "test_error"):
            assert len(epoch[name]) == 2
        norms = epoch["gradient_norms"]
        assert list(norms) == ["0.weight", "0.bias", "2.weight", "2.bias"]
        assert all(len(values) == 2 and min(values) > 0 for values in norms.values())
    restarts = result["restarts"]
    assert (restarts["count"], restarts["stacked"], restarts["reason"]) == (2, True, None)
    last = result["epochs"][-1]
    assert last["train_loss"][restarts["selected"]] == min(last["train_loss"])
    assert result["final"]["test_error"] == last["test_error"][restarts["selected"]]
    assert result["timing"]["training_seconds"] > 0
    assert result["machine"]["device"] == "cpu"
    for name in result["figures"]:
        assert (tmp_path / "run" / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "figures/curves.png" in result["figures"]


def test_a_fresh_folder_each_time_and_none_overwritten(minidl, write, tmp_path):
    for _ in range(2):
        assert minidl("run", write(), "--no-figures", "--quiet").status == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["small-1", "small-2"]
    before = (tmp_path / "runs/small-1/result.json").read_bytes()
    done = minidl("run", write(), "--output", "runs/small-1")
    assert done.status == 2
    assert "a run never overwrites; resume it: minidl run --resume runs/small-1; or" in done.err
    assert (tmp_path / "runs/small-1/result.json").read_bytes() == before


def test_quiet_prints_the_folder_alone(minidl, write):
    done = minidl("run", write(), "--no-figures", "--quiet", "--output", "some/where")
    assert done == (0, "some/where\n", "")


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(minidl, write, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        arguments = ["--no-figures", "--output", name, "--set", f"seed={seed}"]
        assert minidl("run", write(), *arguments).status == 0
    a, b, c = ((tmp_path / name / "weights.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    assert result_of(tmp_path / "a")["epochs"] == result_of(tmp_path / "b")["epochs"]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_another_dtype_is_that_of_data_and_weights(minidl, write, tmp_path, dtype):
    path = write(dtype=f'"{dtype}"', restarts="2")
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    weights = load_file(tmp_path / "run/weights.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {getattr(torch, dtype)}
    assert result_of(tmp_path / "run")["restarts"]["stacked"] is True


def test_a_table_of_the_users_own_is_found_beside_the_file(minidl, write, tmp_path, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(40, 2, generator=generator)
    rows = [f"{a:.4f},{b:.4f},{'up' if a > b else 'down'}" for a, b in x.tolist()]
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/table.csv").write_text("\n".join(["a,b,way", *rows]) + "\n")
    data = '{ name = "csv", path = "table.csv", target = "way", validation = 0.25 }'
    path = write("inner/table.toml", data=data, batch_size="10", select_on='"validation_loss"')
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    result = result_of(tmp_path / "run")
    assert result["data"]["rows"]["validation"] > 0
    assert result["configuration"]["data"]["path"] == str(tmp_path / "inner/table.csv")
    assert result["restarts"]["by"] == "validation_loss"
    assert result["final"]["validation_error"] is not None


def test_a_run_whose_every_start_diverges_fails_and_says_so(minidl, write, tmp_path):
    path = write(optimizer='{ name = "SGD", lr = 1e30 }', epochs="50")
    done = minidl("run", path, "--output", "run", "--no-figures")
    assert done.status == 1
    assert "lower the learning rate" in done.err
    assert "Traceback" not in done.err
    result = result_of(tmp_path / "run")
    assert result["status"] == "failed"
    assert result["error"].startswith("NonFiniteError: ")


def test_targets_too_large_to_be_squared_leave_a_result_all_the_same(
    minidl, write, tmp_path, monkeypatch
):
    from minidl_plugins_experiments.data.datasets.disk import disk

    def huge(*, generator, dtype, points=60):
        data = disk(generator=generator, dtype=dtype, points=points)
        train = data.train._replace(y=1e200 * data.train.y)
        return data._replace(train=train, task="regression")

    monkeypatch.setattr("minidl_plugins_experiments.data.datasets.disk.disk", huge)
    done = minidl("run", write(dtype='"float64"'), "--output", "run", "--no-figures")
    assert done.status == 1
    assert "Traceback" not in done.err
    result = result_of(tmp_path / "run")
    assert result["error"].startswith("NonFiniteError: ")
    assert result["restarts"]["dead_above"] is None


def test_the_test_set_has_no_say_in_the_choice(minidl, write, tmp_path, monkeypatch):
    """Spoil the targets of the test set: the same start is kept."""
    from minidl_plugins_experiments.data.datasets.disk import disk

    def spoilt(*, generator, dtype, points=60):
        data = disk(generator=generator, dtype=dtype, points=points)
        return data._replace(test=data.test._replace(y=1 - data.test.y))

    path = write(restarts="6", epochs="6")
    assert minidl("run", path, "--no-figures", "--output", "right").status == 0
    monkeypatch.setattr("minidl_plugins_experiments.data.datasets.disk.disk", spoilt)
    assert minidl("run", path, "--no-figures", "--output", "spoilt").status == 0
    right, wrong = result_of(tmp_path / "right"), result_of(tmp_path / "spoilt")
    assert right["restarts"]["selected"] == wrong["restarts"]["selected"]
    assert right["final"]["test_error"] != wrong["final"]["test_error"]
    weights = [
        (tmp_path / name / "weights.safetensors").read_bytes() for name in ("right", "spoilt")
    ]
    assert weights[0] == weights[1]


def test_saved_running_statistics_give_the_errors_of_the_run(minidl, write, tmp_path):
    model = '[{ Linear = [2, 8] }, { BatchNorm1d = [8] }, "Tanh", { Linear = [8, 2] }]'
    path = write(model=model, epochs="8")
    assert minidl("run", path, "--no-figures", "--output", "run").status == 0
    result, loaded = result_of(tmp_path / "run"), load_run(tmp_path / "run")
    generator = torch.Generator().manual_seed(3)
    data = disk(generator=generator, dtype=torch.float32, points=60)
    wrong = loaded.model.forward(data.test.x).argmax(1) != data.test.y.argmax(1)
    assert wrong.float().mean().item() == pytest.approx(result["final"]["test_error"])
    twin = torch.nn.Sequential(
        torch.nn.Linear(2, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Linear(8, 2)
    )
    saved = load_file(tmp_path / "run/weights.safetensors")
    twin.load_state_dict({**twin.state_dict(), **saved})
    torch.testing.assert_close(twin.eval()(data.test.x), loaded.model.forward(data.test.x))


def test_a_large_model_is_announced(minidl, write):
    layers = ", ".join(['"Tanh"'] * 1000)
    path = write(model=f"[{{ Linear = [2, 2] }}, {layers}]")
    done = minidl("run", path, "--dry-run")
    assert done.status == 0
    assert "building and checking a model of 1,002 modules" in done.err

"""``minidl doctor`` compares an editable install with its project, and knows what was renamed."""

from __future__ import annotations

import json

import pytest

SOURCE = """
from minidl_core import lazy_names
import json as other

class Base:
    training = True
    def forward(self, *inputs): return inputs
    def backward(self, *grads): return grads
    def param(self): return []
    def info(self): ...
    def train(self): ...
    def eval(self): ...
class Swish(Base): ...
class Softplus(Base): ...
"""
SWISH = {"minidl.modules": {"Swish": "acme_layers.layers:Swish"}}
SOFTPLUS = {"minidl.modules": {"Softplus": "acme_layers.layers:Softplus"}}
BOTH = {"minidl.modules": {**SWISH["minidl.modules"], **SOFTPLUS["minidl.modules"]}}


def problems(minidl, expect=1):
    found = json.loads(minidl("doctor", "--json", expect=expect).stdout)
    return [(problem["subject"], problem["cause"], problem["cure"]) for problem in found]


def declare(folder, name, points, **fields):
    """Write the ``pyproject.toml`` of a project."""
    folder.mkdir(exist_ok=True, parents=True)
    lines = ["[project]", f'name = "{name}"', *(f"{key} = {v}" for key, v in fields.items())]
    for group, names in points.items():
        lines += [f'[project.entry-points."{group}"]', *(f'{n} = "{v}"' for n, v in names.items())]
    (folder / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def editable(site, tmp_path):
    """Install a distribution as ``pip install -e`` does, from the folder that is returned."""

    def install(name, points, project=tmp_path / "my project", modules=True):
        sources = {"acme_layers.layers": SOURCE} if modules else None
        info = site.install(name, points, sources)
        origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
        return project

    return install


def test_an_install_that_agrees_is_well(minidl, editable):
    spaced = {"minidl.modules": {"Swish": "acme_layers.layers : Swish"}}
    declare(editable("acme-layers", SWISH), "Acme_Layers", {**spaced, "console": {"a": "b:c"}})
    assert problems(minidl, expect=0) == []


def test_an_added_entry_point_is_told(minidl, editable):
    project = editable("acme-layers", SWISH)
    declare(project, "acme-layers", BOTH)
    assert problems(minidl) == [
        (
            "acme-layers",
            (
                "you added Softplus (minidl.modules) to the entry points of acme-layers and did "
                "not reinstall"
            ),
            f"run: pip install -e '{project}'",
        )
    ]


def test_a_first_entry_point_is_told(minidl, editable):
    declare(editable("acme-layers", {}), "acme-layers", {"minidl": {"log": "acme_layers.log"}})
    ((_, cause, _),) = problems(minidl)
    assert cause.startswith("you added log (minidl) to the entry points of acme-layers and did")


def test_a_removed_entry_point_is_told(minidl, editable):
    declare(editable("acme-layers", BOTH), "acme-layers", SWISH)
    ((_, cause, _),) = problems(minidl)
    assert cause.startswith("you removed Softplus (minidl.modules) from the entry points of acme")


def test_a_changed_entry_point_is_told(minidl, editable):
    points = {"minidl.modules": {"Swish": "acme_layers.layers:Softplus"}}
    declare(editable("acme-layers", SWISH), "acme-layers", points)
    ((_, cause, _),) = problems(minidl)
    assert cause == (
        "you changed Swish (minidl.modules) in the entry points of acme-layers from "
        "acme_layers.layers:Swish to acme_layers.layers:Softplus and did not reinstall"
    )


def test_a_renamed_project_is_told(minidl, editable):
    project = editable("acme-layers", SWISH)
    declare(project, "acme-nets", BOTH)
    assert problems(minidl) == [
        (
            "acme-layers",
            f"you renamed it to acme-nets in {project / 'pyproject.toml'} and did not reinstall",
            f"run: pip uninstall acme-layers; then: pip install -e '{project}'",
        )
    ]


def test_a_former_name_is_no_stranger(minidl, editable):
    project = editable("acme-layers", SWISH)
    editable("acme-nets", SWISH, modules=False)
    declare(project, "acme-nets", SWISH)
    assert problems(minidl) == [
        (
            "acme-layers",
            (
                f"is the former name of acme-nets: both are installed from {project}, so each of "
                "its components is there twice"
            ),
            "run: pip uninstall acme-layers",
        )
    ]


def test_a_stranger_with_the_same_component_is_ambiguous(minidl, editable, tmp_path):
    declare(editable("acme-layers", SWISH), "acme-layers", SWISH)
    declare(editable("zeta", SWISH, tmp_path / "zeta", modules=False), "zeta", SWISH)
    ((subject, cause, _),) = problems(minidl)
    assert subject == "Swish"
    assert "is claimed by acme-layers 1.0" in cause


def test_a_project_that_is_gone_is_told(minidl, editable):
    project = editable("acme-layers", SWISH)
    ((subject, cause, cure),) = problems(minidl)
    assert (subject, cause) == (
        "acme-layers",
        f"is installed from {project}, which is not there any more",
    )
    assert "pip uninstall acme-layers" in cure


def test_a_broken_pyproject_is_told(minidl, editable):
    project = editable("acme-layers", SWISH)
    declare(project, "acme-layers", SWISH)
    (project / "pyproject.toml").write_text("[project")
    ((subject, cause, _),) = problems(minidl)
    assert subject == "acme-layers"
    assert cause.startswith(f"{project / 'pyproject.toml'} cannot be read: ")


@pytest.mark.parametrize("fields", [{"dynamic": '["entry-points"]'}, {"dynamic": "3"}])
def test_what_cannot_be_compared_is_left_alone(minidl, editable, fields):
    points = BOTH if fields["dynamic"].startswith("[") else SWISH
    declare(editable("acme-layers", SWISH), "acme-layers", points, **fields)
    assert problems(minidl, expect=0) == []


@pytest.mark.parametrize("origin", ["{", "[]", '{"url": "https://a.b/c.whl"}', '{"dir_info": 1}'])
def test_other_installs_are_not_compared(minidl, editable, site, origin):
    declare(editable("acme-layers", SWISH), "acme-layers", BOTH)
    (site.folder / "acme_layers-1.0.dist-info" / "direct_url.json").write_text(origin)
    assert problems(minidl, expect=0) == []


def test_a_disabled_install_is_not_compared(minidl, editable):
    declare(editable("acme-layers", SWISH), "acme-layers", BOTH)
    done = minidl("doctor", MINIDL_DISABLE="acme-layers")
    assert "Everything is well" in done.stdout


# -- renamed classes and modules ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "acme_layers.layers:Swsh",
            ('acme_layers.layers can be imported, but has no Swsh. Did you mean "Swish"?'),
        ),
        ("acme_layers.layers:Qqq", "but has no Qqq. It has: Base, Softplus, Swish."),
        (
            "acme_layers.layers:Swish.Inner",
            ("acme_layers.layers.Swish can be imported, but has no Inner."),
        ),
        (
            "acme_layers.layer:Swish",
            ('acme_layers can be imported, but has no layer. Did you mean "layers"?'),
        ),
    ],
)
def test_a_name_that_is_gone_is_told(minidl, site, value, expected):
    site.install("acme", {"minidl.modules": {"Swish": value}}, {"acme_layers.layers": SOURCE})
    ((subject, cause, cure),) = problems(minidl)
    assert subject == "acme/Swish"
    assert cause.startswith(f"its entry point names {value}, and ")
    assert expected in cause
    assert "correct the entry point of Swish in the pyproject.toml of acme" in cure


@pytest.mark.parametrize(
    "source",
    [
        "raise AttributeError('Swish')",
        "None.nothing",
        "def __dir__(): return ['Swish']\ndef __getattr__(name): raise AttributeError(name)",
    ],
)
def test_a_broken_module_is_not_called_renamed(minidl, site, source):
    points = {"minidl.modules": {"Swish": "acme_m.x:Swish"}}
    site.install("acme", points, {"acme_m.x": source})
    ((_, cause, _),) = problems(minidl)
    assert "can be imported" not in cause
    assert "AttributeError" in cause

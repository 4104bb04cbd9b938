"""``minidl new``: all of a package or nothing of it, under a name that works."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from minidl_core import MinidlError, Registry
from minidl_plugins_devkit.commands.new import command
from minidl_plugins_devkit.template.kind import KINDS

FILES = [
    ".github/workflows/test.yml",
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/acme_layers/__init__.py",
    "src/acme_layers/prelu.py",
    "src/acme_layers/py.typed",
    "tests/test_conformance.py",
    "tox.ini",
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def new(path, *options, expect=0, registry=None):
    """What ``minidl new`` prints."""
    done = CliRunner().invoke(command, [str(path), *options], obj=registry or Registry([]))
    assert done.exit_code == expect, done.output
    if isinstance(done.exception, MinidlError):  # which the minidl command prints
        return f"Error: {done.exception}"
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def everything_under(folder):
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*"))


def files_under(folder):
    return [name for name in everything_under(folder) if (Path(folder) / name).is_file()]


# -- what it writes ----------------------------------------------------------------------------


def test_writes_a_package_and_the_next_steps():
    out = new("acme-layers")
    assert files_under("acme-layers") == FILES
    assert [line for line in out.splitlines() if line.startswith("wrote ")] == [
        f"wrote acme-layers{os.sep}{Path(name)}" for name in FILES
    ]
    assert "pip install -e acme-layers\n  minidl check acme-layers" in out
    assert f"start in {Path('acme-layers/src/acme_layers/prelu.py')}" in out


def test_every_file_is_complete():
    new("acme-layers")
    for name in FILES:
        text = Path("acme-layers", name).read_text(encoding="utf-8")
        assert "$" not in text.replace("${{ matrix.python }}", "")
        assert text.endswith("\n") or name.endswith("py.typed")
        if name.endswith(".py"):
            ast.parse(text)


def test_entry_points_name_existing_classes():
    new("acme-layers")
    points = Path("acme-layers/pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points."minidl.modules"]\nPReLU = "acme_layers.prelu:PReLU"' in points
    source = Path("acme-layers/src/acme_layers/prelu.py").read_text(encoding="utf-8")
    classes = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert classes == ["PReLU"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_whole_package(kind):
    out = new("acme-layers", "--kind", kind)
    about = KINDS[kind]
    source = Path("acme-layers/src/acme_layers", f"{about.module}.py")
    assert f"Then start in {source}" in out
    shared = {name for name in FILES if "prelu" not in name and not name.startswith("tests/")}
    rest = set(files_under("acme-layers")) - shared
    tests = {name for name in rest if name.startswith("tests/test_") and name.endswith(".py")}
    assert rest - tests == {source.relative_to("acme-layers").as_posix()}
    assert len(tests) == 1
    pyproject = Path("acme-layers/pyproject.toml").read_text(encoding="utf-8")
    value = f"acme_layers.{about.module}:{about.attribute}"
    assert f'[project.entry-points."{about.group}"]\n{about.name} = "{value}"\n' in pyproject
    assert all(f'    "{needed}",\n' in pyproject for needed in about.dependencies)
    assert about.description in Path("acme-layers/README.md").read_text(encoding="utf-8")


def test_a_kind_that_is_not_there_is_refused():
    out = new("acme-layers", "--kind", "layer", expect=2)
    assert "'layer' is not one of 'module', 'loss', 'optimizer', 'dataset'" in out
    assert everything_under(".") == []


def beside(folder, kind, name):
    """A registry that sees one distribution, acme-other, which has one component."""
    info = folder / "acme_other-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-other\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[minidl.{kind}s]\n{name} = acme_other.x:X\n")
    return Registry([str(folder)])


def test_the_name_of_an_installed_distribution_is_refused(tmp_path_factory):
    registry = beside(tmp_path_factory.mktemp("site"), "module", "PReLU")
    out = new("Acme_Other", expect=1, registry=registry)
    assert "acme-other 0.1.0 is installed already; choose another last part" in out
    assert everything_under(".") == []


@pytest.mark.parametrize(("kind", "installed"), [("module", "PReLU"), ("command", "census")])
def test_a_component_of_the_same_name_is_told(kind, installed, tmp_path_factory):
    registry = beside(tmp_path_factory.mktemp("site"), kind, installed)
    out = new("acme-layers", "--kind", kind, registry=registry)
    assert out.splitlines()[-1] == (
        f"Note: acme-other 0.1.0 has a {installed} too. Rename yours, or write "
        f'"acme-layers/{installed}"'
    )


@pytest.mark.parametrize("given", ["acme-layers", "Acme_Layers", "ACME.layers", "acme--layers"])
def test_any_spelling_gives_the_canonical_name(given):
    new(given)
    assert files_under(given) == FILES
    pyproject = Path(given, "pyproject.toml").read_text(encoding="utf-8")
    assert '\nname = "acme-layers"\n' in pyproject


def test_parent_folders_are_made():
    new(Path("some", "where", "acme-layers"))
    assert files_under("some/where/acme-layers") == FILES


def test_other_files_in_the_folder_are_kept():
    Path("acme-layers").mkdir()
    Path("acme-layers/LICENSE").write_text("mine")
    new("acme-layers")
    assert files_under("acme-layers") == sorted([*FILES, "LICENSE"])
    assert Path("acme-layers/LICENSE").read_text() == "mine"


def test_writes_into_the_current_folder(monkeypatch):
    Path("acme-layers").mkdir()
    monkeypatch.chdir("acme-layers")
    new(".")
    assert files_under(".") == FILES


# -- what it refuses, and then nothing is written ----------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_existing_files_are_never_overwritten(name):
    file = Path("acme-layers", name)
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    before = everything_under(".")
    out = new("acme-layers", expect=1)
    assert f"Error: nothing was written: {file} would be overwritten; give a path" in out
    assert everything_under(".") == before
    assert file.read_text() == "mine"


def test_links_are_not_followed():
    Path("acme-layers").mkdir()
    Path("acme-layers/tox.ini").symlink_to("elsewhere")
    out = new("acme-layers", expect=1)
    assert "tox.ini would be overwritten" in out
    assert everything_under(".") == ["acme-layers", "acme-layers/tox.ini"]


@pytest.mark.parametrize("name", ["größe", "a b", "a$b", "a;b", "π", "a\tb", "---"])
def test_names_that_pip_refuses_are_refused(name):
    out = new(Path("sub", name), expect=1)
    assert "the name of a distribution is made of letters, digits and -" in out
    assert "minidl new ../acme-layers" in out
    assert everything_under(".") == []


@pytest.mark.parametrize("name", ["3d-nets", "class", "lambda", "7"])
def test_names_that_python_cannot_import_are_refused(name):
    out = new(name, expect=1)
    assert f"would be imported as {name.replace('-', '_')}, which is no Python name" in out
    assert everything_under(".") == []


@pytest.mark.parametrize("name", ["json", "pluggy", "minidl-core", "Minidl_Core"])
def test_names_of_installed_modules_are_refused(name):
    assert "which is taken by an installed module; choose another" in new(name, expect=1)
    assert everything_under(".") == []


def test_a_path_to_a_file_is_refused():
    Path("acme-layers").write_text("mine")
    assert "is a file" in new("acme-layers", expect=2)
    assert Path("acme-layers").read_text() == "mine"


def test_a_path_below_a_file_is_refused():
    Path("file").write_text("mine")
    out = new("file/acme-layers", expect=1)
    assert "nothing was written: Not a directory" in out
    assert "give a path in a folder that can be written to" in out
    assert everything_under(".") == ["file"]


# -- what goes wrong in the middle -------------------------------------------------------------


@pytest.mark.parametrize("after", range(len(FILES)))
def test_a_full_disk_leaves_nothing_behind(after, monkeypatch):
    Path("keep").mkdir()
    write, count = Path.open, iter(range(len(FILES)))

    def full(file, mode="r", **kwargs):
        if mode == "x" and next(count) == after:
            write(file, mode).close()  # the name was still written, the content is not
            file.unlink()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        return write(file, mode, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    out = new("sub/acme-layers", expect=1)
    assert f"nothing was written: {os.strerror(errno.ENOSPC)} (" in out
    assert everything_under(".") == ["keep"]


def test_a_disk_full_on_close_leaves_nothing_behind(monkeypatch):
    write = Path.open

    class Full:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self.stream

        def __exit__(self, *_):
            self.stream.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(file, mode="r", **kwargs):
        stream = write(file, mode, **kwargs)
        return Full(stream) if mode == "x" else stream

    monkeypatch.setattr(Path, "open", full)
    assert f"({Path('acme-layers', FILES[0])})" in new("acme-layers", expect=1)
    assert everything_under(".") == []


def test_a_full_disk_keeps_what_was_there(monkeypatch):
    Path("acme-layers/src").mkdir(parents=True)
    Path("acme-layers/LICENSE").write_text("mine")
    before = everything_under(".")
    write = Path.open

    def full(file, mode="r", **kwargs):
        if file.name == "prelu.py":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        return write(file, mode, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    new("acme-layers", expect=1)
    assert everything_under(".") == before


@pytest.mark.parametrize("method", ["exists", "mkdir"])
def test_a_folder_without_access_is_refused(method, monkeypatch):
    real = getattr(Path, method)

    def refuse(path, *args, **kwargs):
        if "acme-layers" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(Path, method, refuse)
    out = new("sub/acme-layers", expect=1)
    assert f"nothing was written: {os.strerror(errno.EACCES)} (" in out
    assert everything_under(".") == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_read_only_folder_is_refused():
    Path("locked").mkdir(mode=0o500)
    assert "nothing was written: Permission denied" in new("locked/acme-layers", expect=1)
    assert everything_under("locked") == []


def test_an_interruption_leaves_nothing_behind(monkeypatch):
    write = Path.open

    def interrupted(file, mode="r", **kwargs):
        if file.name == "tox.ini":
            raise KeyboardInterrupt
        return write(file, mode, **kwargs)

    monkeypatch.setattr(Path, "open", interrupted)
    new("acme-layers", expect=1)
    assert everything_under(".") == []


def test_no_tensor_library_is_imported():
    program = (
        "import sys\nfrom minidl_core.command import main\ntry:\n    main(['new', 'acme-layers'])\n"
        "except SystemExit as exit:\n    assert exit.code == 0\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, capture_output=True)

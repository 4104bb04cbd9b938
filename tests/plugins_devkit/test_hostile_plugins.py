"""Plugins whose code does what it should not: each is named, and costs nobody else anything.

All of them are installed side by side, so that each command meets all of them at once.
"""

from __future__ import annotations

import json

import pytest

from minidl_core import Registry

from ..core.conftest import Site, minidl_beside  # noqa: TID252

RAISED = {
    "an error": "OSError('boom')",
    "SystemExit": "SystemExit(0)",
    "an interrupt": "type('Halt', (KeyboardInterrupt,), {})('boom')",
    "BaseException": "BaseException('boom')",
    "GeneratorExit": "GeneratorExit('boom')",
    "recursion": "RecursionError('boom')",
    "no memory": "MemoryError('boom')",
    "a text that raises": "type('Mute', (Exception,), {'__str__': lambda s: 1 / 0})()",
    "a text that exits": "type('Mute', (Exception,), {'__str__': lambda s: exit(3)})()",
    "many lines": r"OSError('one\ntwo\x1b[31m')",
}
# What is done when a class is made, looked at or shown.
CLASS = """
{prelude}
def fail(*args, **kwargs):
    raise {error}
class Meta(type):
    {meta}
class Thing(metaclass=Meta):
    training = True
    {body}
    def forward(self, *inputs): return inputs
    def backward(self, *grads): return grads
    def param(self): return []
    def info(self): ...
    def train(self): ...
    def eval(self): ...
"""
OBJECT = """
def fail(*args, **kwargs):
    raise {error}
class Odd:
    {body}
Thing = Odd()
"""
COMMAND = """
import click
def fail(*args, **kwargs):
    raise {error}
class Odd(click.Command):
    {body}
Thing = Odd("thing")
"""
EXIT = "SystemExit(0)"
IMPORT = "importing it "


def _table():
    """Name, group, source, and words of the one problem, or None if there is none."""
    for what, error in RAISED.items():
        for group in ("modules", "commands"):
            yield f"{what} in {group}", group, f"raise {error}", "cannot be imported"
    for group in ("losses", "kinds", "hookspecs", "engines"):
        yield f"exits in {group}", group, "raise SystemExit('boom')", "SystemExit: boom"
    for group in ("modules", "kinds", "optimizers", ""):
        yield f"leaves in {group}", group, "import os; os._exit(3)", f"{IMPORT}ended the process"
    kill = "import os, signal; os.kill(os.getpid(), signal.{})"
    for signal in ("SIGKILL", "SIGSEGV", "SIGTERM", "SIGABRT"):
        yield signal, "modules", kill.format(signal), f"{IMPORT}ended the process by {signal}"
    endless = "import time\nwhile True: time.sleep(1)"
    yield "sleeps", "modules", endless, f"{IMPORT}did not end within 3 seconds"
    yield "loops in a hook", "", "while True: pass", f"{IMPORT}did not end within 3 seconds"
    waits = "import threading\nthreading.Event().wait()"
    yield "waits", "losses", waits, f"{IMPORT}did not end within 3 seconds"
    yield "lingers", "modules", _linger(), None
    yield "says later", "modules", _later(), None
    yield "closes stdout", "modules", f"import os; os.close(1)\n{_class()}", None
    yield "no stdout", "modules", f"import sys; sys.stdout = None\n{_class()}", None
    yield "shell", "modules", f"import os; os.system('echo shell')\n{_class()}", None
    yield "log", "modules", f"import logging, sys\n{_logging()}\n{_class()}", None
    yield "atexit", "modules", f"import atexit; atexit.register(print, 'bye')\n{_class()}", None
    yield "signals", "modules", f"import signal; signal.alarm(1)\n{_class()}", None
    yield "forks", "modules", f"import os\nif not os.fork(): os._exit(0)\n{_class()}", None
    yield "recursion limit", "modules", "def f(): f()\nf()", "RecursionError"
    yield "syntax", "modules", "class Thing(:", "SyntaxError"
    yield "null", "modules", "\0", "cannot be imported"
    yield "half", "modules", "import {name}", "cannot be imported"
    yield "module attribute", "modules", "def __getattr__(name): exit(3)", "SystemExit"
    yield "lacks", "modules", "class Thing: ...", "it lacks "
    yield "number", "modules", "Thing = 3", "must be a class, got int"
    yield "doc", "modules", _class(body="__doc__ = property(fail)"), None
    for error in (EXIT, "OSError('boom')"):
        short = error.partition("(")[0]
        for name in ("__hash__", "__eq__", "__repr__", "__str__", "__dir__", "__bool__"):
            yield (
                f"meta {name} {short}",
                "modules",
                _class(meta=f"{name} = fail", error=error),
                None,
            )
        for name in ("__getattribute__", "__getattr__"):
            meta = _class(meta=f"{name} = fail", error=error)
            yield f"meta {name} {short}", "modules", meta, short
        for name in ("__hash__", "__class__", "__getattr__", "__repr__"):
            body = f"{name} = property(fail)" if name == "__class__" else f"{name} = fail"
            odd = OBJECT.format(body=body, error=error)
            yield f"object {name} {short}", "commands", odd, "must be something that can be called"
            yield f"no class {name} {short}", "modules", odd, "must be a class"
        for name in ("__hash__", "__eq__", "__dir__", "__getattribute__", "__class__"):
            body = f"{name} = property(fail)" if name == "__class__" else f"{name} = fail"
            registered = OBJECT.format(body=body, error=error)
            yield f"hook {name} {short}", "", registered, "cannot be registered"
        for name in ("__repr__", "__str__", "__bool__"):
            yield (
                f"hook {name} {short}",
                "",
                OBJECT.format(body=f"{name} = fail", error=error),
                None,
            )
        for name in ("get_short_help_str", "get_help", "get_params", "__getattribute__"):
            odd = COMMAND.format(body=f"{name} = fail", error=error)
            yield f"command {name} {short}", "commands", odd, short
    for answer in ("None", "3", "[]"):
        odd = COMMAND.format(body=f"get_short_help_str = lambda *a: {answer}", error=EXIT)
        yield f"help is {answer}", "commands", odd, None


def _class(meta="pass", body="pass", error=EXIT, prelude=""):
    return CLASS.format(meta=meta, body=body, error=error, prelude=prelude)


def _linger():
    return f"import subprocess\nkept = subprocess.Popen(['sleep', '9'])\n{_class()}"


def _later():
    late = "import threading\nthreading.Timer(0.01, print, ['{later']).start()"
    return f"{late}\n{_class()}"


def _logging():
    return "logging.basicConfig(stream=sys.stdout)\nlogging.warning('{logged')"


TABLE = {
    f"acme-{number}": (what, group, source, words)
    for number, (what, group, source, words) in enumerate(_table())
}
IDS = [what for what, *_ in TABLE.values()]


@pytest.fixture(scope="module")
def minidl(tmp_path_factory):
    """Run ``minidl`` beside all of the table, and one plugin that does what it should."""
    site = Site(tmp_path_factory.mktemp("hostile") / "site")
    site.layer("zeta", "zeta.fine", "Fine")
    greet = "import click\n@click.command()\ndef greet():\n    'Say hello.'\n    print('hello')"
    site.install("yota", {"minidl.commands": {"greet": "yota:greet"}}, {"yota": greet})
    for name, (_, group, source, _) in TABLE.items():
        module = name.replace("-", "_")
        group = f"minidl.{group}".rstrip(".")
        site.install(name, {group: {f"t-{name}": f"{module}:Thing"}})
        (site.folder / f"{module}.py").write_text(source.replace("{name}", f"{module}x"))
    return minidl_beside(site, "minidl-core", "minidl-plugins-devkit")


@pytest.fixture(scope="module")
def problems(minidl):
    return json.loads(minidl("doctor", "--json", "--seconds", "3", expect=1).stdout)


def test_the_table_is_long():
    assert len(TABLE) >= 60


@pytest.mark.parametrize("name", TABLE, ids=IDS)
def test_doctor_names_each(problems, name):
    _, _, _, words = TABLE[name]
    whole = [f"{p['subject']}: {p['cause']}" for p in problems]
    own = [text for text in whole if f"{name}/" in text or f"{name} " in text]
    assert len(own) == (words is not None), own
    assert all(words in text for text in own)


def test_healthy_plugins_are_no_problem(problems):
    assert not [p for p in problems if "zeta" in p["subject"] or "yota" in p["subject"]]
    assert all(p["cause"] and p["cure"] for p in problems)


@pytest.mark.parametrize("command", ["list", "plugins"])
def test_commands_that_look_work_beside_them(minidl, command):
    answer = json.loads(minidl(command, "--json").stdout)
    listed = ("modules", "losses", "optimizers", "engines", "commands")
    own = {name for name, row in TABLE.items() if command == "plugins" or row[1] in listed}
    assert {"zeta", *own} <= {row["distribution"] for row in answer}


def test_help_works_beside_them(minidl):
    out = minidl("--help").stdout
    shown = {words[0]: " ".join(words[1:]) for line in out.splitlines() if (words := line.split())}
    assert shown["greet"] == "Say hello."
    for name, (what, group, _, words) in TABLE.items():
        if group == "commands" and words and "get_help" not in what and "get_params" not in what:
            assert shown[f"t-{name}"] == "(cannot be loaded: see `minidl doctor`)", what


def test_a_healthy_command_runs_beside_them(minidl):
    assert minidl("greet").stdout == "hello\n"


COMMANDS = [
    name for name, (_, group, source, words) in TABLE.items()
    if group == "commands" and words and "click.Command" not in source
]  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS, ids=[TABLE[name][0] for name in COMMANDS])
def test_running_a_hostile_command_names_it(minidl, name):
    done = minidl(f"t-{name}", "--help", expect=1)
    assert f"t-{name}" in done.stderr
    assert done.stdout == ""


HOOK = """
from minidl_core import hookimpl
class Odd:
    @hookimpl
    def minidl_asked(self): {does}
    def fail(self, *args): raise SystemExit(0)
    {body}
Thing = Odd()
"""
AT_CALL = {
    **{what: {"does": f"raise {error}"} for what, error in RAISED.items()},
    **{f"has {name}": {"does": "return 3", "body": f"{name} = fail"}
       for name in ("__repr__", "__str__", "__bool__", "__ne__")},
}  # fmt: skip


@pytest.mark.parametrize("what", AT_CALL)
def test_hooks_are_called_beside_hostile_ones(site, what):
    spec = "from minidl_core import hookspec\n@hookspec\ndef minidl_asked(): 'Ask.'"
    site.install("asking", {"minidl.hookspecs": {"asking": "asking"}}, {"asking": spec})
    hostile = HOOK.format(**{"body": "pass", **AT_CALL[what]})
    fine = HOOK.format(does="return 5", body="pass")
    site.install("acme", {"minidl": {"odd": "acme_odd:Thing"}}, {"acme_odd": hostile})
    site.install("zeta", {"minidl": {"fine": "zeta_odd:Thing"}}, {"zeta_odd": fine})
    told = []
    registry = Registry([str(site.folder)], report=told.append)
    answers = {owner.name: answer for owner, answer in registry.hooks.call_each("minidl_asked")}
    assert answers["zeta"] == 5
    assert answers.get("acme") == (None if what in RAISED else 3)
    assert len(told) == (what in RAISED)
    assert all("the hook minidl_asked of acme/odd raised" in sentence for sentence in told)

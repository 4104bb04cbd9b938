"""docs/conformance-kit.md says what is so: its tables, and every snippet with its output."""

from __future__ import annotations

import re

from minidl_plugins_devkit import run_checks

from .kit_docs import PATH, with_tables

TEXT = PATH.read_text(encoding="utf-8")


def test_tables_are_up_to_date():
    assert with_tables(TEXT) == TEXT, "run python -m tests.conformance.kit_docs"
    assert "| `input_gradient` |" in TEXT


def test_snippets_run_and_print_what_is_shown(capsys):
    namespace = {"__name__": "docs"}
    for snippet in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(compile(snippet, str(PATH), "exec"), namespace)
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    printed = capsys.readouterr().out
    number = re.compile(r"-?\d+\.\d+")  # whose last digits another build of torch may round
    assert number.sub("#", printed) == number.sub("#", shown)
    for mine, theirs in zip(number.findall(printed), number.findall(shown), strict=True):
        assert abs(float(mine) - float(theirs)) < 1e-4


def test_reference_of_the_docs_is_the_rule_of_the_basic_plugin():
    from minidl_plugins_basic import SGD

    namespace = {"__name__": "docs"}
    snippets = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(next(s for s in snippets if "def sgd(" in s).partition("\nexample =")[0], namespace)

    class Documented(SGD):
        @classmethod
        def examples(cls):
            return [super().examples()[1]._replace(reference=namespace["sgd"])]

    assert [result.message for result in run_checks(Documented) if not result.ok] == []

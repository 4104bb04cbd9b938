"""Write docs/detection-table.md: ``python -m tests.conformance.detection_table`` at the root."""

from __future__ import annotations

from pathlib import Path

from minidl_plugins_devkit.tasks import tasks_of

from .corpus.table import PLANTED, RIGHT

PATH = Path(__file__).parents[2] / "docs" / "detection-table.md"

HEAD = f"""\
# What the conformance kit detects

Made by `python -m tests.conformance.detection_table` from the planted bugs in
[tests/conformance/corpus](../tests/conformance/corpus); a test keeps it up to date. Each of the
{len(PLANTED)} bugs below is one small mistake in a component that is otherwise right. It must be
caught by the check that its row names (others may fail as well), and no check may fail on any of
{len(RIGHT)} right components. Both hold on 20 random seeds:

    MINIDL_CORPUS_SEEDS=20 pytest tests/conformance
"""


def table() -> str:
    head = "| planted bug | what is wrong | caught by | what the kit says |"
    lines = [HEAD, head, "|---|---|---|---|"]
    for component, check in PLANTED:
        wrong = (component.__doc__ or "").partition("\n")[0].rstrip(".")
        cells = [f"`{component.__name__}`", wrong, f"`{check}`", said(component, check)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def said(component: type, check: str) -> str:
    """The finding and the cause of the first failure, without the figures."""
    results = (task.run() for task in tasks_of(component) if task.check == check)
    message = next(result.message for result in results if result.status == "failed")
    _, finding, *rest = message.splitlines()
    cause = [line.removeprefix("usual cause: ") for line in rest if line.startswith("usual")]
    return "; ".join([finding, *(f"*{line}*" for line in cause)])


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")

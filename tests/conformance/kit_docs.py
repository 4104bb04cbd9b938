"""Write the tables of docs/conformance-kit.md: ``python -m tests.conformance.kit_docs``."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from minidl_plugins_devkit import CHECKS

PATH = Path(__file__).parents[2] / "docs" / "conformance-kit.md"

TITLES = {
    "modules": "Modules",
    "losses": "Losses: all that a module keeps, but for `input_gradient` and "
    "`eval_is_mean_of_train`, and",
    "optimizers": "Optimizers",
}


def tables() -> str:
    """What each check proves, from the first paragraph of its docstring."""
    lines: list[str] = []
    for kind, checks in CHECKS.items():
        lines += [f"**{TITLES[kind]}**", "", "| check | what it proves |", "|---|---|"]
        for name, check in checks.items():
            if kind == "losses" and check is CHECKS["modules"].get(name):
                continue
            what = " ".join(inspect.getdoc(check).partition("\n\n")[0].split())
            lines.append(f"| `{name}` | {what.replace('``', '`').replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines)


def with_tables(text: str) -> str:
    """The document with its tables written anew between the two marks."""
    return re.sub(
        r"(<!-- checks -->\n).*?(<!-- end of checks -->)",
        lambda found: f"{found[1]}{tables()}{found[2]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    PATH.write_text(with_tables(PATH.read_text(encoding="utf-8")), encoding="utf-8")

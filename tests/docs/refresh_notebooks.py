"""Run the tutorials again and store what they print.

    python -m tests.docs.refresh_notebooks            all of docs/tutorials
    python -m tests.docs.refresh_notebooks small-gpt  one of them

Read the differences (git diff) before you commit them: numbers in the text do not follow by
themselves, and `test_notebooks.py` tells which are no longer printed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import nbformat

from .notebooks import errors_of, notebooks, read, run, unprinted


def refresh(path: Path) -> bool:
    """Run the notebook at `path` and store it; return whether it is right."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fresh = run(read(path), Path(folder))
    problems = [*errors_of(fresh), *(f"no output prints {number}" for number in unprinted(fresh))]
    fresh.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    for number, cell in enumerate(fresh.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
    nbformat.write(fresh, path)
    print(f"{path.name}: {time.perf_counter() - started:.1f} s")
    for problem in problems:
        print(f"  {problem}")
    return not problems


def main(names: list[str]) -> int:
    chosen = [path for path in notebooks() if not names or path.stem in names]
    if not chosen:
        print(f"no such notebook; there are {', '.join(path.stem for path in notebooks())}")
        return 2
    right = [refresh(path) for path in chosen]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

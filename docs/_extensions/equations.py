"""Equations of docstrings, written in Unicode, become mathematics on the site.

An equation is found in the first paragraph of a docstring (a run of symbols with a relation such
as ``=`` or ``←``), and in literal blocks of which every line is one. The builder writes MathML,
which browsers show without any script. What cannot be translated stays as it is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from unicode_tex import decomposed, factor, is_script, tex

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

# Words of English that are symbols elsewhere: they neither begin nor end an equation.
PROSE = {
    "a", "dim", "in", "init", "length", "max", "mean", "out", "start", "step", "steps", "weight",
}  # fmt: skip
RELATIONS = re.compile("[=←≤≥≈∈→<>]")
WORD = re.compile(r"\S+|\s+")


def with_equations(line: str) -> str:
    """Put the role ``:math:`` around each equation in a line of prose."""
    words = WORD.findall(line)
    done, run = "", []
    for word in [*words, None]:
        if word is not None and (word.isspace() or _is_symbols(word)):
            run.append(word)
            continue
        done += _run(run) + (word or "")
        run = []
    return done


def _is_symbols(word: str) -> bool:
    """Whether each character of a word may stand in an equation; brackets may be open."""
    if "`" in word:
        return False
    try:
        text = decomposed(word.rstrip(".,:;"))
        text = re.sub(r"√\(|\^\(|_\{", "(", text).replace("^", " ").replace("}", ")")
        while text:
            _, text = factor(text) if not is_script(text[0]) else ("", text[1:])
    except ValueError:
        return False
    return True


def _run(run: list[str]) -> str:
    """The words of a run, with the equations in it; the longest are tried first."""
    whole = "".join(run)
    if re.search(r"\d \d", whole):
        return whole
    for begin in range(len(run)):
        for end in range(len(run), begin, -1):
            part = "".join(run[begin:end])
            bare = part.strip().rstrip(".,:;")
            if part != part.strip() or not _is_equation(bare):
                continue
            behind = part[len(bare) :]
            before = "".join(run[:begin])
            return f"{before}:math:`{tex(bare)}`{behind}{_run(run[end:])}"
    return whole


def _is_equation(text: str) -> bool:
    words = text.split()
    if not RELATIONS.search(text) or words[-1] in PROSE:
        return False
    if words[0] in PROSE and not (len(words) > 1 and RELATIONS.match(words[1])):
        return False
    if RELATIONS.match(text[0]) or RELATIONS.match(text[-1]) or text[-1] in "+−·-ΣΠ":
        return False
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]")) and tex(text) is not None


def block_of(lines: list[str]) -> list[str] | None:
    """The lines of a literal block as a ``math`` directive, or None if one is no equation."""
    rows = []
    for line in lines:
        body, _, comment = line.strip().partition("  #")
        translated = tex(body.strip())
        if translated is None or not RELATIONS.search(body):
            return None
        note = tex(comment.strip()) if comment else ""
        if note is None:
            return None
        rows.append(translated + (rf" \quad {note}" if note else ""))
    body = r" \\ ".join(re.sub(r"(\\leftarrow|=)", r"& \1", row, count=1) for row in rows)
    return [".. math::", "", rf"   \begin{{aligned}} {body} \end{{aligned}}", ""]


def render(lines: list[str]) -> list[str]:
    """Return the lines of a docstring with its equations as mathematics."""
    done: list[str] = []
    first = True
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        first = first and bool(line.strip())
        done.append(escaped(with_equations(line) if first else line))
        if not line.rstrip().endswith("::"):
            continue
        indent = len(line) - len(line.lstrip())
        end = position
        while end < len(lines) and (not lines[end].strip() or lines[end][indent:].startswith("  ")):
            end += 1
        block = block_of([each for each in lines[position:end] if each.strip()])
        if block:
            done[-1] = done[-1].rstrip()[:-1]
        done += ["", *block] if block else lines[position:end]
        position = end
    return done


def escaped(line: str) -> str:
    """Escape mathematics that is markup to Sphinx: ``(*, C)``, ``|x|``, ``add_``."""
    parts = re.split(r"(:math:`[^`]*`|``.*?``|`[^`]*`|\*\*[^*]+\*\*)", line)
    parts[::2] = [re.sub(r"([*|]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def _in_docstring(
    _app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]
) -> None:
    lines[:] = render(lines)


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _display(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _in_docstring, priority=400)  # before napoleon's
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

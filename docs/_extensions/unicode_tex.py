"""Equations in Unicode, translated to TeX: ``Y = X Wᵀ`` becomes ``Y = X W^{T}``."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["decomposed", "factor", "is_script", "tex"]

# Names of more than one letter that stand in equations.
NAMES = {
    "CELU", "CDF", "DCT", "LN", "Pr", "RMS", "Var", "arg", "argmax", "attention", "beta", "clip",
    "concat", "cos",
    "diag", "dim", "drop", "dropout", "erf", "exp", "height", "in", "in1", "in2", "init", "kernel",
    "length", "log", "lr", "margin", "max", "mean", "min", "momentum", "out", "relu", "round",
    "sign", "sin", "size", "softmax", "softplus", "sqrt", "start", "std", "step", "steps", "sum",
    "tanh", "target", "tgt", "var", "weight", "width", "xy",
}  # fmt: skip
COMMANDS = {
    "←": r"\leftarrow ", "→": r"\rightarrow ", "·": r"\cdot ", "−": "-", "×": r"\times ",
    "…": r"\ldots ", "⋯": r"\cdots ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
    "≈": r"\approx ", "≠": r"\ne ", "∈": r"\in ", "±": r"\pm ", "∂": r"\partial ",
    "∇": r"\nabla ", "⊙": r"\odot ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ",
    "⌉": r"\rceil ", "½": r"\tfrac{1}{2}", "Σ": r"\sum ", "Π": r"\prod ", "*": r"\ast ", "'": "'",
    "<": "<", ">": ">",
}  # fmt: skip
ACCENTS = {"\u0302": r"\hat", "\u0304": r"\bar", "\u0303": r"\tilde"}
ATOM = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:e[−-]?\d+)?)|(?P<name>[A-Za-z][a-z0-9]*(?:[A-Z]+)?)|(?P<other>.)"
)


def is_script(character: str) -> tuple[str, str] | None:
    """Whether the character is raised or lowered, and the plain one: ``("super", "2")`` of ²."""
    mapping = unicodedata.decomposition(character)
    for mark in ("super", "sub"):
        if mapping.startswith(f"<{mark}>"):
            return mark, chr(int(mapping.split()[1], 16))
    return None


def decomposed(text: str) -> str:
    """With accents behind their letters."""
    return unicodedata.normalize("NFD", text).replace("=\u0338", "≠")


def tex(text: str) -> str | None:
    """Return an equation as TeX, or None if it holds something that is no mathematics."""
    try:
        done, rest = _expression(decomposed(text), "")
    except ValueError:
        return None
    return done.strip() if not rest else None


def _expression(text: str, closing: str) -> tuple[str, str]:
    """Translate up to the character `closing`; return the TeX and what follows it."""
    done, depth = "", 0
    while text:
        if closing and text[0] == closing and not depth:
            return done, text[1:]
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text[0], 0)
        piece, text = factor(text)
        done += piece
    if closing:
        raise ValueError("a bracket is not closed")
    return done, ""


def factor(text: str) -> tuple[str, str]:
    """One symbol, with what is written above, below and behind it."""
    if text[0] == " ":
        wide = len(text) - len(text.lstrip(" "))
        return (r"\quad " if wide > 1 else " "), text[wide:]
    base, text = _symbol(text)
    if text[:1] == "_" or (text and is_script(text[0])):
        base = base.rstrip()  # "\\sum _{i}" is no sum over i to docutils
    while text and text[0] in ACCENTS:
        base, text = f"{ACCENTS[text[0]]}{{{base.strip()}}}", text[1:]
    scripts = {"sub": "", "super": ""}
    if text.startswith("_"):
        scripts["sub"], text = _subscript(text[1:])
    while text and (script := is_script(text[0])):
        scripts[script[0]] += COMMANDS.get(script[1], script[1])
        text = text[1:]
    if text.startswith("^"):
        scripts["super"], text = _exponent(text[1:])
    for mark, sign in (("sub", "_"), ("super", "^")):
        base += f"{sign}{{{scripts[mark]}}}" if scripts[mark] else ""
    return base, text


def _symbol(text: str) -> tuple[str, str]:
    """One letter, number, name, sign or root, without its scripts."""
    if text[0] == "√":
        if text[1:2] == "(":
            inside, rest = _expression(text[2:], ")")
        else:
            inside, rest = factor(text[1:])
        return rf"\sqrt{{{inside.strip()}}}", rest
    atom = ATOM.match(text)
    assert atom
    rest = text[atom.end() :]
    if atom["number"]:
        return atom["number"], rest
    if name := atom["name"]:
        if len(name) == 1:
            return name, rest
        if name in NAMES:
            return rf"\mathrm{{{name}}} ", rest
        if name == "NC":  # a product
            return name, rest
        raise ValueError(name)
    character = atom["other"]
    if character in COMMANDS:
        return COMMANDS[character], rest
    if character == "‖":
        return r"\Vert ", rest
    if "GREEK" in unicodedata.name(character, "") or character in "+-=/()[],|:!;":
        return character, rest
    raise ValueError(character)


def _subscript(text: str) -> tuple[str, str]:
    """What stands behind ``_``: a name of letters, or anything in braces."""
    if text.startswith("{"):
        inside, rest = _expression(text[1:], "}")
        return inside.strip(), rest
    name = re.match("[A-Za-z]+", text)
    if not name:
        raise ValueError(text)
    return rf"\mathrm{{{name[0]}}}" if len(name[0]) > 1 else name[0], text[name.end() :]


def _exponent(text: str) -> tuple[str, str]:
    """What stands behind ``^``, without its parentheses."""
    if text.startswith("("):
        inside, rest = _expression(text[1:], ")")
        return inside.strip(), rest
    sign = "-" if text[:1] in "-−" else ""
    piece, rest = factor(text[len(sign) :])
    return sign + piece.strip(), rest

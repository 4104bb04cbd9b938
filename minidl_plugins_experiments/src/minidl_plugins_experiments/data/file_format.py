"""How a table's file is written: found out where the user does not say."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from minidl_core import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SPACES", "Format", "delimiter_in", "encoding_of", "sample_of", "split_lines"]

SPACES = r"\s+"  # the delimiter of a table whose columns are set with runs of spaces
# A comma may also stand in numbers, so that it comes after what is not found there.
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas", SPACES: "spaces"}
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
CHUNK = 1 << 20
STRAY_QUOTE = re.compile(rb'[^,;|\s"]"[^,;|\s"]')  # perhaps text after a closing quote


@dataclass(frozen=True)
class Format:
    """How a file is written.

    Attributes:
        delimiter: what stands between two cells; `SPACES` for any number of spaces.
        header: whether the first row has the names of the columns.
        named_anyway: whether the first row looks like names though the user says that it has none.
        stray_quotes: whether a quote may stand where none is allowed, which has to be looked at.
    """

    encoding: str
    delimiter: str
    header: bool
    stray_quotes: bool = False
    named_anyway: bool = False

    def __str__(self) -> str:
        encoding = self.encoding.removesuffix("-sig").upper()
        between = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        names = "names in the first row" if self.header else "no row of names"
        if self.named_anyway:
            names += " (header = false), though the first row looks like one"
        return f"{encoding}, {between} between the cells, {names}"


def encoding_of(path: Path, encoding: str | None) -> tuple[str, bool]:
    """Return the encoding of the file, and whether a quote in it may be out of place.

    A file that is not UTF-8 and has no mark is taken as Windows-1252, in which every byte of an
    old spreadsheet means something.

    Raises:
        ArgumentError: the file is not text, or not in the `encoding` that the user gave.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
        marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
        name = encoding or marked or "utf-8"
        try:
            decoder = codecs.getincrementaldecoder(name)()
        except LookupError:
            raise ArgumentError(
                f"expected the name of an encoding, got {name!r}; write utf-8, cp1252 or utf-16",
                where="encoding",
            ) from None
        stream.seek(0)
        line, stray, wrong = 1, False, None
        more = True
        while more:
            chunk = stream.read(CHUNK)
            more = bool(chunk)
            stray = stray or (b'"' in chunk and STRAY_QUOTE.search(chunk) is not None)
            if wrong is None:
                try:
                    text = decoder.decode(chunk, final=not more)
                except UnicodeDecodeError as error:
                    wrong = (
                        line + error.object[: error.start].count(b"\n"),
                        error.object[error.start],
                    )
                    text = ""
                    if encoding or marked:
                        break
            else:
                text = chunk.decode("latin-1")
            if "\0" in text:
                raise ArgumentError(
                    "expected text, got a null character; this is not a CSV file, or it is "
                    "damaged: export it again",
                    where=f"{path}, line {line + text[: text.index(chr(0))].count(chr(10))}",
                )
            line += chunk.count(b"\n")
    if wrong is None:
        return name, stray
    if not (encoding or marked):
        return ("latin-1" if _beyond_windows(path) else "cp1252"), stray
    raise ArgumentError(
        f"expected {name}, got the byte 0x{wrong[1]:02x}; leave encoding out to have it found out, "
        "or save the file as UTF-8, which every spreadsheet offers",
        where=f"{path}, line {wrong[0]}",
    )


def _beyond_windows(path: Path) -> bool:
    """Return whether the file has a byte that means nothing in Windows-1252."""
    with path.open("rb") as stream:
        return any(
            re.search(rb"[\x81\x8d\x8f\x90\x9d]", chunk)
            for chunk in iter(lambda: stream.read(CHUNK), b"")
        )


def sample_of(path: Path, encoding: str) -> str:
    """Return the first lines of the file, all of them whole."""
    with path.open(encoding=encoding, newline="", errors="replace") as stream:
        text = stream.read(CHUNK // 8)
        if stream.read(1):
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    return text


def split_lines(text: str, delimiter: str, most: int = 200) -> list[list[str]]:
    """Return the cells of the first rows of `text` that are not blank."""
    if delimiter == SPACES:
        lines = [line.strip().replace("\t", " ") for line in text.splitlines()]
        reader = csv.reader(lines, delimiter=" ", skipinitialspace=True)
    else:
        lines = text.splitlines(keepends=True)
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(cells)
            if len(rows) == most:
                break
    except csv.Error:
        pass  # the whole file is read strictly later
    return rows


def delimiter_in(text: str) -> str:
    """Return what stands between the cells of `text`: what makes all rows equally long.

    Where nothing does, it is what does so for most rows.
    """
    share: dict[str, float] = {}
    for delimiter in DELIMITERS:
        lengths = Counter(map(len, split_lines(text, delimiter)))
        length, count = lengths.most_common(1)[0] if lengths else (1, 0)
        share[delimiter] = count / lengths.total() if length > 1 else 0.0
        if share[delimiter] == 1.0:
            return delimiter
    del share[SPACES]  # spaces are in many texts, so that they have to explain every row
    return max(share, key=lambda each: share[each]) if any(share.values()) else ","

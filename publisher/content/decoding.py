"""From a file's bytes to text that every later step may trust.

Text leaves here as str with line feeds as line ends, without a byte order mark and without the characters
that XML 1.0 (section 2.2, Char) forbids: most control characters, lone surrogates, U+FFFE, U+FFFF. The
second set of control characters (U+0080 to U+009F, but for U+0085, a line end) goes as well: XML discourages it,
HTML calls it an error, feed validators warn of it, and nobody sees it.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.model.problem import error, warning

if TYPE_CHECKING:
    from publisher.model.problem import Problem

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_BYTES = bytes([*range(9), 11, 12, *range(14, 32)])
_SECOND_SET = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")
_NONCHARACTERS = b"\xef\xbf"  # how U+FFFE and U+FFFF begin in UTF-8
_LEADS_SECOND_SET = b"\xc2"
_LINE_END = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Clean text and what had to be done to it; ``text`` is None when the bytes are no text."""

    text: str | None
    problems: tuple[Problem, ...] = ()


def decode(shown: str, data: bytes) -> Decoded:
    """Read UTF-8, or UTF-16 with its mark; ``shown`` names the file in problems. Never guesses."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode_utf16(shown, data)
    try:
        text = data.decode()
    except UnicodeDecodeError as fault:
        return _with_surrogates(shown, data, fault)
    # Looking at the bytes is five times as fast as a search in the text, and nearly every file is clean.
    clean = len(data.translate(None, _FORBIDDEN_BYTES)) == len(data) and _NONCHARACTERS not in data
    if clean and not (_LEADS_SECOND_SET in data and _SECOND_SET.search(data)):
        return Decoded(_normal(text))
    return _cleaned(shown, text)


def without_forbidden(text: str) -> str:
    """The same text without the characters that XML 1.0 forbids."""
    return text if text.isprintable() else FORBIDDEN.sub("", text)


def _decode_utf16(shown: str, data: bytes) -> Decoded:
    try:
        return _cleaned(shown, data.decode("utf-16", "surrogatepass"))
    except UnicodeDecodeError:
        return _refused(shown, 1, "the file begins like UTF-16 but cannot be read as UTF-16")


def _with_surrogates(shown: str, data: bytes, fault: UnicodeDecodeError) -> Decoded:
    """Some programs write surrogates as if they were characters; those alone can be left out."""
    try:
        return _cleaned(shown, data.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError as later:
        line = len(_LINE_END.findall(data[: later.start])) + 1
        return _refused(shown, line, f"byte 0x{data[later.start]:02X} is not UTF-8 ({fault.reason})")


def _refused(shown: str, line: int, message: str) -> Decoded:
    return Decoded(None, (error(shown, line, message, "save the file as UTF-8"),))


def _cleaned(shown: str, raw: str) -> Decoded:
    text = _normal(raw)
    found = FORBIDDEN.search(text)
    if found is None:
        return Decoded(text)
    line = text.count("\n", 0, found.start()) + 1
    return Decoded(FORBIDDEN.sub("", text), (removal(shown, line, found[0]),))


def removal(shown: str, line: int, character: str) -> Problem:
    """The one warning for characters left out: the first of them and its line."""
    message = f"characters that feeds cannot hold were left out (the first is U+{ord(character):04X})"
    return warning(shown, line, message, "delete them from the file; most editors can show control characters")


def _normal(text: str) -> str:
    if text.startswith("\ufeff"):
        text = text.lstrip("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

"""Text as quoted-printable (RFC 2045 6.7), with gaps into which short words go later.

A part is encoded once; what is personal is put into its gaps as often as there are readers. A word
needs no encoding of its own, and stands alone on its line, between soft line breaks:

    <a href=3D"https://news.example.com/unsubscribe/=
    WORD=
    ">Leave</a>

What holds of the encoded part: no line is longer than 76 characters, ends in white space or starts with
a dot, and "=_" occurs nowhere, so that no boundary with "=_" in it can be met.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 75  # characters of a line; the "=" of a soft line break is the 76th
SOFT = b"=\r\n"

_ENCODED = re.compile(rb"[^\n\t !-<>-~]+|[\t ](?=\n|\Z)")  # relays may drop white space that ends a line
_CODES = [b"=%02X" % value for value in range(256)]


def around_words(pieces: Sequence[str]) -> list[bytes]:
    """Encode a text that consists of these pieces, with a word between each two and a line end at its end.

    Words are up to 75 letters, digits, "-" and "_". Line ends may be CRLF, LF and CR; they become CRLF. What
    is not Unicode (a lone surrogate) becomes "?".
    """
    plain = [piece.encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\r", b"\n") for piece in pieces]
    if not plain[-1].endswith(b"\n"):
        plain[-1] += b"\n"
    last = len(plain) - 1
    return [_piece(piece, first=at == 0, last=at == last) for at, piece in enumerate(plain)]


def _piece(plain: bytes, *, first: bool, last: bool) -> bytes:
    """Encode a piece. Where a word shares a line with it, the line is broken softly before or after the word."""
    encoded = _ENCODED.sub(_codes, plain)
    before = b"" if first or plain.startswith(b"\n") else SOFT
    after = b"" if last or not plain or plain.endswith(b"\n") else SOFT
    return before + b"\r\n".join(SOFT.join(_cut(line)) for line in encoded.split(b"\n")) + after


def _codes(found: re.Match[bytes]) -> bytes:
    return b"".join([_CODES[value] for value in found[0]])


def _cut(line: bytes) -> Iterator[bytes]:
    """Cut an encoded line into short ones, never inside a code; a dot that would come first is encoded."""
    start = 0
    while True:
        dot = b"=2E" if line.startswith(b".", start) else b""
        start += bool(dot)
        end = start + MOST - len(dot)
        if end >= len(line):
            yield dot + line[start:]
            return
        code = line.rfind(b"=", end - 2, end)
        end = end if code < 0 else code
        yield dot + line[start:end]
        start = end

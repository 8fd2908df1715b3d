"""Records of a JSON array, or one a line, read as they come: the whole is never in memory."""

from __future__ import annotations

from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any

from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.flows.people_source import Lines

MOST_RECORD = 1 << 23  # characters
_BLANK = " \t\r\n\ufeff"


def records(lines: Lines, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give each record with the line it begins in. Raises UsageError, which names the line, for what is no JSON."""
    text = _Text(lines, name, lines.number + 1)
    array = text.take("[")
    between = False
    while text.more():
        if array and text.take("]"):
            text.require_end()
            return
        if between and array and not text.take(","):
            raise text.fault("a comma is missing between two records")
        if text.more():
            line = text.line
            yield line, text.record()
        between = True
    if array:
        raise text.fault("the list is not closed with ]: the file was cut short")


class _Text:
    """What was read of a text and not yet used. ``line`` is that of what comes next."""

    def __init__(self, lines: Lines, name: str, line: int) -> None:
        self._pieces = lines.pieces()
        self._name, self.line = name, line
        self._decoder = JSONDecoder()
        self._text, self._at = "", 0

    def more(self) -> bool:
        """Go to what comes next, if anything."""
        while True:
            start = self._at
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            self.line += self._text.count("\n", start, self._at)
            if self._at < len(self._text):
                return True
            if not self._read(1):
                return False

    def take(self, sign: str) -> bool:
        """Pass a sign, if it comes next."""
        found = self.more() and self._text[self._at] == sign
        self._at += found
        return found

    def record(self) -> dict[str, Any]:
        """Read the record that comes next."""
        if self._text[self._at] != "{":
            raise self.fault("there is no record where one should be")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise self.fault("it is nested deeper than any list of people") from None
            except ValueError as fault:  # cut short by what is not read yet, or truly no JSON
                if self._whole(fault) or not self._read(len(self._text) - self._at):
                    raise self._broken(fault) from None
                continue
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            return dict(value)

    def _whole(self, fault: ValueError) -> bool:
        """Whether a fault stands far from the end, or nothing more may be read."""
        far = (
            isinstance(fault, JSONDecodeError)
            and not fault.msg.startswith("Unterminated")
            and (len(self._text) - fault.pos > _LONGEST_WORD)
        )
        return far or len(self._text) - self._at > MOST_RECORD

    def require_end(self) -> None:
        """Refuse what comes after the end."""
        if self.more():
            raise self.fault("something comes after the end of the list")

    def fault(self, words: str) -> UsageError:
        """What is wrong where the text stands."""
        return UsageError(f"{self._name}, line {self.line}: {words}", "Give the JSON file as Publisher exported it.")

    def _broken(self, fault: ValueError) -> UsageError:
        if isinstance(fault, JSONDecodeError):
            self.line += self._text.count("\n", self._at, fault.pos)
            return self.fault(f"this is no JSON ({fault.msg})")
        return self.fault("a number has more digits than any list of people")

    def _read(self, least: int) -> bool:
        """Read on by some characters at least; False at the end."""
        pieces, got = [self._text[self._at :]], 0
        while got < max(least, 1) and (piece := next(self._pieces, "")):
            pieces.append(piece)
            got += len(piece)
        self._text, self._at = "".join(pieces), 0
        return got > 0


_LONGEST_WORD = 64  # characters that a number or an escape may take at the end of what was read

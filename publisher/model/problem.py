"""What is wrong with something an author wrote: where it is, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a problem matters."""

    ERROR = "error"  # refused: the run ends with exit code 1
    WARNING = "warning"  # published, but not as it should be; exit code 1 only with --strict
    NOTE = "note"  # worth knowing, never a reason for an exit code


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in one place.

    ``path`` is shown as it is (posts are named relative to the site's folder), ``line`` counts
    from 1 and is 0 where no line can be named.
    """

    level: Level
    path: str
    line: int
    message: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str | int]:
        """The same for programs."""
        return {
            "level": self.level.value,
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        where = f"{place}: " if place else ""
        text = f"{where}{self.level.value}: {self.message}"
        return f"{text}\n  {self.remedy}" if self.remedy else text


def error(path: str, line: int, message: str, remedy: str = "") -> Problem:
    """A refusal."""
    return Problem(Level.ERROR, path, line, message, remedy)


def warning(path: str, line: int, message: str, remedy: str = "") -> Problem:
    """Something published, though not as its author meant it."""
    return Problem(Level.WARNING, path, line, message, remedy)


def note(path: str, line: int, message: str, remedy: str = "") -> Problem:
    """Something worth knowing."""
    return Problem(Level.NOTE, path, line, message, remedy)

"""What a process that stays says: a line for each thing that happened, in words or as JSON.

No line holds an address, a token or a network: people appear as numbers of ours, if at all.
"""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from publisher.errors import PublisherError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from publisher.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Log:
    """Where lines go. ``form`` is "text" or "json"; ``quiet`` leaves out everything but warnings and errors.

    JSON lines hold at least ``at`` (RFC 3339, UTC), ``level`` (info, warning, error), ``event`` and ``text``.
    """

    write: Callable[[str], None]
    form: str = "text"
    quiet: bool = False

    def say(self, event: str, text: str, level: str = "info", **fields: object) -> None:
        """Write one line; ``fields`` are further JSON values, of which a text line shows nothing."""
        if self.quiet and level == "info":
            return
        if self.form == "json":
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = {"at": at, "level": level, "event": event, "text": text, **fields}
            self.write(json.dumps(line, ensure_ascii=False))
        else:
            self.write(text if level == "info" else f"{level}: {text}")

    def problems(self, event: str, found: Iterable[Problem]) -> None:
        """Write a line for each problem."""
        for problem in found:
            if self.form == "json":
                where = {"path": problem.path, "line": problem.line, "remedy": problem.remedy}
                self.say(event, problem.message, problem.level.value, **where)
            elif not (self.quiet and problem.level.value == "note"):
                self.write(str(problem))

    def fault(self, event: str, fault: Exception) -> None:
        """Write an error with its remedy; of one that nobody foresaw, where it came from."""
        if not isinstance(fault, PublisherError):
            self.say(event, "".join(traceback.format_exception(fault)).rstrip(), "error")
        elif self.form == "json":
            self.say(event, fault.message, "error", remedy=fault.remedy)
        else:
            self.write(f"error: {fault}")

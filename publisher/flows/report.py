"""What a run did, or would do, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.model.problem import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Options:
    """How to publish. ``full`` trusts no cache; ``dry_run`` writes nothing, anywhere."""

    full: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, or would do. Files are named by their path in the output, posts as their author names them.

    ``reasons`` tell why anything changed at all, one post or setting each; ``skipped`` pairs files
    that are no posts with the reason, ``unpublished`` names drafts and posts that are not due, or expired.
    """

    posts: int
    standing: int
    feeds: int
    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    reasons: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    unpublished: tuple[str, ...]
    problems: tuple[Problem, ...]
    pinged: tuple[str, ...]
    output: str
    dry_run: bool

    def memo(self) -> str:
        """What a later run repeats if nothing has changed: counts, how it ended, its problems."""
        head = f"{self.posts} {self.feeds} {int(self.refused)} {int(self.warned)}"
        return "\n".join((head, *map(str, self.problems)))

    @property
    def refused(self) -> bool:
        """Whether something was refused: the run then ends with exit code 1."""
        return any(problem.level is Level.ERROR for problem in self.problems)

    @property
    def warned(self) -> bool:
        """Whether something was warned of: exit code 1 with --strict."""
        return any(problem.level is Level.WARNING for problem in self.problems)


def _silent(_what: str, _done: int, _of: int) -> None:
    """A progress that nobody watches."""


def _unheard(_problem: Problem) -> None:
    """A notice that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told while a run is under way: progress (what, done, of how many), and notices before they take effect."""

    progress: Callable[[str, int, int], None] = _silent
    notice: Callable[[Problem], None] = _unheard

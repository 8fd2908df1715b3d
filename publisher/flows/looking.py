"""The site as it is now, for stories that only look: nothing is written, not even the build state."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import OutputError
from publisher.flows.crew import Crew
from publisher.flows.items import Items
from publisher.flows.publish import BUILD, STATE_KEY, passed_over
from publisher.flows.rendering import render_bodies
from publisher.flows.spool import spools_for
from publisher.flows.survey import survey
from publisher.output.place import Place
from publisher.output.state import BuildState, SpoiltState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from publisher.flows.plan import Plan
    from publisher.flows.rendering import Rendered
    from publisher.flows.survey import Survey
    from publisher.model.settings import Settings


class Look(NamedTuple):
    """A survey, and the means to render what was surveyed."""

    folder: Path
    settings: Settings
    seen: Survey
    items: Items
    crew: Crew
    place: Place
    progress: Callable[[str, int, int], None]

    def render(self, planned: Plan, *, full: bool) -> Rendered:
        """Render the bodies that a plan needs; with ``full`` even those that the build state has."""
        return render_bodies(
            self.folder,
            self.settings,
            self.seen,
            planned,
            self.items,
            self.crew,
            self.place,
            "",
            full=full,
            bytecode=None,
            step=lambda done, of: self.progress("rendering", done, of),
        )


@contextmanager
def looking(
    folder: Path, settings: Settings, now: datetime, progress: Callable[[str, int, int], None]
) -> Iterator[Look]:
    """Survey the site as of ``now`` (aware) with a copy of the build state, in memory.

    Raises OutputError where that is spoilt.
    """
    try:
        with _surveyed(folder, settings, now, progress) as look:
            yield look
    except (SpoiltState, sqlite3.DatabaseError) as fault:
        raise OutputError(
            f"the build state in {folder / BUILD} is spoilt: {fault}",
            "publish, which makes it anew, then run this again",
        ) from None


@contextmanager
def _surveyed(
    folder: Path, settings: Settings, now: datetime, progress: Callable[[str, int, int], None]
) -> Iterator[Look]:
    place = Place(folder / settings.output.dir, dry=True)
    with closing(BuildState.copy(folder / BUILD, STATE_KEY)) as state, Crew(folder, settings) as crew:
        state.begin()
        seen = survey(
            folder,
            settings,
            state,
            crew,
            now,
            full=False,
            passed_over=passed_over(folder, settings),
            step=lambda done, of: progress("reading", done, of),
        )
        yield Look(folder, settings, seen, Items(state, seen.ids, spools_for(settings)), crew, place, progress)

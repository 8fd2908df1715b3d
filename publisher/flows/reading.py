"""The site's entries as they are now, for those who send them: nothing is written, not even the build state."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from publisher.flows.crew import Crew
from publisher.flows.items import Items
from publisher.flows.plan import Plan
from publisher.flows.publish import BUILD, STATE_KEY, passed_over
from publisher.flows.rendering import render_bodies
from publisher.flows.spool import spools_for
from publisher.flows.survey import survey
from publisher.output.place import Place
from publisher.output.state import BuildState

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from publisher.model.entry import Item
    from publisher.model.settings import Settings


def read_items(folder: Path, settings: Settings, now: datetime) -> tuple[Item, ...]:
    """Every published entry with its body, newest first, ids as `publish` would give them.

    What the build state holds already is used and not rendered again. Posts that are refused are
    left out, or stand as they were last published; `publish` and `check` name them.
    """
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
            step=_unwatched,
        )
        items = Items(state, seen.ids, spools_for(settings))
        planned = Plan((), {}, {}, frozenset(), seen.posts, ())
        place = Place(folder / settings.output.dir, dry=True)
        render_bodies(
            folder, settings, seen, planned, items, crew, place, "", full=False, bytecode=None, step=_unwatched
        )
        return tuple(item for item in map(items.item, seen.posts) if item is not None)


def _unwatched(_done: int, _of: int) -> None:
    """Nobody watches."""

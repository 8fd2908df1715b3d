"""The story of `ping`: hubs are told of feeds whose new bytes readers already get."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.urls import quoted_path
from publisher.errors import UsageError
from publisher.flows.feed_plan import is_archive
from publisher.flows.identities import is_placeholder
from publisher.model.problem import Problem, warning
from publisher.output import hubs, manifest
from publisher.output.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.model.settings import Settings


class Told(NamedTuple):
    """The feed addresses that hubs were told of, and what went wrong."""

    topics: tuple[str, ...]
    problems: tuple[Problem, ...]


def ping(folder: Path, settings: Settings) -> Told:
    """Tell every hub of every feed that stands at its public address as it stands in the output."""
    if not settings.feeds.hubs:
        raise UsageError("no hubs are named in config.toml", 'name them in [feeds]: hubs = ["https://…"]')
    if is_placeholder(settings.site.base_url):
        raise UsageError(f"{settings.site.base_url} is a placeholder", "put your own address as base_url in [site]")
    place = Place(folder / settings.output.dir)
    own = {path for _, path in chain(settings.feeds.paths, *(named.paths for named in settings.feeds.named))}
    names = {path.rpartition("/")[2] for path in own}
    found = (path for path in manifest.read(place) if path.rpartition("/")[2] in names)
    ours = sorted(path for path in found if path in own or not is_archive(path))
    urls = {path: settings.site.base_url + quoted_path(path) for path in ours}
    live = hubs.live((url, place.read(path)) for path, url in urls.items())
    missing = [path for path, url in urls.items() if url not in live]
    problems = [
        warning(path, 0, "is not at its public address as it is here", "deploy the output, then ping again")
        for path in missing
    ]
    return Told(live, (*problems, *hubs.ping(settings.feeds.hubs, live)))

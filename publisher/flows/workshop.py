"""One post at a time: its file is read, its body rendered, its page written.

The same code runs in the process itself when there is little to do, and in workers when there is
much (see crew.py). What it returns is plain tuples and text, cheap to hand from one to the other.
"""

from __future__ import annotations

import errno
import json
import os
import stat as modes
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.body import render
from publisher.content.posts import Reading, read_post
from publisher.flows.bodies import body_of, digest_of, digest_of_text, encode_problems, text_of
from publisher.flows.cards import card_of, entry_of
from publisher.flows.identities import is_placeholder
from publisher.model.entry import Item
from publisher.model.post import Kind
from publisher.model.problem import error
from publisher.pages.paths import output_path, root

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.content.links import LinkIndex
    from publisher.flows.cards import Card
    from publisher.flows.spool import Spool, Spooled
    from publisher.model.entry import Body
    from publisher.model.post import Source
    from publisher.model.settings import Settings
    from publisher.output.place import Place, Written
    from publisher.output.state import BodyText
    from publisher.pages.site import Pages


class Read(NamedTuple):
    """What became of one file: its card as JSON (empty if refused or left out), problems likewise, why it was left out.

    ``unread`` tells that it could not be opened: that may be mended without a trace in its stamp.
    """

    path: str
    card: str
    problems: str
    skipped: str
    unread: bool = False


class Job(NamedTuple):
    """A body to render (or, where ``text`` is given, one from the build state), and what to make of it.

    ``card`` is None for a post that was read in this run: who read it has its card. ``page`` is the
    path of the page to write, empty for none; ``spooled`` tells to write fragments for feeds.
    """

    path: str
    card: Card | None
    id: str
    atom_updated: int
    text: BodyText | None
    page: str
    spooled: bool


class Made(NamedTuple):
    """What came of a job. ``text`` is None where the body was at hand already, ``digest`` empty where there is none."""

    path: str
    text: BodyText | None
    digest: str
    refs: str
    files: str
    problems: str
    written: Written | None
    spooled: Spooled | None


@dataclass(slots=True)
class Bench:
    """What rendering needs besides the post itself."""

    links: LinkIndex
    pages: Pages | None
    place: Place | None
    spool: Spool | None = None


def _only_a_file(path: str, flags: int) -> int:
    """Open what is a file: a pipe that was put in a post's place would be waited for without end."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if not modes.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file")
    return descriptor


class Workshop:
    """Reads and renders posts of one site, keeping what it read until it is rendered."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._root = os.fspath(folder / settings.posts.dir)
        self._settings = settings
        self._sources: dict[str, Source] = {}
        self._cards: dict[str, Card] = {}
        self._bench: Bench | None = None

    def set_up(self, bench: Bench) -> None:
        """Lay out what rendering needs; called once all posts are read."""
        self._bench = bench

    def read(self, path: str) -> Read:
        """Read one file. A file that cannot be read is a refusal like any other."""
        try:
            with open(os.path.join(self._root, path), "rb", opener=_only_a_file) as stream:
                data = stream.read()
        except OSError as fault:
            shown = f"{self._settings.posts.dir}/{path}"
            problem = error(shown, 0, f"cannot be read: {fault.strerror}", "make it a file that you may read")
            return Read(path, "", encode_problems([problem]), "", unread=True)
        reading = read_post(path, data, self._settings)
        return self._noted(path, reading, digest_of(data))

    def _noted(self, path: str, reading: Reading, digest: str) -> Read:
        problems = encode_problems(reading.problems)
        if reading.source is None:
            return Read(path, "", problems, reading.skipped)
        self._sources[path] = reading.source
        post, site = reading.source.post, self._settings.site
        page = output_path(post.permalink, site.base_url) if self._settings.pages.enabled else ""
        card, text = card_of(post, digest, site, page or "")
        self._cards[path] = card
        return Read(path, text, problems, "")

    def make(self, job: Job) -> Made:
        """Do one job: render the body unless it is at hand, and write the page if one is wanted."""
        bench = self._bench
        if bench is None:
            raise RuntimeError("set_up comes before make")
        text, refs, files, problems = job.text, "", "", ""
        if text is not None:
            body = body_of(text)
        else:
            source = self._source(job.path)
            if source is None:
                return Made(job.path, None, "", "", "", "", None, None)
            rendered = render(source, bench.links, self._settings)
            body = rendered.body
            text = text_of(body)
            refs = json.dumps(rendered.references) if rendered.references else ""
            files = "\n".join(sorted(set(rendered.assets)))
            problems = encode_problems(rendered.problems)
        new = None if job.text is not None else text
        written, spooled = self._shown(job, body, bench)
        return Made(job.path, new, digest_of_text(text), refs, files, problems, written, spooled)

    def _shown(self, job: Job, body: Body, bench: Bench) -> tuple[Written | None, Spooled | None]:
        """The post's page and its fragments, as far as they are wanted."""
        card = job.card or self._cards[job.path]
        entry = entry_of(card, job.id, job.atom_updated)
        written = spooled = None
        if job.page and bench.pages and bench.place:
            item = Item(entry, _for_preview(body, card.permalink, self._settings.site.base_url))
            page = bench.pages.standing(item) if card.kind == Kind.PAGE.value else bench.pages.post(item)
            written = bench.place.write(job.page, page)
        if job.spooled and bench.spool:
            spooled = bench.spool.add(Item(entry, body))
        return written, spooled

    def close(self) -> None:
        """Let go of what was opened."""
        if self._bench and self._bench.spool:
            self._bench.spool.close()

    def _source(self, path: str) -> Source | None:
        """A post as read in this run, or read again; None if it went away or broke meanwhile."""
        if path not in self._sources:
            self.read(path)
        return self._sources.pop(path, None)


def _for_preview(body: Body, url: str, base_url: str) -> Body:
    """The body with links into its own site made relative, while the site has a placeholder for an address.

    Nobody answers there yet, and an author who looks at the first pages wants to see the pictures.
    """
    if not is_placeholder(base_url):
        return body
    return replace(body, html=body.html.replace(f'="{base_url}', f'="{root(url, base_url)}'))

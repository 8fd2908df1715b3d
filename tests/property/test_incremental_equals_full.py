"""Whatever happened to a site, a run writes what a run from nothing would: the same bytes, and no more of them.

A history is a list of edits, a publish after every few. After every publish the output equals that of
``--full`` and that of another machine which has only what is under version control, ids.toml is
the same everywhere, and the times of files have moved only where their bytes did.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.sites import NOW, a_post, a_site, carried, config_of, messages, published, stamps, tree, write

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 400 if os.environ.get("PUBLISHER_SOAK") else 10
NAMES = ("alpha.md", "beta.md", "gamma/index.md", "talks/delta.md", "2026-03-04-dated.md", "about.md", "tags.md")
TITLES = ("Alpha", "Beta", "Gamma & <co>", "Ünïcode")
DAYS = ("2024-01-05", "2024-02-06", "2026-12-01", "2025-07-08 10:00:00")
BODIES = (
    "Words.",
    "![A picture](pic.png) and [notes](notes.txt)",
    "See [beta](beta.md), [[Alpha]] and [the talk](/talks/delta/).",
    "![](gamma/shot.jpg)\n\n[gone](gone.md)",
    "<b>Raw</b> <script>no</script> & `** code`\n\n* a\n** b",
    "![](/pic.png) [own](https://blog.test/notes.txt)",
)
TAGS: tuple[list[str], ...] = ([], ["talk"], ["Talk", "C++"], ["Überblick"])
FILES = ("posts/pic.png", "posts/notes.txt", "posts/gamma/shot.jpg", "posts/talks/pic.png")
STATIC = (
    "static/robots.txt",
    "static/alpha",
    "static/404.html",
    "static/.well-known/x",
    "static/tags/talk",
    "static/pic.png",
)
CONFIGS: dict[str, tuple[Any, ...]] = {
    "limit": (0, 1, 2, 20),
    "per": ([], ["tag"], ["tag", "author", "section"]),
    "base_url": ("https://blog.test/", "https://new.test/sub/", "https://example.org/"),
    "timezone": ("Europe/Berlin", "Pacific/Auckland", "UTC"),
    "permalink": ("/:sections/:slug/", "/:year/:month/:slug.html", "/:title/"),
    "time_of_day": ("00:00", "23:30"),
    "enabled": (True, False),
    "content": ("full", "summary"),
    "formats": (["rss", "atom", "json"], ["json"]),
    "archives": (True, False),
    "tombstones": ("90d", "4d", False),
    "title": ("Notebook", "Another"),
    "author": ("Robin", [{"name": "Robin", "email": "r@blog.test"}, {"name": "Sam"}]),
}
FOOTER = "templates/pages/footer.html"


@dataclass(slots=True)
class Blog:
    """A site under its author's hands."""

    folder: Path
    now: datetime = NOW
    config: dict[str, Any] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    meddled: bool = False  # since the last publish


def put(name: str, title: str, day: str, body: str, tags: list[str], more: dict[str, Any], blog: Blog) -> None:
    write(blog.folder, f"posts/{name}", a_post(title, body, date=day, tags=tags, **more))
    blog.broken.discard(name)


def append(name: str, blog: Blog) -> None:
    path = blog.folder / "posts" / name
    if path.exists():
        path.write_text(path.read_text() + "\nMore.\n")


def spoil(name: str, blog: Blog) -> None:
    write(blog.folder, f"posts/{name}", "+++\ntitle = \n+++\n")
    blog.broken.add(name)


def rename(name: str, to: str, blog: Blog) -> None:
    old, new = blog.folder / "posts" / name, blog.folder / "posts" / to
    if old.exists() and not new.exists():
        new.parent.mkdir(exist_ok=True)
        old.rename(new)
        if name in blog.broken:
            blog.broken.add(to)
            blog.broken.discard(name)


def delete(path: str, blog: Blog) -> None:
    (blog.folder / path).unlink(missing_ok=True)
    blog.broken.discard(path.removeprefix("posts/"))


def configure(change: tuple[str, Any], blog: Blog) -> None:
    blog.config[change[0]] = change[1]
    write(blog.folder, "config.toml", config_of(**blog.config))


def lay(path: str, text: str, blog: Blog) -> None:
    write(blog.folder, path, text)


def wait(days: int, blog: Blog) -> None:
    blog.now += timedelta(days=days)


def lose(path: str, blog: Blog) -> None:
    state, manifest = blog.folder / ".publisher", blog.folder / "public" / ".publisher"
    known = state.exists() and manifest.exists() and not blog.meddled  # without both, nothing tells what is ours
    if path == "public" or known:
        shutil.rmtree(blog.folder / path, ignore_errors=True)


def scribble(number: int, text: str | None, blog: Blog) -> None:
    """Another program meddles with a file of the output; without a manifest it would be that program's from then on."""
    paths = sorted(tree(blog.folder / "public")) if (blog.folder / "public" / ".publisher").exists() else []
    blog.meddled = blog.meddled or bool(paths)
    if paths and text is None:
        (blog.folder / "public" / paths[number % len(paths)]).unlink()
    elif paths and text is not None:
        (blog.folder / "public" / paths[number % len(paths)]).write_text(text)


def _edits() -> st.SearchStrategy[Callable[[Blog], None]]:
    names, numbers = st.sampled_from(NAMES), st.integers(0, 40)
    more = st.sampled_from(
        ({}, {}, {"draft": True}, {"feed": False}, {"aliases": ["/old/"]}, {"expiryDate": "2026-11-25"})
    )
    post = (st.sampled_from(TITLES), st.sampled_from(DAYS), st.sampled_from(BODIES), st.sampled_from(TAGS), more)
    changes = st.sampled_from([(key, value) for key, values in CONFIGS.items() for value in values])
    either = st.sampled_from(FILES + STATIC)
    return st.one_of(
        st.builds(partial, st.just(put), names, *post),
        st.builds(partial, st.just(put), names, *post),
        st.builds(partial, st.just(append), names),
        st.builds(partial, st.just(spoil), names),
        st.builds(partial, st.just(rename), names, names),
        st.builds(partial, st.just(delete), names.map("posts/{}".format)),
        st.builds(partial, st.just(configure), changes),
        st.builds(partial, st.just(lay), either, st.sampled_from(("one", "two"))),
        st.builds(partial, st.just(delete), either),
        st.builds(
            partial, st.just(lay), st.just(FOOTER), st.sampled_from(("<footer>mine</footer>", "<footer></footer>"))
        ),
        st.builds(partial, st.just(delete), st.just(FOOTER)),
        st.builds(partial, st.just(wait), st.sampled_from((1, 5, 30))),
        st.builds(partial, st.just(lose), st.sampled_from((".publisher", "public", "public/.publisher"))),
        st.builds(partial, st.just(scribble), numbers, st.sampled_from((None, "scribbled"))),
    )


def _copy(site: Path, folder: Path) -> Path:
    shutil.copytree(site, folder)
    return folder


def _check(blog: Blog, work: Path, step: int) -> None:
    output = blog.folder / "public"
    bytes_before, stamps_before = tree(output), stamps(output)
    report = published(blog.folder, blog.now)
    blog.meddled = False
    bytes_after, stamps_after = tree(output), stamps(output)
    for path in bytes_before.keys() & bytes_after.keys():
        same = bytes_before[path] == bytes_after[path]
        assert (stamps_before[path] == stamps_after[path]) is same, f"{path} moved in time without need, or not at all"
    again = published(blog.folder, blog.now)
    assert (again.new, again.changed, again.removed, again.reasons) == ((), (), (), ())
    assert stamps(output) == stamps_after
    full = _copy(blog.folder, work / f"full{step}")
    redone = published(full, blog.now, full=True)
    assert tree(full / "public") == bytes_after
    assert _told(full) == _told(blog.folder)
    assert (redone.new, redone.changed, redone.removed) == ((), (), ())
    assert sorted(messages(again).splitlines()) == sorted(messages(redone).splitlines())
    assert _ids(full) == _ids(blog.folder)
    if not blog.broken:
        fresh = carried(blog.folder, work / f"fresh{step}")
        other = published(fresh, blog.now)
        assert tree(fresh / "public") == bytes_after
        assert _told(fresh) == _told(blog.folder)
        assert _ids(fresh) == _ids(blog.folder)
        assert report.posts == other.posts


def _told(site: Path) -> list[bytes]:
    """What servers are told of former addresses and of what was taken away."""
    places = (site / "public" / ".publisher" / name for name in ("redirects.txt", "gone.txt"))
    return [place.read_bytes() if place.exists() else b"" for place in places]


def _ids(site: Path) -> bytes:
    return (site / "ids.toml").read_bytes() if (site / "ids.toml").exists() else b""


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(st.lists(_edits(), min_size=1, max_size=3), min_size=1, max_size=5))
@example([[partial(lay, "static/alpha", "one")], [partial(delete, "static/alpha")]])
@example([[partial(configure, ("enabled", False))], [partial(configure, ("enabled", True))]])
@example([[partial(lose, "public/.publisher"), partial(delete, "posts/alpha.md")]])
@example(
    [[partial(configure, ("limit", 1))], [partial(delete, "posts/beta.md")], [partial(wait, 5)], [partial(wait, 90)]]
)
@example(
    [
        [partial(configure, ("limit", 1)), partial(configure, ("enabled", False))],
        [partial(put, "beta.md", "Beta", "2023-02-06", "Words.", [], {})],
        [partial(configure, ("archives", False)), partial(append, "alpha.md")],
    ]
)
def test_a_run_writes_what_a_run_from_nothing_would(history: list[list[Callable[[Blog], None]]]) -> None:
    with TemporaryDirectory() as made:
        work = Path(made)
        posts = {
            "alpha.md": a_post("Alpha", BODIES[1], tags=["Talk"]),
            "beta.md": a_post("Beta", BODIES[2], date="2024-02-06", tags=["talk"]),
            "gamma/index.md": a_post("Gamma", BODIES[3], date="2024-02-06"),
        }
        blog = Blog(a_site(work / "site", posts, config_of(per=["tag"])), config={"per": ["tag"]})
        published(blog.folder, blog.now)
        for step, edits in enumerate(history):
            for edit in edits:
                edit(blog)
            _check(blog, work, step)

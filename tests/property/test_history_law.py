"""Who follows a feed's archives has what is published, whatever its author did: over HTTP, in each format."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from publisher.content.ids import parse
from publisher.rules.selection import part_updates
from tests.history_client import Client, Output, Said
from tests.sites import NOW, a_post, a_site, config_of, published, write

EXAMPLES = 120 if os.environ.get("PUBLISHER_SOAK") else 12
KINDS = {"atom": "/atom.xml", "rss": "/feed.xml", "json": "/feed.json"}
NAMES = st.sampled_from("abcdefghij")
EDITED = str(NOW.date())
DAYS = st.dates(min_value=NOW.date().replace(year=2021), max_value=NOW.date()).map(str)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), NAMES, DAYS),
        st.tuples(st.just("edit"), NAMES, st.sampled_from(["One", "Two", "Three"])),
        st.tuples(st.just("backdate"), NAMES, DAYS),
        st.tuples(st.just("delete"), NAMES, st.just("")),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("limit"), st.just(""), st.sampled_from("01234")),
    ),
    min_size=1,
    max_size=12,
)


class Post(NamedTuple):
    """What its author writes above it; an edit may leave the day of the last change as it is."""

    title: str
    day: str
    changed: str = ""


class Blog:
    """What its author has written, by name of the file."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.site = a_site(folder, {}, config_of(limit=limit))
        self.posts: dict[str, Post] = {}
        self._titles = 0

    def do(self, step: tuple[str, str, str]) -> None:
        what, name, more = step
        if what == "limit":
            write(self.site, "config.toml", config_of(limit=int(more)))
        elif what == "publish" and name not in self.posts:
            self._titles += 1
            self.posts[name] = Post(f"Post {self._titles}", more)
        elif name not in self.posts:
            return
        elif what == "edit":
            title = f"{self.posts[name].title.partition(',')[0]}, {more}"
            self.posts[name] = self.posts[name]._replace(title=title, changed=EDITED if more == "Two" else "")
        elif what == "backdate":
            self.posts[name] = self.posts[name]._replace(day=more)
        elif what == "delete":
            del self.posts[name]
            (self.site / "posts" / f"{name}.md").unlink(missing_ok=True)
        elif what == "rename" and more not in self.posts:
            self.posts[more] = self.posts.pop(name)
            (self.site / "posts" / f"{name}.md").unlink(missing_ok=True)

    def publish(self, days: int) -> dict[str, dict[str, Said]]:
        """Publish, and give what each format is to say now; who is who is told by ids.toml."""
        for name, (title, day, changed) in self.posts.items():
            write(self.site, f"posts/{name}.md", a_post(title, date=day, **({"lastmod": changed} if changed else {})))
        report = published(self.site, NOW + timedelta(days=days))
        assert not report.problems, report.problems
        records = parse((self.site / "ids.toml").read_text("utf-8")).records if self.posts else {}
        ids = {name: records[f"{name}.md"].id for name in self.posts}
        assert sorted(ids.values()) == sorted(one.id for one in records.values() if one.withdrawn is None)
        posts = [(ids[name], post) for name, post in self.posts.items()]
        updated = [_midnight(post.changed or post.day) for _, post in posts]
        parted = part_updates([(one, at, True) for (one, _), at in zip(posts, updated, strict=True)])
        return {
            "rss": {one: Said(post.title, _midnight(post.day)) for one, post in posts},
            "json": {one: Said(post.title, at) for (one, post), at in zip(posts, updated, strict=True)},
            "atom": {one: Said(post.title, at) for (one, post), at in zip(posts, parted, strict=True)},
        }


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


@pytest.mark.soak
@given(st.integers(1, 4), st.lists(STEPS, min_size=1, max_size=4))
@example(1, [[("publish", "a", "2022-01-01"), ("publish", "b", "2023-01-01")], [("backdate", "b", "2021-01-01")]])
@example(1, [[("publish", "a", "2022-01-01"), ("publish", "b", "2023-01-01")], [("delete", "a", "")]])
@example(
    0, [[("publish", "a", "2022-01-01"), ("publish", "b", "2023-01-01")], [("limit", "", "1")], [("limit", "", "0")]]
)
@example(
    1, [[("publish", "a", "2022-01-01"), ("publish", "b", "2026-11-20")], [("edit", "a", "Two")], [("delete", "a", "")]]
)
@example(
    2,
    [[("publish", n, f"202{k}-05-05") for k, n in enumerate("abcde", 1)], [("rename", "a", "j"), ("delete", "c", "")]],
)
@examples(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_gathered_is_what_is_published(limit: int, rounds: list[list[tuple[str, str, str]]]) -> None:
    with TemporaryDirectory() as place:
        blog = Blog(Path(place) / "site", limit)
        with Output(blog.site / "public") as server:
            clients = [Client(server.url.rstrip("/"), path, kind) for kind, path in KINDS.items()]
            held: dict[str, datetime] = {}
            for number, steps in enumerate(rounds):
                for step in steps:
                    blog.do(step)
                wanted = blog.publish(number)
                for client in clients:
                    entries, removed = client.gather()
                    assert entries == wanted[client.kind], client.kind
                    if client.kind == "atom":
                        assert held.keys() - entries.keys() == removed.keys() & held.keys()
                        assert removed.keys().isdisjoint(entries)
                        assert all(at > held[one] for one, at in removed.items() if one in held)
                        held |= {one: said.at for one, said in entries.items()}
                    before = client.fetched
                    assert client.gather()[0] == entries
                    assert client.fetched == before  # nothing has changed, so nothing is sent again

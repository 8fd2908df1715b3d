"""Who follows a feed's archives has what is published, whatever its author did: over HTTP, in each format."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from publisher.content.ids import parse
from tests.history_client import Client, Output
from tests.sites import NOW, a_post, a_site, config_of, published, write

EXAMPLES = 120 if os.environ.get("PUBLISHER_SOAK") else 12
KINDS = {"atom": "/atom.xml", "rss": "/feed.xml", "json": "/feed.json"}
NAMES = st.sampled_from("abcdefghij")
DAYS = st.dates(min_value=NOW.date().replace(year=2021), max_value=NOW.date()).map(str)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), NAMES, DAYS),
        st.tuples(st.just("edit"), NAMES, st.sampled_from(["One", "Two", "Three"])),
        st.tuples(st.just("backdate"), NAMES, DAYS),
        st.tuples(st.just("delete"), NAMES, st.just("")),
        st.tuples(st.just("rename"), NAMES, NAMES),
    ),
    min_size=1,
    max_size=12,
)


class Blog:
    """What its author has written: title and day by name of the file."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.site = a_site(folder, {}, config_of(limit=limit))
        self.posts: dict[str, tuple[str, str]] = {}
        self._titles = 0

    def do(self, step: tuple[str, str, str]) -> None:
        what, name, more = step
        if what == "publish" and name not in self.posts:
            self._titles += 1
            self.posts[name] = (f"Post {self._titles}", more)
        elif name not in self.posts:
            return
        elif what == "edit":
            self.posts[name] = (f"{self.posts[name][0].partition(',')[0]}, {more}", self.posts[name][1])
        elif what == "backdate":
            self.posts[name] = (self.posts[name][0], more)
        elif what == "delete":
            del self.posts[name]
            (self.site / "posts" / f"{name}.md").unlink(missing_ok=True)
        elif what == "rename" and more not in self.posts:
            self.posts[more] = self.posts.pop(name)
            (self.site / "posts" / f"{name}.md").unlink(missing_ok=True)

    def publish(self, days: int) -> dict[str, str]:
        """Publish, and give what is published now: title by id, as ids.toml tells."""
        for name, (title, day) in self.posts.items():
            write(self.site, f"posts/{name}.md", a_post(title, date=day))
        report = published(self.site, NOW + timedelta(days=days))
        assert not report.problems, report.problems
        records = parse((self.site / "ids.toml").read_text("utf-8")).records.values() if self.posts else ()
        live = {one.id: one.title for one in records if one.withdrawn is None}
        assert sorted(live.values()) == sorted(title for title, _ in self.posts.values())
        return live


@pytest.mark.soak
@given(st.integers(1, 4), st.lists(STEPS, min_size=1, max_size=4))
@example(1, [[("publish", "a", "2022-01-01"), ("publish", "b", "2023-01-01")], [("backdate", "b", "2021-01-01")]])
@example(1, [[("publish", "a", "2022-01-01"), ("publish", "b", "2023-01-01")], [("delete", "a", "")]])
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
            held: dict[str, set[str]] = {kind: set() for kind in KINDS}
            for number, steps in enumerate(rounds):
                for step in steps:
                    blog.do(step)
                wanted = blog.publish(number)
                for client in clients:
                    entries, removed = client.gather()
                    assert entries == wanted, client.kind
                    if client.kind == "atom":
                        assert held["atom"] - wanted.keys() == removed & held["atom"]
                        assert removed.isdisjoint(wanted)
                    held[client.kind] |= entries.keys()
                    before = client.fetched
                    assert client.gather()[0] == wanted
                    assert client.fetched == before  # nothing has changed, so nothing is sent again

"""Which post is which, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from publisher.model.problem import Level
from publisher.rules.identity import Claim, Identities, Record, identify

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE = "https://blog.test/"
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TUESDAY = datetime(2026, 11, 24, tzinfo=UTC)


def claim(name: str, *, day: int = 1, title: str = "", at: str = "", declared: str = "") -> Claim:
    """A post in a file of this name; its title and its address follow from the name unless they are given."""
    moment = datetime(2026, 1, day, 9, tzinfo=UTC)
    return Claim(f"{name}.md", declared, moment, title or name.capitalize(), BASE + (at or f"{name}/"))


def record(
    name: str, identifier: str = "", withdrawn: datetime | None = None, *, path: str = "", day: int = 1
) -> Record:
    """What stands of such a post in ids.toml."""
    known = claim(name, day=day)
    place = path or known.path
    return Record(place, identifier or known.permalink, known.date, known.title, known.permalink, withdrawn)


def publish(
    claims: Iterable[Claim],
    known: Iterable[Record] = (),
    *,
    present: Iterable[str] = (),
    held: Iterable[str] = (),
    now: datetime = MONDAY,
) -> Identities:
    """One run; what is claimed is present."""
    posts = [*claims]
    paths = {*present, *held, *(post.path for post in posts)}
    return identify(posts, {one.path: one for one in known}, paths, frozenset(held), now)


# Rule 1


def test_an_id_declared_in_a_post_is_its_id() -> None:
    assert publish([claim("a", declared="urn:x:1")]).ids == {"a.md": "urn:x:1"}


def test_a_declared_id_goes_before_the_recorded_one_and_the_change_is_told_with_the_line_that_undoes_it() -> None:
    done = publish([claim("a", declared="urn:x:1")], [record("a")])
    assert done.ids == {"a.md": "urn:x:1"}
    (told,) = done.problems
    assert told.level is Level.WARNING
    assert told.path == "posts/a.md"
    assert "was https://blog.test/a/ and is now urn:x:1: readers will see it as new" in told.message
    assert 'id = "https://blog.test/a/"' in told.remedy
    assert publish([claim("a", declared="urn:x:1")], done.records).problems == ()


def test_following_that_remedy_brings_the_former_id_back() -> None:
    done = publish([claim("a", declared="urn:x:1")], [record("a")])
    again = publish([claim("a", declared="https://blog.test/a/")], done.records)
    assert again.ids == {"a.md": "https://blog.test/a/"}


def test_a_declared_id_that_is_taken_out_again_stays_as_recorded() -> None:
    first = publish([claim("a", declared="urn:x:1")])
    assert publish([claim("a")], first.records).ids == {"a.md": "urn:x:1"}


def test_a_declared_id_of_a_vanished_post_makes_it_that_post() -> None:
    done = publish([claim("b", day=2, declared="https://blog.test/a/")], [record("a")])
    assert [(one.path, one.id, one.withdrawn) for one in done.records] == [("b.md", "https://blog.test/a/", None)]
    assert done.kept == (("a.md", "b.md"),)


def test_a_declared_id_goes_before_any_likeness() -> None:
    done = publish([claim("b", title="A"), claim("c", day=2, declared=f"{BASE}a/")], [record("a")])
    assert done.ids == {"b.md": f"{BASE}b/", "c.md": f"{BASE}a/"}


# Rule 2


def test_a_known_path_keeps_its_id_while_its_date_its_title_or_its_permalink_is_the_same() -> None:
    known = [record("a", "urn:x:old")]
    changed = claim("a", day=2, title="Other", at="other/")
    for one in (
        replace(changed, date=known[0].date),
        replace(changed, title=known[0].title),
        replace(changed, permalink=known[0].permalink),
    ):
        assert publish([one], known).ids == {"a.md": "urn:x:old"}


def test_a_known_path_whose_date_title_and_permalink_all_changed_holds_another_post() -> None:
    done = publish([claim("a", day=2, title="Other", at="other/")], [record("a")])
    assert done.ids == {"a.md": "https://blog.test/other/"}


def test_the_post_whose_path_was_given_away_stays_on_record_under_its_id() -> None:
    done = publish([claim("a", day=2, title="Other", at="other/")], [record("a")])
    assert {(one.path, one.id, one.withdrawn) for one in done.records} == {
        ("a.md", "https://blog.test/other/", None),
        ("https://blog.test/a/", "https://blog.test/a/", MONDAY),
    }


def test_the_post_whose_path_was_given_away_is_itself_again_when_it_comes_back() -> None:
    moved_in = claim("a", day=2, title="Other", at="other/")
    done = publish([moved_in], [record("a", "urn:x:old")])
    back = publish([moved_in, claim("b", title="A", at="a/")], done.records)
    assert back.ids["b.md"] == "urn:x:old"
    assert [one.path for one in back.records] == ["a.md", "b.md"]


# Rule 3


def test_a_renamed_file_is_known_by_its_permalink_and_title() -> None:
    done = publish([claim("b", day=2, title="A", at="a/")], [record("a", "urn:x:old")])
    assert done.ids == {"b.md": "urn:x:old"}
    assert done.kept == (("a.md", "b.md"),)


def test_a_renamed_file_is_known_by_its_permalink_and_date() -> None:
    assert publish([claim("b", at="a/")], [record("a", "urn:x:old")]).ids == {"b.md": "urn:x:old"}


def test_a_renamed_file_is_known_by_its_date_and_title() -> None:
    done = publish([claim("b", title="A")], [record("a", "urn:x:old")])
    assert done.ids == {"b.md": "urn:x:old"}
    assert done.moved == ("b.md",)
    assert [one.path for one in done.records] == ["b.md"]


def test_another_post_at_the_address_of_a_vanished_one_is_a_new_post() -> None:
    done = publish([claim("b", day=2, at="a/")], [record("a")])
    assert done.ids == {"b.md": "https://blog.test/a/#2026-01-02T09:00:00Z"}


def test_a_draft_has_not_vanished() -> None:
    done = publish([claim("b", title="A")], [record("a", "urn:x:old")], present=["a.md"])
    assert done.ids == {"b.md": "https://blog.test/b/"}


def test_what_was_published_until_now_comes_before_what_was_withdrawn_earlier() -> None:
    gone = replace(record("a", "urn:x:gone", MONDAY), path="gone.md")
    done = publish([claim("b", title="A")], [gone, record("a", "urn:x:now")], now=TUESDAY)
    assert done.ids == {"b.md": "urn:x:now"}


def test_one_new_file_for_two_vanished_posts_is_refused_with_the_lines_to_paste() -> None:
    known = [record("a", "urn:x:1"), record("a", "urn:x:2", path="c.md")]
    done = publish([claim("b", title="A")], known)
    assert done.ids == {}
    (told,) = done.problems
    assert (told.level, told.path) == (Level.ERROR, "posts/b.md")
    assert "could be a renamed post (a.md, c.md) or a new one" in told.message
    assert 'id = "urn:x:1" or id = "urn:x:2"; for a new post: id = "https://blog.test/b/"' in told.remedy


def test_two_new_files_for_one_vanished_post_are_both_refused_and_its_record_waits() -> None:
    done = publish([claim("b", title="A"), claim("c", title="A")], [record("a")])
    assert done.ids == {}
    assert [told.path for told in done.problems] == ["posts/b.md", "posts/c.md"]
    assert done.records == (record("a"),)


def test_a_pasted_line_settles_both_files() -> None:
    refused = publish([claim("b", title="A"), claim("c", title="A")], [record("a")])
    settled = publish([claim("b", title="A", declared=f"{BASE}a/"), claim("c", title="A")], refused.records)
    assert settled.ids == {"b.md": f"{BASE}a/", "c.md": f"{BASE}c/"}
    assert settled.problems == ()


def test_the_line_for_a_new_post_never_names_an_id_that_is_taken() -> None:
    known = [record("a", f"{BASE}b/"), record("a", "urn:x:2", path="c.md")]
    (told,) = publish([claim("b", title="A")], known).problems
    assert 'for a new post: id = "https://blog.test/b/#2026-01-01T09:00:00Z"' in told.remedy


def test_a_file_that_could_be_two_posts_at_one_address_is_refused() -> None:
    known = [record("a", "urn:x:1", day=2), record("a", "urn:x:2", day=3, path="c.md")]
    done = publish([claim("b", title="A", at="a/")], known)
    assert done.ids == {}
    assert 'id = "urn:x:1" or id = "urn:x:2"' in done.problems[0].remedy


def test_one_id_on_two_lines_after_a_merge_is_one_post() -> None:
    known = [record("a", "urn:x:1"), record("a", "urn:x:1", path="c.md")]
    done = publish([claim("b", title="A")], known)
    assert done.ids == {"b.md": "urn:x:1"}
    assert [one.path for one in done.records] == ["b.md"]


# Rule 4


def test_a_new_post_is_known_by_its_first_permalink_byte_for_byte() -> None:
    assert publish([claim("a", at="%C3%A4/A%20b/")]).ids == {"a.md": "https://blog.test/%C3%A4/A%20b/"}


def test_the_date_is_added_where_the_permalink_is_some_other_posts_id() -> None:
    known = replace(record("a"), permalink=f"{BASE}moved/")
    moved = claim("a", at="moved/")
    done = publish([moved, claim("b", at="a/")], [known])
    assert done.ids == {"a.md": f"{BASE}a/", "b.md": f"{BASE}a/#2026-01-01T09:00:00Z"}


def test_a_number_is_added_where_that_is_taken_as_well() -> None:
    known = [
        record("a", f"{BASE}b/", MONDAY, day=5),
        record("c", f"{BASE}b/#2026-01-01T09:00:00Z", MONDAY, day=6),
    ]
    assert publish([claim("b")], known).ids == {"b.md": f"{BASE}b/#2026-01-01T09:00:00Z.2"}


def test_the_id_that_another_post_declares_is_no_first_id() -> None:
    done = publish([claim("a"), claim("b", declared=f"{BASE}a/")])
    assert done.ids == {"a.md": f"{BASE}a/#2026-01-01T09:00:00Z", "b.md": f"{BASE}a/"}


# Rule 5


def test_new_posts_with_one_permalink_are_refused_and_all_of_them_named() -> None:
    done = publish([claim("a", at="x/"), claim("b", at="x/"), claim("c")])
    assert done.ids == {"c.md": f"{BASE}c/"}
    assert [(told.path, told.remedy) for told in done.problems if "permalink" in told.message] == [
        ("posts/a.md", "give it another slug, or a permalink of its own"),
        ("posts/b.md", "give it another slug, or a permalink of its own"),
    ]
    assert any("has the same permalink as posts/b.md: https://blog.test/x/" in told.message for told in done.problems)


def test_new_posts_that_declare_one_id_are_refused_and_all_of_them_named() -> None:
    done = publish([claim("a", declared="urn:x:1"), claim("b", declared="urn:x:1"), claim("c", declared="urn:x:1")])
    assert done.ids == {}
    assert [told.message for told in done.problems] == [
        "has the same id as posts/b.md, posts/c.md: urn:x:1",
        "has the same id as posts/a.md, posts/c.md: urn:x:1",
        "has the same id as posts/a.md, posts/b.md: urn:x:1",
    ]


def test_the_post_that_has_an_id_on_record_stays_when_another_declares_it() -> None:
    done = publish([claim("a", declared=f"{BASE}b/"), claim("b")], [record("b")])
    assert done.ids == {"b.md": f"{BASE}b/"}
    assert [told.path for told in done.problems] == ["posts/a.md"]


def test_the_post_that_has_a_permalink_on_record_stays_when_another_takes_it() -> None:
    known = [record("a"), record("b")]
    done = publish([claim("a"), claim("b", at="a/")], known)
    assert done.ids == {"a.md": f"{BASE}a/"}
    assert done.records == (record("a"), record("b"))  # the other is refused, not withdrawn


def test_two_posts_that_declare_the_id_of_a_vanished_one_are_both_refused_and_its_record_waits() -> None:
    done = publish([claim("b", declared=f"{BASE}a/"), claim("c", declared=f"{BASE}a/")], [record("a")])
    assert done.ids == {}
    assert [told.path for told in done.problems] == ["posts/b.md", "posts/c.md"]
    assert done.records == (record("a"),)


def test_a_renamed_post_stays_when_another_takes_its_permalink() -> None:
    done = publish([claim("b", title="A", at="c/"), claim("c", at="c/")], [replace(record("a"), permalink=f"{BASE}c/")])
    assert done.ids == {"b.md": f"{BASE}a/"}
    assert [told.path for told in done.problems] == ["posts/c.md"]


def test_a_published_post_stays_when_a_withdrawn_one_comes_back_to_its_permalink() -> None:
    known = [record("a", "urn:x:gone", MONDAY), replace(record("b"), permalink=f"{BASE}a/")]
    done = publish([claim("a"), claim("b", at="a/")], known)
    assert done.ids == {"b.md": f"{BASE}b/"}
    assert [told.path for told in done.problems] == ["posts/a.md"]


def test_a_broken_post_keeps_its_id_and_its_address_from_being_taken() -> None:
    claims = [claim("b", at="a/", day=2), claim("c", declared=f"{BASE}a/", day=3)]
    done = publish(claims, [record("a")], held=["a.md"])
    assert done.ids == {}
    assert [told.path for told in done.problems] == ["posts/b.md", "posts/c.md"]
    assert done.records == (record("a"),)


# What is recorded


def test_what_is_published_no_longer_is_marked_with_the_day_it_left() -> None:
    done = publish([], [record("a")])
    assert done.records == (record("a", withdrawn=MONDAY),)


def test_the_day_it_left_stays_the_day_it_left() -> None:
    done = publish([], [record("a", withdrawn=MONDAY)], now=TUESDAY)
    assert done.records == (record("a", withdrawn=MONDAY),)


def test_a_draft_that_was_published_is_withdrawn_too() -> None:
    assert publish([], [record("a")], present=["a.md"]).records == (record("a", withdrawn=MONDAY),)


def test_a_broken_post_is_not_withdrawn() -> None:
    assert publish([], [record("a")], held=["a.md"]).records == (record("a"),)


def test_a_withdrawn_post_that_returns_gets_its_id_back() -> None:
    known = [record("a", "urn:x:1", MONDAY)]
    assert publish([claim("a", title="Reworded", day=2)], known).records[0].withdrawn is None
    assert publish([claim("a")], known).ids == {"a.md": "urn:x:1"}
    assert publish([claim("b", title="A")], known).ids == {"b.md": "urn:x:1"}
    assert publish([claim("b", title="Reworded", at="a/")], known).ids == {"b.md": "urn:x:1"}


def test_records_hold_what_posts_say_now_sorted_by_path() -> None:
    done = publish([claim("b", title="New", at="new/"), claim("a")], [record("b")])
    assert done.records == (record("a"), Record("b.md", f"{BASE}b/", claim("b").date, "New", f"{BASE}new/"))
    assert done.moved == ("b.md",)


def test_a_path_that_holds_another_post_has_not_moved() -> None:
    assert publish([claim("a", day=2, title="Other", at="other/")], [record("a")]).moved == ()


def test_posts_are_named_by_the_folder_they_are_shown_in() -> None:
    claims = [claim("a", at="x/"), claim("b", at="x/")]
    done = identify(claims, {}, frozenset(), frozenset(), MONDAY, "content/posts")
    assert {told.path for told in done.problems} == {"content/posts/a.md", "content/posts/b.md"}
    assert done.ids == {}


def test_ten_thousand_posts_that_all_changed_are_told_apart_in_a_moment() -> None:
    known = {f"{n}.md": record(str(n), path=f"{n}.md") for n in range(10_000)}
    later = timedelta(days=400)
    claims = [Claim(path, "", one.date + later, one.title + "!", one.permalink + "new/") for path, one in known.items()]
    started = datetime.now(UTC)
    identify(claims, known, known.keys(), frozenset(), MONDAY)
    assert datetime.now(UTC) - started < timedelta(seconds=5)

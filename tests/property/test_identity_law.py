"""Laws of identity: no reader sees an old post as new, whatever an author does to files, addresses and settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from publisher.rules.identity import Claim, Identities, Record, identify

if TYPE_CHECKING:
    from random import Random

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PATHS = [f"{name}.md" for name in "abcdef"]
DATES = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
ADDRESSES = [f"https://blog.test/{name}/" for name in "abcde"]
IDS = ["", "", "", "", *ADDRESSES[:3], "urn:x:1"]

CLAIMS = st.lists(
    st.builds(
        Claim,
        st.sampled_from(PATHS),
        st.sampled_from(IDS),
        st.sampled_from(DATES),
        st.sampled_from(["One", "Two"]),
        st.sampled_from(ADDRESSES),
    ),
    unique_by=lambda claim: claim.path,
    max_size=6,
)
HELD = st.frozensets(st.sampled_from(PATHS), max_size=2)

Known = dict[str, Record]


def run(claims: list[Claim], known: Known, held: frozenset[str] = frozenset(), now: datetime = NOW) -> Identities:
    return identify(claims, known, {claim.path for claim in claims} | held, held, now)


def recorded(done: Identities) -> Known:
    return {record.path: record for record in done.records}


@st.composite
def histories(draw: st.DrawFn) -> Known:
    """What ids.toml holds after some runs over any posts at all."""
    known: Known = {}
    for claims in draw(st.lists(CLAIMS, max_size=3)):
        known = recorded(run(claims, known))
    return known


@st.composite
def sites(draw: st.DrawFn) -> list[Claim]:
    """Posts as they mostly are: no two of one date and title, each at an address made of its file's name."""
    made = draw(st.lists(st.tuples(st.sampled_from(DATES), st.integers(0, 9)), unique=True, min_size=1, max_size=8))
    return [
        Claim(f"post{n}.md", "", moment, f"Title {title}", f"https://blog.test/post{n}/")
        for n, (moment, title) in enumerate(made)
    ]


@given(histories(), CLAIMS, HELD)
def test_two_different_posts_never_share_an_id(known: Known, claims: list[Claim], held: frozenset[str]) -> None:
    done = run(claims, known, held)
    assert len(set(done.ids.values())) == len(done.ids)
    assert len({record.id for record in done.records}) == len(done.records)


@given(histories(), CLAIMS, HELD)
def test_no_id_is_ever_forgotten(known: Known, claims: list[Claim], held: frozenset[str]) -> None:
    done = run(claims, known, held)
    assert {record.id for record in known.values()} <= {record.id for record in done.records}
    assert set(done.ids.values()) == {record.id for record in done.records if record.path in done.ids}


@given(histories(), CLAIMS, HELD)
def test_publishing_twice_is_publishing_once(known: Known, claims: list[Claim], held: frozenset[str]) -> None:
    first = run(claims, known, held)
    second = run(claims, recorded(first), held, NOW + timedelta(days=1))
    assert second.ids == first.ids
    assert second.records == first.records


@given(histories(), CLAIMS, HELD, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    known: Known, claims: list[Claim], held: frozenset[str], random: Random
) -> None:
    shuffled = [*claims]
    lines = [*known.items()]
    random.shuffle(shuffled)
    random.shuffle(lines)
    assert run(shuffled, dict(lines), held) == run(claims, known, held)


@given(CLAIMS, CLAIMS, st.data())
def test_an_untouched_post_keeps_its_id_whatever_happens_around_it(
    before: list[Claim], others: list[Claim], data: st.DataObject
) -> None:
    first = run(before, {})
    untouched = [claim for claim in before if claim.path in first.ids and data.draw(st.booleans())]
    paths = {claim.path for claim in untouched}
    around = [claim for claim in others if claim.path not in paths]
    second = run([*untouched, *around], recorded(first))
    assert {path: second.ids.get(path) for path in paths} == {path: first.ids[path] for path in paths}


@given(histories(), CLAIMS)
def test_a_refusal_never_removes_what_is_published(known: Known, claims: list[Claim]) -> None:
    """A file that still says what is on record stands, whoever else claims its id or its address."""
    standing = {claim.path for claim in claims if _says_the_same(claim, known.get(claim.path))}
    done = run(claims, known)
    assert standing <= done.ids.keys()
    assert all(done.ids[path] == known[path].id for path in standing)


def _says_the_same(claim: Claim, record: Record | None) -> bool:
    return (
        record is not None
        and record.withdrawn is None
        and not claim.declared_id
        and ((claim.date, claim.title, claim.permalink) == (record.date, record.title, record.permalink))
    )


@given(histories(), CLAIMS, HELD)
def test_who_is_left_without_an_id_is_named_with_a_remedy(
    known: Known, claims: list[Claim], held: frozenset[str]
) -> None:
    done = run(claims, known, held)
    named = {problem.path for problem in done.problems if problem.level.value == "error"}
    assert named == {f"posts/{claim.path}" for claim in claims if claim.path not in done.ids}
    assert all(problem.remedy for problem in done.problems)


@given(sites(), st.data())
def test_renames_a_new_pattern_and_a_new_domain_keep_every_id(site: list[Claim], data: st.DataObject) -> None:
    first = run(site, {})
    renamed = {claim.path: f"new/{claim.path}" for claim in site if data.draw(st.booleans())}
    domain, pattern = data.draw(st.tuples(st.sampled_from(["https://blog.test", "https://new.test"]), st.booleans()))
    after = []
    for claim in site:
        path = renamed.get(claim.path, claim.path)
        folder = f"{claim.date:%Y/%m/}" if pattern else ""
        after.append(replace(claim, path=path, permalink=f"{domain}/{folder}{path[:-3]}/"))
    second = run(after, recorded(first))
    assert second.problems == ()
    assert second.ids == {renamed.get(path, path): identifier for path, identifier in first.ids.items()}
    assert second.kept == tuple(sorted(renamed.items()))


@given(sites(), st.data())
def test_a_withdrawn_post_that_returns_gets_its_id_back(site: list[Claim], data: st.DataObject) -> None:
    first = run(site, {})
    left = [claim for claim in site if data.draw(st.booleans())]
    without = run(left, recorded(first))
    assert {record.path for record in without.records if record.withdrawn} == {
        claim.path for claim in site if claim not in left
    }
    again = run(site, recorded(without), now=NOW + timedelta(days=9))
    assert again.ids == first.ids
    assert again.records == first.records

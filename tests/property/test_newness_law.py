"""Laws of newness over random histories, decided by the pure rules against a ledger of sets.

Nobody gets an entry twice; nobody misses one that arrived while they were subscribed; nothing is
mailed when nothing is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.model.issue import Arrival, Cohort, Variant
from publisher.rules.arrival import observe
from publisher.rules.audience import deliverable, variants, withdrawn
from tests.mailing import item

if TYPE_CHECKING:
    from publisher.model.entry import Entry

DIGESTS = {"talks": "talk", "conferences": "conference"}
STEP = st.one_of(
    st.tuples(
        st.just("publish"), st.integers(1, 3), st.sampled_from([("talk",), ("conference",), ("talk", "conference")])
    ),
    st.tuples(st.just("withdraw"), st.integers(1, 3), st.just(())),
    st.tuples(st.just("join"), st.integers(1, 2), st.sampled_from(list(DIGESTS))),
    st.tuples(st.just("leave"), st.integers(1, 2), st.sampled_from(list(DIGESTS))),
    st.tuples(st.just("look"), st.just(0), st.sampled_from(list(DIGESTS))),
    st.tuples(st.just("draft"), st.just(0), st.sampled_from(list(DIGESTS))),
)

HISTORY = st.lists(STEP, min_size=10, max_size=60)
BROKEN_FOR_A_WHILE: list[tuple[str, int, object]] = [
    ("join", 1, "talks"),
    ("publish", 1, ("talk",)),
    ("look", 0, "talks"),
    ("withdraw", 1, ()),
    ("publish", 2, ("talk",)),
    ("draft", 0, "talks"),
    ("publish", 1, ("talk",)),
]


@dataclass
class World:
    """A site with two digests and three people; time passes step by step."""

    entries: dict[int, Entry] = field(default_factory=dict)
    arrivals: dict[str, dict[str, Arrival]] = field(default_factory=lambda: {name: {} for name in DIGESTS})
    covered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DIGESTS, 0))
    cursors: dict[tuple[str, int], int] = field(default_factory=dict)
    got: list[tuple[int, str]] = field(default_factory=list)
    owed: set[tuple[str, int, str]] = field(default_factory=set)

    def observe(self, name: str) -> None:
        """Take in what is new, and note what everyone on the list is owed from now on."""
        known = tuple(self.arrivals[name].values())
        tag = DIGESTS[name]
        seen = observe(known, list(self.entries.values()), lambda e: tag in e.tags, lambda _: False)
        for arrival in seen.arrivals:
            self.arrivals[name][arrival.entry] = arrival
            for digest, person in self.cursors:
                if digest == name:
                    self.owed.add((name, person, arrival.entry))

    def draft(self, name: str) -> tuple[Variant, ...]:
        self.observe(name)
        known = tuple(self.arrivals[name].values())
        present = {e.id for e in self.entries.values() if DIGESTS[name] in e.tags}
        standing = {
            person: Cohort(cursor, frozenset(entry for who, entry in self.got if who == person))
            for (digest, person), cursor in self.cursors.items()
            if digest == name
        }
        made = variants(deliverable(known, present), set(standing.values()))
        if made:
            self._release(name, made, standing, withdrawn(known, present, self.covered[name]))
        return made

    def _release(
        self, name: str, made: tuple[Variant, ...], standing: dict[int, Cohort], dropped: tuple[str, ...]
    ) -> None:
        self.got += [
            (who, entry) for v in made for who, cohort in standing.items() if cohort in v.cohorts for entry in v.entries
        ]
        upto = max(a.seq for a in self.arrivals[name].values())
        for entry in dropped:
            self.arrivals[name][entry] = replace(self.arrivals[name][entry], withdrawn=True)
        self.covered[name] = upto
        self.cursors = {key: upto if key[0] == name else at for key, at in self.cursors.items()}

    def step(self, kind: str, number: int, what: object) -> None:
        if kind == "publish" and isinstance(what, tuple):
            self.entries[number] = item(number, tags=what).entry
        elif kind == "withdraw":
            self.entries.pop(number, None)
        elif kind == "join" and (str(what), number) not in self.cursors:
            self.observe(str(what))
            self.cursors[str(what), number] = self.covered[str(what)]
        elif kind == "leave":
            self.cursors.pop((str(what), number), None)
            self.owed = {debt for debt in self.owed if debt[:2] != (what, number)}
        elif kind == "look":
            self.observe(str(what))
        elif kind == "draft":
            self.draft(str(what))


@given(HISTORY)
@settings(deadline=None, max_examples=200)
def test_nobody_gets_an_entry_twice(history: list[tuple[str, int, object]]) -> None:
    world = _played(history)
    assert len(world.got) == len(set(world.got))


@given(HISTORY)
@settings(deadline=None, max_examples=200)
@example(BROKEN_FOR_A_WHILE)
def test_nobody_misses_an_entry_that_arrived_while_they_were_subscribed(
    history: list[tuple[str, int, object]],
) -> None:
    world = _played(history)
    for name in DIGESTS:
        world.draft(name)
    got = set(world.got)
    for name, person, entry in world.owed:
        alive = any(e.id == entry and DIGESTS[name] in e.tags for e in world.entries.values())
        assert not alive or (person, entry) in got


@given(HISTORY)
@settings(deadline=None, max_examples=200)
def test_nothing_is_mailed_when_nothing_is_new(history: list[tuple[str, int, object]]) -> None:
    world = _played(history)
    for name in DIGESTS:
        world.draft(name)
    before = list(world.got)
    assert [world.draft(name) for name in DIGESTS] == [(), ()]
    assert world.got == before


@given(HISTORY)
@settings(deadline=None, max_examples=200)
def test_readers_get_variants_that_do_not_depend_on_their_order(history: list[tuple[str, int, object]]) -> None:
    world = _played(history)
    usable = deliverable(world.arrivals["talks"].values(), {e.id for e in world.entries.values()})
    cohorts = [Cohort(at, frozenset({str(who)})) for (digest, who), at in world.cursors.items() if digest == "talks"]
    assert variants(usable, cohorts) == variants(usable, cohorts[::-1])


def _played(history: list[tuple[str, int, object]]) -> World:
    world = World()
    for step in history:
        world.step(*step)
    return world

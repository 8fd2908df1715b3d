"""The law of moving house: a store that is exported, imported elsewhere and exported again gives the same bytes."""

from __future__ import annotations

import io
import json
import os
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete

from publisher.errors import UsageError
from publisher.flows.exporting import export
from publisher.flows.importing import Terms, import_people
from publisher.flows.letters import Desk
from publisher.flows.people_file import read_table
from publisher.mail.addresses import parse_mailbox
from publisher.model.subscriber import (
    Choice,
    ConsentEvent,
    ConsentKind,
    Subscription,
    SubscriptionState,
    SuppressionReason,
)
from publisher.rules.moments import read_moment
from publisher.rules.platforms import PLATFORMS, Platform
from publisher.rules.seen import Seen
from publisher.store import arrivals, consents, people, suppressions
from publisher.store.database import open_store
from publisher.store.tables import arrival, consent_event, digest, subscriber, subscription, suppression
from publisher.tokens import load_keys
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.flows.fates import Fate
    from publisher.store.database import Store

PACES = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"))
DIGESTS = tuple(
    CONFERENCES.__class__(
        name=name,
        title=name.title(),
        filter=CONFERENCES.filter,
        cadences=PACES,
        timezone=CONFERENCES.timezone,
        start="all",
    )
    for name in ("conferences", "talks")
)
MANY = 300 if os.environ.get("PUBLISHER_SOAK") else 30

moments = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - aware by timezones
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40) | st.sampled_from(
    ["=1+1", "'quoted'", ' "a",b;c ', "two\r\nlines", "\u2028", "]}", "+x", " =x ", "[{", "\t"]
)
ADDRESSES = ["ann@example.com", "=cmd@example.com", "Jörg@bücher.example.com", "o'neil@example.com", "-x@example.com"]
events = st.lists(st.tuples(st.sampled_from(ConsentKind), moments, words, words), max_size=4)
places = st.tuples(
    st.sampled_from(SubscriptionState), st.sampled_from(["weekly", "monthly"]), st.integers(0, 9), events
)
never = st.tuples(st.sampled_from(SuppressionReason), words, moments)
person = st.tuples(moments, st.dictionaries(st.sampled_from(["conferences", "talks"]), places), st.none() | never)
worlds = st.dictionaries(st.sampled_from(ADDRESSES), person)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Store, Path]]:
    folder = tmp_path_factory.mktemp("houses")
    one, other = (open_store(f"sqlite:///{name}.sqlite3", folder) for name in ("one", "other"))
    with closing(one), closing(other):
        yield one, other, folder


def empty(store: Store) -> None:
    with store.writing() as connection:
        for table in (consent_event, subscription, subscriber, suppression, arrival, digest):
            connection.execute(delete(table))


def people_a_store(store: Store, world: dict[str, Any]) -> None:
    """Write what was drawn, as if it had come about over the years."""
    with store.writing() as connection:
        for each in DIGESTS:
            arrivals.begin(connection, each.name, each.filter, NOON)
        for address, (created, theirs, suppressed) in world.items():
            mailbox = parse_mailbox(address)
            number = people.enrol(connection, mailbox, created) if theirs else 0
            if suppressed is not None:
                reason, detail, at = suppressed
                suppressions.suppress(connection, mailbox, reason, detail, at)
            for name, (state, cadence, cursor, told) in theirs.items():
                token = f"token-{number:06}-{name}"
                made = Subscription(number, mailbox.address, name, state, cadence, cursor, token)
                people.place_all(connection, [made])
                consents.record_all(
                    connection, [ConsentEvent(number, name, kind, how, why, at) for kind, at, how, why in told]
                )


def exported(store: Store, form: str) -> str:
    target = io.StringIO(newline="")
    export(store, Choice(), target, form)
    return target.getvalue()


def imported(store: Store, folder: Path, text: str, form: str) -> dict[Fate, int]:
    path = folder / f"people.{form}"
    path.write_bytes(text.encode())
    desk = Desk(settings(*DIGESTS), folder, load_keys(folder, {}, make=True))
    done = import_people(store, desk, [path], Terms(), lambda: (), NOON, tell=lambda _: None, progress=lambda *_: None)
    return done.counts


@pytest.mark.soak
@pytest.mark.parametrize("form", ["csv", "json"])
@examples(deadline=None, max_examples=MANY, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
@example(world={})
def test_moving_loses_nothing(
    houses: tuple[Store, Store, Path],
    form: str,
    world: dict[str, Any],
) -> None:
    one, other, folder = houses
    empty(one)
    empty(other)
    people_a_store(one, world)
    text = exported(one, form)
    moved = imported(other, folder, text, form)
    assert exported(other, form) == text
    again = imported(other, folder, text, form)
    assert sum(again.values()) == sum(moved.values())
    assert {fate.name for fate in again} <= {"ALREADY"}
    assert exported(other, form) == text


@given(st.text(st.sampled_from('[]{}",:\\ \n0e') | st.characters(codec="utf-8"), max_size=80))
@example("[" * 100_000)
@example("[{" + '"a":{' * 100_000)
@example('[{"email":' + "9" * 5000)
@example('[{"email": "ann@example.com", "evidence": [{"kind": "x"}]}]')
@example('[{"email": "ann@example.com", "evidence": [1, null]}]')
@example('[{"email": ["ann@example.com"], "created": "yesterday"}]')
@example('[{"email": "ann@example.com", "status": 7}]')
def test_no_json_breaks_reading(text: str) -> None:
    try:
        table = read_table(io.StringIO(text if text[:1] in "[{" else f"[{text}", newline=""), "people.json")
        assert all(line.number > 0 for line in table.lines)
    except UsageError as fault:
        assert fault.remedy  # noqa: PT017 - any text may be good or bad


@given(
    st.sampled_from(PLATFORMS),
    st.booleans(),
    st.lists(st.lists(st.text(max_size=12) | st.sampled_from(["true", "enabled", "regular"]), max_size=8), max_size=5),
)
def test_no_cells_break_a_platform(platform: Platform, told: bool, rows: list[list[str]]) -> None:
    head = ",".join(sorted(platform.marks[0])) if platform.marks else "email"
    text = "\n".join([head, *(",".join(cell.replace(",", "") for cell in row) for row in rows)])
    try:
        table = read_table(io.StringIO(text, newline=""), "unsubscribed.csv", platform=platform.name if told else "")
    except UsageError:
        return
    assert table.platform is platform
    assert all(line.number > 0 for line in table.lines)


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d?-\d\d?[T ]\d\d:\d\d(:\d\d)?( ?[+-]\d{4})?", fullmatch=True))
def test_what_is_read_as_a_moment_is_one(text: str) -> None:
    found = read_moment(text, UTC)
    assert found is None or found.at.tzinfo is UTC


@given(st.lists(st.text(max_size=6)))
def test_seen_is_a_set(names: list[str]) -> None:
    seen, real = Seen(), set[str]()
    for name in names:
        assert (name in seen) == (name in real)
        seen.add(name)
        real.add(name)
        assert len(seen) == len(real)


def test_seen_grows() -> None:
    seen = Seen()
    for number in range(20_000):
        seen.add(f"reader{number}")
    assert len(seen) == 20_000
    assert all(f"reader{number}" in seen for number in range(20_000))
    assert not any(f"other{number}" in seen for number in range(20_000))


def test_an_export_is_json_that_programs_read(houses: tuple[Store, Store, Path]) -> None:
    one, _, _ = houses
    empty(one)
    people_a_store(one, {"ann@example.com": (NOON, {"talks": (SubscriptionState.PENDING, "weekly", 0, [])}, None)})
    (record,) = json.loads(exported(one, "json"))
    assert (record["email"], record["status"], record["evidence"]) == ("ann@example.com", "pending", [])

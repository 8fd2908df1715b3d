"""A wish is settled exactly once, at whichever statement the process that notes or settles it dies.

Dying is played by a connection that breaks at a chosen statement or just before a chosen commit: what was not
committed is gone, as after a kill. Time goes on by more than the patience between two tries, so that a letter that was
written twice would be seen.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from publisher.store.database import open_store
from publisher.store.tables import consent_event, letter, wish
from tests.wishing import Hall, a_desk, going_home, subscribing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.flows.wishes import Wished
    from publisher.store.database import Store

READERS = 2  # of the people below; they get the link to their page, whatever they wish
PEOPLE = [f"p{number}@example.org" for number in range(6)]
WISH = st.tuples(st.sampled_from(PEOPLE), st.sampled_from([subscribing, going_home]))
STEP = st.one_of(
    st.tuples(st.just("note"), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.integers(0, 60)),
)


class Killed(BaseException):
    """The process is no more."""


@contextmanager
def killed(store: Store, after: int) -> Iterator[list[int]]:
    """Let the store take so many statements and commits, and no more; the list tells how many are left of them."""
    left = [after]

    def one_more(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    for name in ("before_cursor_execute", "commit"):
        event.listen(store.engine, name, one_more)
    try:
        yield left
    except Killed:
        pass
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(store.engine, name, one_more)


def expected(noted: list[Wished]) -> Counter[str]:
    """Whose letters there are to be: nobody is asked who cannot be, and nobody twice."""
    strangers = PEOPLE[READERS:]
    asking = {each.address for each in noted if each.digest and each.address in strangers}
    return Counter([*asking, *{each.address for each in noted if each.address not in strangers}])


@settings(max_examples=40)
@given(st.lists(WISH, min_size=1, max_size=6, unique_by=lambda made: made[0]), st.lists(STEP, max_size=12))
def test_a_wish_is_settled_exactly_once(wanted: list[tuple[str, object]], steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as name, closing(open_store("sqlite:///mailing.sqlite3", Path(name))) as store:
        hall = Hall(store, a_desk(Path(name)))
        for address in PEOPLE[:READERS]:
            hall.add(address)
        coming = [subscribing(who) if kind is subscribing else going_home(who) for who, kind in wanted]
        noted: list[Wished] = []
        minutes = 0
        for what, after in steps:
            minutes += 11
            with killed(store, after):
                if what == "settle":
                    hall.settle(minutes, most=3)
                elif coming:
                    hall.note(coming[0], minutes=minutes)
                    noted.append(coming.pop(0))
            assert hall.rows(wish) <= len(noted)
        hall.note(*coming, minutes=minutes)
        hall.settle(minutes + 11)
        with store.reading() as connection:
            got = Counter(connection.execute(select(letter.c.recipient)).scalars())
        assert got == expected([*noted, *coming])
        assert hall.rows(wish) == 0
        asked = hall.rows(consent_event, consent_event.c.kind == "asked")
        assert asked == hall.rows(letter, letter.c.kind == "confirmation")


def test_a_wish_is_settled_once_whichever_statement_is_the_last(store: Store, tmp_path: Path) -> None:
    hall = Hall(store, a_desk(tmp_path))
    expecting: list[str] = []
    for after in count():
        reader, stranger = f"reader{after}@example.org", f"stranger{after}@example.org"
        hall.add(reader)
        hall.note(subscribing(stranger), going_home(reader))
        expecting += [reader, stranger]
        with killed(store, after) as left:
            hall.settle()
        hall.settle(minutes=11)
        with store.reading() as connection:
            assert Counter(connection.execute(select(letter.c.recipient)).scalars()) == Counter(expecting)
        assert hall.rows(wish) == 0
        if left[0] >= 0:
            break
    assert after > 20, "nobody was killed"

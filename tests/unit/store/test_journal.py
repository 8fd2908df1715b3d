"""The journal: what it knows of a message after its engine died, and what it does not claim to know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from publisher.errors import StoreError
from publisher.model.delivery import Claim, DeliveryState, Outcome
from publisher.store.journal import SLOT, Journal, Key, Left, Noted, key_of, left_behind, remove

if TYPE_CHECKING:
    from collections.abc import Callable

STORE = "5eed5eed5eed5eed5eed5eed5eed5eed"
ENGINE = "a1b2c3"
S = DeliveryState


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


# After a death


def test_what_was_begun_what_was_answered_and_what_never_was(folder: Path) -> None:
    sent, bounced, later, begun, never = (a_claim(who) for who in range(1, 6))
    with a_journal(folder) as journal:
        journal.reserve((sent, bounced, later, begun, never))
        for claim in (sent, bounced, later, begun):
            journal.begin(claim)
        journal.reply(Outcome(sent, S.SENT, "content: 250 2.0.0 Ok: queued as 4Tz"))
        journal.reply(Outcome(bounced, S.FAILED, "rcpt: 550 5.1.1 unknown", bounced=True))
        journal.reply(Outcome(later, S.DEFERRED, ""))
    left = the_only(left_behind(folder, STORE))
    assert left.engine == ENGINE
    assert left.whole
    assert left.noted == {
        key_of(sent): Noted(S.SENT, "content: 250 2.0.0 Ok: queued as 4Tz"),
        key_of(bounced): Noted(S.FAILED, "rcpt: 550 5.1.1 unknown", bounced=True),
        key_of(later): Noted(S.DEFERRED, ""),
        key_of(begun): Noted(None, ""),
    }


@pytest.mark.parametrize("state", [S.SENT, S.DEFERRED, S.FAILED, S.DOUBTFUL, S.PLANNED, S.RELEASED])
def test_every_outcome_comes_back_as_it_was(folder: Path, state: DeliveryState) -> None:
    with a_journal(folder) as journal:
        journal.reserve((a_claim(1),))
        journal.reply(Outcome(a_claim(1), state, "what was said"))
    assert the_only(left_behind(folder, STORE)).noted == {Key(7, 1, 1): Noted(state, "what was said")}


def test_an_attempt_is_not_the_one_before(folder: Path) -> None:
    with a_journal(folder, slots=1) as journal:
        first, again = a_claim(1), a_claim(1, attempt=2)
        journal.reserve((first,))
        journal.begin(first)
        journal.reply(Outcome(first, S.DEFERRED, "450 later"))
        journal.free((first,))
        journal.reserve((again,))
    left = the_only(left_behind(folder, STORE))
    assert left.whole
    assert key_of(again) not in left.noted


@pytest.mark.parametrize(
    "words",
    ["x" * 5000, "ü" * 5000, "two\nlines", "tab\tand\0nothing", "half a \ud800 letter", "  spaces  ", "", "🙂" * 200],
)
def test_whatever_a_relay_says_fits(folder: Path, words: str) -> None:
    biggest = Claim(2**63 - 1, 2**63 - 1, 1, "", "", attempt=2**31 - 1)
    with a_journal(folder) as journal:
        journal.reserve((biggest,))
        journal.reply(Outcome(biggest, S.SENT, words))
    left = the_only(left_behind(folder, STORE))
    assert left.whole
    expected = words.replace("\n", " ").replace("\ud800", "?")
    assert expected.startswith(left.noted[key_of(biggest)].detail)
    assert len(left.noted[key_of(biggest)].detail) >= min(len(expected), 75)


# What is not claimed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda slot: slot[:9] + b"X" + slot[10:],
        lambda slot: b"\0" * 4 + slot[4:],
        lambda slot: slot[:20] + b"\0" * (SLOT - 20),
        lambda slot: slot[::-1],
    ],
)
def test_a_spoilt_slot_says_nothing_and_the_rest_stays_true(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    with a_journal(folder) as journal:
        journal.reserve((a_claim(1), a_claim(2)))
        journal.begin(a_claim(1))
        journal.reply(Outcome(a_claim(2), S.SENT, "250"))
    written = journal.path.read_bytes()
    journal.path.write_bytes(written[:SLOT] + spoil(written[SLOT : 2 * SLOT]) + written[2 * SLOT :])
    left = the_only(left_behind(folder, STORE))
    assert left.noted == {Key(7, 2, 1): Noted(S.SENT, "250")}
    assert not left.whole  # the missing one may have been begun


def test_a_journal_of_another_boot_is_not_whole(folder: Path) -> None:
    with a_journal(folder) as journal:
        journal.reserve((a_claim(1),))
        journal.begin(a_claim(1))
    before = journal.path.read_bytes()
    other = Path(folder, "other")
    other.mkdir()
    with Journal(other, STORE, ENGINE + "x", 3) as stranger:  # its head names another engine: as false as another boot
        head = stranger.path.read_bytes()[:SLOT]
    journal.path.write_bytes(head + before[SLOT:])
    left = the_only(left_behind(folder, STORE))
    assert (left.whole, left.noted) == (False, {Key(7, 1, 1): Noted(None, "")})


@pytest.mark.parametrize("length", [0, 1, SLOT - 1, SLOT + 10])
def test_a_file_cut_short_is_not_whole(folder: Path, length: int) -> None:
    with a_journal(folder) as journal:
        journal.reserve((a_claim(1),))
        journal.begin(a_claim(1))
    journal.path.write_bytes(journal.path.read_bytes()[:length])
    left = the_only(left_behind(folder, STORE))
    assert left == Left(ENGINE, whole=False, noted={})


# While it lives


def test_the_journal_of_a_living_engine_is_not_read(folder: Path) -> None:
    with a_journal(folder) as journal:
        journal.reserve((a_claim(1),))
        journal.begin(a_claim(1))
        assert left_behind(folder, STORE) == ()
        assert left_behind(folder, STORE, ENGINE) == ()
    assert the_only(left_behind(folder, STORE)).engine == ENGINE


def test_a_full_ring_never_overflows(folder: Path) -> None:
    with a_journal(folder, slots=3) as journal:
        for start in range(0, 300, 3):
            claims = tuple(a_claim(start + each) for each in range(3))
            journal.reserve(claims)
            for claim in claims:
                journal.begin(claim)
                journal.reply(Outcome(claim, S.SENT, "250 " + "x" * 1000))
            assert journal.path.stat().st_size == 4 * SLOT
            journal.free(claims)
        journal.reserve(claims)
        with pytest.raises(IndexError):  # a fault of ours: a window is never larger than its ring
            journal.reserve((a_claim(1000),))
    assert set(the_only(left_behind(folder, STORE)).noted) == {key_of(claim) for claim in claims}


def test_a_ring_is_given_back_in_any_order(folder: Path) -> None:
    with a_journal(folder, slots=2) as journal:
        one, two, three = a_claim(1), a_claim(2), a_claim(3)
        journal.reserve((one, two))
        journal.begin(two)
        journal.free((one,))
        journal.reserve((three,))
        journal.begin(three)
    assert set(the_only(left_behind(folder, STORE)).noted) == {key_of(two), key_of(three)}


def test_a_journal_whose_results_the_ledger_has_goes_away(folder: Path) -> None:
    with a_journal(folder) as journal:
        journal.discard()
    assert list(folder.iterdir()) == []
    remove(folder, STORE, ENGINE)  # twice is once


# Names


def test_a_journal_is_found_by_its_store_and_its_engine(folder: Path) -> None:
    for store, engine in ((STORE, "one"), (STORE, "two-with-dashes"), ("0" * 32, "one")):
        with Journal(folder, store, engine, 1):
            pass
    assert [left.engine for left in left_behind(folder, STORE)] == ["one", "two-with-dashes"]
    assert all(left.whole for left in left_behind(folder, STORE))
    assert [left.engine for left in left_behind(folder, STORE, "two-with-dashes")] == ["two-with-dashes"]
    assert left_behind(folder, STORE, "*") == ()
    remove(folder, STORE, "one")
    assert [left.engine for left in left_behind(folder, "0" * 32)] == ["one"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "mailing-started-000000000000-one",
        "mailing-started-5eed5eed5eed-two-with-dashes",
    ]


def test_a_journal_is_for_its_owners_eyes_only(folder: Path) -> None:
    with a_journal(folder) as journal:
        assert journal.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [f"mailing-started-5eed5eed5eed-{ENGINE}"]


def test_what_is_no_journal_is_passed_over(folder: Path) -> None:
    (folder / f"mailing-started-{STORE[:12]}-folder").mkdir()
    (folder / f"mailing-started-{STORE[:12]}-link").symlink_to(folder / "elsewhere")
    (folder / "elsewhere").write_bytes(b"theirs")
    assert left_behind(folder, STORE) == ()


def test_a_folder_that_cannot_hold_it_is_told(folder: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory") as caught:
        a_journal(folder / "missing")
    assert "writable" in caught.value.remedy


def a_journal(folder: Path, slots: int = 5) -> Journal:
    return Journal(folder, STORE, ENGINE, slots)


def a_claim(subscriber: int, *, attempt: int = 1) -> Claim:
    return Claim(7, subscriber, 1, "ann@example.org", "", attempt=attempt)


def the_only(found: tuple[Left, ...]) -> Left:
    (left,) = found
    return left

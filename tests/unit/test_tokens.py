"""Tokens that nobody else can make, and the file of keys that makes them."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import UsageError
from publisher.tokens import (
    ERASURE_VARIABLE,
    FILE,
    KEYS_VARIABLE,
    WRONG,
    Keys,
    Outcome,
    Purpose,
    Read,
    load_keys,
    rotate,
)

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
OLD, NEW = "an older key, long enough", "the newest key, long enough"
KEYS = Keys(dict.fromkeys(Purpose, (NEW, OLD)), "the key of those who left")
TOKEN = KEYS.sign(Purpose.CONFIRM, (3, 71, "weekly"), NOW)
IDS = st.lists(st.integers() | st.text(max_size=20), max_size=5).map(tuple)
VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=1)


def read(token: str, *, keys: Keys = KEYS, purpose: Purpose = Purpose.CONFIRM, now: datetime = NOW) -> Read:
    return keys.read(purpose, token, WEEK, now)


# Tokens


@given(st.sampled_from(Purpose), IDS)
def test_a_token_gives_back_its_ids(purpose: Purpose, ids: tuple[int | str, ...]) -> None:
    token = KEYS.sign(purpose, ids, NOW)
    assert KEYS.read(purpose, token, WEEK, NOW) == Read(Outcome.GOOD, ids)
    assert re.fullmatch(r"[A-Za-z0-9_~-]+", token), "nothing in it is to be quoted"


@given(st.integers(0, len(TOKEN) - 1), VISIBLE | st.characters())
def test_a_token_with_any_character_changed_is_wrong(place: int, other: str) -> None:
    changed = TOKEN[:place] + other + TOKEN[place + 1 :]
    assert changed == TOKEN or read(changed) == WRONG


def test_a_token_with_any_bit_flipped_is_wrong() -> None:
    for place in range(len(TOKEN)):
        for bit in range(8):
            changed = bytearray(TOKEN.encode())
            changed[place] ^= 1 << bit
            assert read(changed.decode("latin-1")) == WRONG, (place, bit)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]+~[A-Za-z0-9_-]{1,12}~[A-Za-z0-9_-]{24}", fullmatch=True))
def test_what_others_write_is_wrong(token: str) -> None:
    assert read(token) == WRONG


@pytest.mark.parametrize("token", ["", TOKEN + "A", TOKEN + "\n", TOKEN + "=", " " + TOKEN, TOKEN[:-1], TOKEN * 99])
def test_what_stands_around_a_token_makes_it_wrong(token: str) -> None:
    assert read(token) == WRONG


def test_a_token_for_one_thing_is_wrong_for_another_under_the_same_keys() -> None:
    for purpose in Purpose:
        assert (read(TOKEN, purpose=purpose) == WRONG) is (purpose is not Purpose.CONFIRM)


def test_a_token_expires_and_says_whose_it_was() -> None:
    assert read(TOKEN, now=NOW + WEEK).outcome is Outcome.GOOD
    assert read(TOKEN, now=NOW + WEEK + timedelta(seconds=1)) == Read(Outcome.EXPIRED, (3, 71, "weekly"))
    assert KEYS.read(Purpose.CONFIRM, TOKEN, None, NOW + 999 * WEEK).outcome is Outcome.GOOD


def test_a_clock_that_is_behind_the_signers_does_not_refuse() -> None:
    assert read(TOKEN, now=NOW - timedelta(minutes=1)).outcome is Outcome.GOOD


def test_the_newest_key_signs_and_every_key_is_read() -> None:
    only_old, only_new = (replace(KEYS, lists=dict.fromkeys(Purpose, (key,))) for key in (OLD, NEW))
    assert read(TOKEN, keys=only_new).outcome is Outcome.GOOD
    assert read(TOKEN, keys=only_old) == WRONG
    assert read(only_old.sign(Purpose.CONFIRM, (1,), NOW)).outcome is Outcome.GOOD


def test_a_bounce_address_keeps_within_what_rfc_5321_allows() -> None:
    token = KEYS.sign(Purpose.BOUNCE, (99_999, 9_999_999), NOW)
    assert len(f"bounce+{token}") <= 64


def test_a_forgotten_address_leaves_a_hash_that_only_the_erasure_key_makes() -> None:
    left = KEYS.erased("ann@example.org")
    assert re.fullmatch(r"[0-9a-f]{64}", left)
    assert left == replace(KEYS, lists={}).erased("ann@example.org")
    assert left != replace(KEYS, erasure="another key of those who left").erased("ann@example.org")
    assert left != KEYS.erased("ben@example.org")


def test_what_is_printed_of_keys_shows_none() -> None:
    assert repr(KEYS) == "Keys()"


# The file


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / FILE
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


GOOD_FILE = f"""
erasure = "the key of those who left"
[confirm]
keys = ["{NEW}", "{OLD}"]
[preferences]
keys = ["{OLD}"]
[bounce]
keys = ["{OLD}"]
"""


def refused(folder: Path, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as told:
        load_keys(folder, environment or {}, make=False)
    return str(told.value)


def test_keys_are_made_on_first_need_and_never_again(tmp_path: Path) -> None:
    made = load_keys(tmp_path, {}, make=True)
    path = tmp_path / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    assert load_keys(tmp_path, {}, make=True) == load_keys(tmp_path, {}, make=False) == made
    assert path.read_bytes() == before
    assert names_in(tmp_path) == [FILE]
    keys = {key for purpose in Purpose for key in made.lists[purpose]} | {made.erasure}
    assert len(keys) == len(Purpose) + 1, "each has a key of its own"


def test_keys_are_not_made_by_who_only_looks(tmp_path: Path) -> None:
    told = refused(tmp_path)
    assert f"there is no {tmp_path / FILE}" in told
    assert KEYS_VARIABLE in told
    assert not names_in(tmp_path)


def test_a_file_that_an_author_wrote_is_read(tmp_path: Path) -> None:
    written(tmp_path, "\ufeff" + GOOD_FILE, 0o640)
    keys = load_keys(tmp_path, {}, make=True)
    assert keys.lists[Purpose.CONFIRM] == (NEW, OLD)
    assert keys.erasure == KEYS.erasure


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("erasure = [", "not valid TOML"),
        ("erasure = 1" + "1" * 5000, "not valid TOML"),
        (b"erasure = '\xff'", "not UTF-8"),
        ("", "[confirm] keys: error: there is no key"),
        ("", "erasure: error: there is no key"),
        (GOOD_FILE.replace(f'"{NEW}", "{OLD}"', ""), "[confirm] keys: error: there is no key"),
        (GOOD_FILE.replace(f'["{NEW}", "{OLD}"]', f'"{NEW}"'), "[confirm] keys: error: there is no key"),
        (GOOD_FILE.replace(NEW, "fifteen letters"), "[confirm] keys: error: a key is shorter than 16"),
        (GOOD_FILE.replace(f'"{NEW}"', "1234567890123456"), "[confirm] keys: error: a key is no text"),
        (GOOD_FILE.replace(NEW, "sixteen and \\u0000 more"), "[confirm] keys: error: a key is no text"),
        (GOOD_FILE.replace("those who left", "x"), "erasure: error: a key is shorter"),
        (GOOD_FILE.replace('erasure = "', 'erasure = 7 # "'), "erasure: error: a key is no text"),
        (GOOD_FILE + "[confrim]\n", "confrim is unknown"),
        ("confirm = 3\n", "[confirm] keys: error: there is no key"),
    ],
)
def test_a_file_with_faults_is_refused_by_name(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = written(tmp_path, text)
    message = refused(tmp_path)
    assert told in message
    assert str(path) in message
    assert NEW not in message, "a fault shows no key"


def test_a_file_that_everybody_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD_FILE, 0o644)
    assert f"chmod o= {path}" in refused(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.mkdir(0o700)
    assert str(path) in refused(tmp_path)
    path.rmdir()
    os.mkfifo(path, 0o600)
    assert "is no file" in refused(tmp_path)
    path.unlink()
    path.symlink_to(FILE)
    assert "cannot be read" in refused(tmp_path)


def test_a_folder_that_cannot_hold_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"cannot be made: No such file.*\n.*{KEYS_VARIABLE}"):
        load_keys(tmp_path / "missing", {}, make=True)


# The environment


def test_the_environment_takes_the_place_of_the_file(tmp_path: Path) -> None:
    environment = {KEYS_VARIABLE: f" {NEW.replace(',', '')} ,, older-key-older-key,", ERASURE_VARIABLE: KEYS.erasure}
    keys = load_keys(tmp_path, environment, make=True)
    assert not names_in(tmp_path), "no file is needed"
    assert keys == Keys(dict.fromkeys(Purpose, ("the newest key long enough", "older-key-older-key")), KEYS.erasure)


def test_what_the_environment_leaves_out_is_the_files(tmp_path: Path) -> None:
    written(tmp_path, GOOD_FILE)
    some = load_keys(tmp_path, {KEYS_VARIABLE: "sixteen-letters-"}, make=False)
    assert some == Keys(dict.fromkeys(Purpose, ("sixteen-letters-",)), KEYS.erasure)
    other = load_keys(tmp_path, {ERASURE_VARIABLE: "sixteen-letters-", KEYS_VARIABLE: ""}, make=False)
    assert other.lists[Purpose.CONFIRM] == (NEW, OLD)
    assert other.erasure == "sixteen-letters-"


@pytest.mark.parametrize("variable", [KEYS_VARIABLE, ERASURE_VARIABLE])
@pytest.mark.parametrize("value", [" , ", "short", "sixteen-letters-,short", "sixteen\udcffletters-------"])
def test_a_variable_with_faults_is_refused_by_name(tmp_path: Path, variable: str, value: str) -> None:
    written(tmp_path, GOOD_FILE)
    if variable == ERASURE_VARIABLE and "," in value[1:]:
        value = "short"
    assert f"{variable}: error: " in refused(tmp_path, {variable: value})


# A new key


def test_a_new_key_signs_and_the_last_three_are_read(tmp_path: Path) -> None:
    first = load_keys(tmp_path, {}, make=True)
    token = first.sign(Purpose.CONFIRM, (1,), NOW)
    outcomes = []
    for _ in range(3):
        rotate(tmp_path, Purpose.CONFIRM)
        outcomes.append(read(token, keys=load_keys(tmp_path, {}, make=False)).outcome)
    assert outcomes == [Outcome.GOOD, Outcome.GOOD, Outcome.WRONG]
    last = load_keys(tmp_path, {}, make=False)
    assert len(last.lists[Purpose.CONFIRM]) == 3
    assert last.lists[Purpose.BOUNCE] == first.lists[Purpose.BOUNCE]
    assert last.erasure == first.erasure
    assert names_in(tmp_path) == [FILE]


def test_a_new_key_leaves_who_may_read_the_file_and_where_it_lies(tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret"
    elsewhere.mkdir()
    path = written(elsewhere, GOOD_FILE.replace("those who left", "ürgendwem 🗝"), 0o640)
    site = tmp_path / "site"
    site.mkdir()
    (site / FILE).symlink_to(path)
    rotate(site, Purpose.PREFERENCES)
    assert (site / FILE).is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    assert document["erasure"] == "the key of ürgendwem 🗝"
    assert document["preferences"]["keys"][1:] == [OLD]


def test_there_is_no_new_key_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        rotate(tmp_path, Purpose.CONFIRM)

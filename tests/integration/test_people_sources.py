"""What an import is given instead of a good list: pipes, folders, bombs, other bytes. It says so, and stops."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from publisher.errors import UsageError
from publisher.flows import people_source
from publisher.flows.importing import Imported, Terms, import_people
from publisher.flows.letters import Desk
from publisher.model.subscriber import Choice
from publisher.store import people, suppressions
from publisher.tokens import load_keys
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import IO

    from publisher.model.problem import Problem
    from publisher.store.database import Store


class Door:
    """Where lists come in."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.heard: list[Problem] = []

    def take(self, *paths: Path, stdin: IO[bytes] | None = None, digest: str = "conferences", **terms: Any) -> Imported:
        self.heard.clear()
        return import_people(
            self.store,
            Desk(settings(CONFERENCES), self.folder, load_keys(self.folder, {}, make=True)),
            paths,
            Terms(digest, **terms),
            lambda: (),
            NOON,
            tell=self.heard.append,
            progress=lambda *_: None,
            stdin=stdin,
        )

    def text(self, content: str | bytes, name: str = "list.csv", **terms: Any) -> dict[str, int]:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return {fate.name: count for fate, count in self.take(path, **terms).counts.items()}

    def pack(self, members: Mapping[str, str | bytes], name: str = "export.zip") -> Path:
        path = self.folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for member, content in members.items():
                target.writestr(member, content)
        return path

    def states(self) -> dict[str, str]:
        with self.store.reading() as connection:
            return {one.address: one.state.value for one in people.listing(connection, Choice())}


@pytest.fixture
def door(store: Store, tmp_path: Path) -> Door:
    return Door(store, tmp_path)


def refusal(door: Door, *paths: Path, stdin: IO[bytes] | None = None, **terms: Any) -> str:
    with pytest.raises(UsageError) as caught:
        door.take(*paths, stdin=stdin, **terms)
    assert caught.value.remedy
    assert door.states() == {}
    return caught.value.message


# What is no file


def test_a_pipe_is_not_waited_for(door: Door, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert "it is no file" in refusal(door, tmp_path / "pipe.csv")


def test_folders_devices_and_nothing_are_named(door: Door, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "it is a folder" in refusal(door, tmp_path)
    assert "it is no file" in refusal(door, type(tmp_path)("/dev/zero"))
    assert "cannot be read: No such file" in refusal(door, tmp_path / "nobody.csv")
    assert "cannot be read: Not a directory" in refusal(door, tmp_path / "file" / "list.csv")
    assert "no name that a file can have" in refusal(door, tmp_path / "a\0b")


def test_one_bad_list_keeps_all_out(door: Door, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text("email\nann@example.com\n")
    (tmp_path / "bad.csv").write_text("name,age\nAnn,3\n")
    assert "bad.csv has no column of addresses" in refusal(door, tmp_path / "good.csv", tmp_path / "bad.csv")


def test_standard_input_is_read_through_a_pipe(door: Door, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"email,status\nann@example.com,subscribed\nbob@example.com,unsubscribed\n")
    os.close(theirs)
    with os.fdopen(ours, "rb") as stdin:
        done = door.take(type(tmp_path)("-"), stdin=stdin)
    assert done.lists == (("standard input", ""),)
    assert door.states() == {"ann@example.com": "confirmed", "bob@example.com": "unsubscribed"}


def test_what_standard_input_cannot_be(door: Door, tmp_path: Path) -> None:
    here = type(tmp_path)("-")
    assert "is closed" in refusal(door, here)
    assert "a ZIP cannot be read" in refusal(door, here, stdin=io.BufferedReader(io.BytesIO(b"PK\x03\x04rest")))
    assert "no column of addresses" in refusal(door, here, stdin=io.BufferedReader(io.BytesIO(b"")))


# Bytes


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_encodings_are_seen(door: Door, encoding: str) -> None:
    assert door.text("email,name\nann@example.com,Jörg\n".encode(encoding)) == {"ADDED": 1}


def test_an_address_in_other_bytes_is_refused_with_what_to_do(door: Door) -> None:
    assert door.text("email,name\njörg@example.com,Jörg\nann@example.com,Ö\n".encode("latin-1")) == {
        "REFUSED": 1,
        "ADDED": 1,
    }
    assert "holds letters that are not UTF-8" in door.heard[0].message
    assert "UTF-8" in door.heard[0].remedy


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 40, bytes(range(256)) * 9, b"\xff\xfe", b"\0" * 5000, b"%PDF-1.7\n%\xe2\xe3"],
)
def test_what_is_no_text_is_no_list(door: Door, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    try:
        done = door.take(tmp_path / "list.csv")
    except UsageError as fault:
        assert "no column of addresses" in fault.message  # noqa: PT017 - a single column has no title to miss
    else:
        assert set(done.counts) <= {kind.fate for kind in done.kinds if kind.fate.name == "REFUSED"}
    assert door.states() == {}


def test_a_cell_that_never_ends_is_one_bad_line(door: Door) -> None:
    text = "email,note\nann@example.com,x\n" + 'bob@example.com,"' + "y\n" * 100_000 + "cat@example.com,x\n"
    counts = door.text(text)
    assert counts["ADDED"] == 2
    (first, *_) = door.heard
    assert "a quotation mark that is never closed, most likely; lines 3 to" in first.message


def test_a_line_without_end_is_one_bad_line(door: Door) -> None:
    counts = door.text(b"email\nann@example.com\n" + b"x" * (people_source.MOST_LINE * 2 + 7) + b"\nbob@example.com\n")
    assert counts == {"ADDED": 2, "REFUSED": 1}
    assert (door.heard[0].line, "characters" in door.heard[0].message) == (3, True)


def test_a_list_that_is_one_line_without_end_is_no_list(door: Door, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"x" * (people_source.MOST_LINE * 2))
    assert "no column of addresses" in refusal(door, tmp_path / "list.csv")


def test_hostile_cells_reach_no_database_and_no_terminal(door: Door) -> None:
    counts = door.text("email,created\n\x1b[2Jann@example.com,x\nbob@example.com,\0\x1b[2J\n\0@example.com,\n")
    assert counts == {"REFUSED": 2, "ADDED": 1}
    assert all("\x1b" not in each.message and "\0" not in each.message for each in door.heard)


def test_hostile_names_and_tokens_of_an_export(door: Door) -> None:
    head = "email,digest,status,cadence,suppressed,suppressed_at,suppressed_detail,evidence,unsubscribe_token"
    rows = [
        "ann@example.com,\x1b[2J\0,confirmed,weekly,,,,[],token-000000000001",
        f"bob@example.com,{'x' * 50_000},confirmed,weekly,,,,[],token-000000000002",
        "cat@example.com,conferences,confirmed,weekly,bounce,2020-01-01T00:00:00Z,a\0b,[],tok\0en-000000000003",
        "dan@example.com,conferences,confirmed,\x1b[2J,,,,[],token-000000000004",
    ]
    assert door.text("\n".join([head, *rows]), digest="") == {"REFUSED": 3, "ADDED": 1}
    assert all(each.message.isprintable() and len(each.message) < 200 for each in door.heard)
    assert door.text("\n".join([head, rows[2]]), digest="") == {"ALREADY": 1}


def test_the_name_of_a_list_in_a_zip_is_harmless(door: Door) -> None:
    done = door.take(door.pack({"a\x1b[2J.csv": "email\nann@example.com\n"}))
    assert done.lists[0][0].isprintable()


# ZIPs


def test_what_leads_out_of_a_zip_is_refused(door: Door) -> None:
    for name in ("../list.csv", "/etc/list.csv", "a/../../list.csv", "..\\list.csv"):
        assert "leads out of it" in refusal(door, door.pack({name: "email\nann@example.com\n"}))


def test_a_bomb_is_refused(door: Door) -> None:
    bomb = door.pack({"list.csv": b"email\n" + b"\n" * (people_source.SMALL + 1)})
    assert "would unpack to far more" in refusal(door, bomb)


def test_zips_without_a_list_are_refused(door: Door, tmp_path: Path) -> None:
    assert "no CSV file" in refusal(door, door.pack({}))
    assert "no CSV file" in refusal(
        door, door.pack({"readme.txt": "x", "__MACOSX/._list.csv": "x", ".x/list.csv": "x"})
    )
    sheet = door.pack({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, "list.xlsx")
    with pytest.raises(UsageError) as caught:
        door.take(sheet)
    assert "Save the sheet as CSV" in caught.value.remedy
    many = {f"{number}.csv": "email\n" for number in range(people_source.MOST_LISTS + 1)}
    assert "101 lists" in refusal(door, door.pack(many))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing more")
    assert "it is damaged" in refusal(door, tmp_path / "broken.zip")


def test_a_locked_zip_is_refused(door: Door) -> None:
    path = door.pack({"list.csv": "email\nann@example.com\n"})
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02") + 8
    raw[at : at + 2] = struct.pack("<H", struct.unpack("<H", raw[at : at + 2])[0] | 1)
    path.write_bytes(raw)
    assert "locked with a password" in refusal(door, path)


def test_a_zip_that_breaks_in_the_middle_says_so(door: Door) -> None:
    path = door.pack({"list.csv": "email\n" + "".join(f"reader{number}@example.com\n" for number in range(9000))})
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 40] = bytes(40)
    path.write_bytes(raw)
    with pytest.raises(UsageError, match=r"export\.zip/list\.csv cannot be read: it is damaged"):
        door.take(path)


def test_of_several_unknown_lists_in_a_zip_none_is_taken(door: Door) -> None:
    path = door.pack({"readers.csv": "email\nann@example.com\n", "openers.csv": "email\nbob@example.com\n"})
    assert "none of export.zip/readers.csv, export.zip/openers.csv is a list" in refusal(door, path)
    assert door.take(door.pack({"readers.csv": "email\nann@example.com\n"})).counts
    assert door.states() == {"ann@example.com": "confirmed"}


def test_who_left_anywhere_in_the_zip_is_never_a_reader(door: Door) -> None:
    head = "Email Address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID"
    both = f"{head}\nann@example.com,,2020-01-01 00:00:00,1,a\n"
    path = door.pack({"subscribed_x.csv": both, "unsubscribed_x.csv": both, "readme.csv": "a,b\n1,2\n"})
    done = door.take(path)
    assert {fate.name: count for fate, count in done.counts.items()} == {"LEFT": 1, "DUPLICATE": 1}
    assert "readme.csv" in done.said[0].path
    assert door.states() == {"ann@example.com": "unsubscribed"}


# Platforms


def test_a_list_that_does_not_say_who_wants_mail_is_refused(door: Door, tmp_path: Path) -> None:
    renamed = tmp_path / "list.csv"
    renamed.write_text("Email Address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID\nann@example.com,,,1,a\n")
    assert "Mailchimp's, and does not say whether" in refusal(door, renamed)
    renamed.write_text("email,creation_date\nann@example.com,2020-01-01\n")
    assert "Buttondown's, and does not say whether" in refusal(door, renamed)
    renamed.write_text("id,email,complimentary_plan,created_at\n1,ann@example.com,false,2020-01-01\n")
    assert "Ghost's, and does not say whether" in refusal(door, renamed)


def test_columns_tell_where_a_name_was_lost(door: Door) -> None:
    head = "Email Address,LEID,EUID"
    assert door.text(f"{head},UNSUB_TIME\nann@example.com,1,a,2020-01-01 00:00:00\n") == {"LEFT": 1}
    assert door.text(f"{head},CLEAN_TIME\nbob@example.com,2,b,2020-01-01 00:00:00\n") == {"SUPPRESSED": 1}


def test_a_platform_may_be_told(door: Door, tmp_path: Path) -> None:
    (tmp_path / "subscribed_x.csv").write_text("email address\nann@example.com\n")
    done = door.take(tmp_path / "subscribed_x.csv", platform="mailchimp")
    assert done.lists == (("subscribed_x.csv", "Mailchimp"),)
    assert door.text("email,subscribed_to_emails\nbob@example.com,false\n", platform="plain") == {"ADDED": 1}


def test_a_date_that_is_unclear_or_to_come_is_kept_in_words_alone(door: Door) -> None:
    head = "Email Address,CONFIRM_TIME,LEID,EUID"
    rows = "ann@example.com,3/4/2020,1,a\nbob@example.com,2999-01-01 00:00:00,2,b\ncat@example.com,0000-00-00,3,c\n"
    door.text(f"{head}\n{rows}", "subscribed_x.csv")
    with door.store.reading() as connection:
        found = [record.events[0] for record in people.records(connection, Choice())]
    assert [event.at for event in found] == [NOON] * 3
    assert ["3/4/2020" in found[0].evidence, "2999-01-01" in found[1].evidence, "0000" in found[2].evidence] == [
        True
    ] * 3


def test_confirmed_people_are_not_asked_and_a_bounce_is_kept(door: Door) -> None:
    door.text("email\nann@example.com\n")
    text = "email,status,suppressed\nann@example.com,subscribed,bounce\n"
    assert door.text(text) == {"SUPPRESSED": 1}
    assert door.text(text) == {"ALREADY": 1}
    with door.store.reading() as connection:
        assert suppressions.reasons(connection, ["ann@example.com"]) == {"ann@example.com": "bounce"}
    assert door.states() == {"ann@example.com": "confirmed"}


# JSON


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[\n{"email": "ann@example.com"}\n{"email": "bob@example.com"}\n]', 3, "a comma is missing"),
        ('[\n{"email": "ann@example.com"},\n', 3, "not closed with ]"),
        ('[\n{"email": "ann@example.com"},\n{"email": "bob', 3, "no JSON"),
        ('[\n{"email": "ann@example.com"}\n]\n{"x"', 4, "after the end"),
        ('[\n\n"ann@example.com"]', 3, "no record"),
        ("[" * 5000, 1, "no record"),
        ("[" + '{"a":' * 200_000, 1, "nested deeper"),
        ('[{"email": ' + "9" * 5000 + "}]", 1, "more digits"),
        ('[{"email": nobody, "x": "' + "y" * 100 + '"}]', 1, "no JSON"),
    ],
)
def test_odd_json_is_refused_with_its_line(door: Door, tmp_path: Path, text: str, line: int, words: str) -> None:
    (tmp_path / "people.json").write_text(text)
    with pytest.raises(UsageError, match=rf"people\.json, line {line}: .*{words}"):
        door.take(tmp_path / "people.json")


def test_odd_records_are_refused_and_the_others_taken(door: Door) -> None:
    kept = '"digest": "conferences", "status": "confirmed", "cadence": "weekly"'
    records = [
        f'{{"email": "ann@example.com", {kept}}}',
        f'{{"email": 7, {kept}}}',
        f'{{"email": "bob@example.com", {kept}, "evidence": [{{"kind": "bribed", "at": "2020-01-01"}}]}}',
        f'{{"email": "cat@example.com", {kept}, "evidence": "[{{"}}',
        f'{{"email": "dan@example.com", {kept}, "created": "yesterday"}}',
        f'{{"email": "\\ud800@example.com", {kept}}}',
        "{}",
    ]
    text = "[\n" + ",\n".join(records) + "\n]\n"
    assert door.text(text, "people.json", digest="") == {"ADDED": 1, "REFUSED": 6}
    assert [problem.line for problem in door.heard] == [3, 4, 5, 6, 7, 8]
    assert door.text(text.replace("[\n", "").replace("\n]", "").replace(",\n", "\n"), "lines.json", digest="") == {
        "ALREADY": 1,
        "REFUSED": 6,
    }


def test_json_of_somebody_else_is_not_guessed(door: Door, tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text('[{"email": "ann@example.com"}]')
    assert "only as Publisher itself exports it" in refusal(door, tmp_path / "people.json", platform="ghost")

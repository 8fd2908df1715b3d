"""Lists of people come in and go out again, on a real store of each kind."""

from __future__ import annotations

import io
import json
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from publisher.errors import OutputError, UsageError
from publisher.flows import consent, subscribe
from publisher.flows.exporting import export, private_file
from publisher.flows.fates import Fate
from publisher.flows.importing import BATCH, Imported, Terms, import_people
from publisher.flows.letters import Desk
from publisher.flows.people_file import read_table
from publisher.flows.people_lines import guard, unguard
from publisher.mail.addresses import parse_mailbox
from publisher.model.settings import Filter
from publisher.model.subscriber import Choice, SuppressionReason
from publisher.rules.platforms import STATUSES
from publisher.store import people, suppressions
from publisher.store.database import open_store
from publisher.store.tables import consent_event, erasure, letter, subscriber, subscription, suppression
from publisher.tokens import Purpose, load_keys
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Table

    from publisher.model.problem import Problem
    from publisher.store.database import Store

PACES = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"))
TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)), cadences=PACES)


@dataclass
class Office:
    """A site that takes lists in."""

    store: Store
    desk: Desk
    folder: Path
    heard: list[Problem] = field(default_factory=list)
    steps: list[tuple[str, int, int]] = field(default_factory=list)

    def take(
        self, text: str | bytes, digest: str = "conferences", name: str = "list.csv", **terms: bool | str
    ) -> dict[str, int]:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        self.heard.clear()
        done = self.run(Terms(digest, **terms), path)  # type: ignore[arg-type]  # keywords of the same names
        return {fate.name: count for fate, count in done.counts.items()}

    def run(self, terms: Terms, *paths: Path) -> Imported:
        return import_people(
            self.store,
            self.desk,
            paths,
            terms,
            lambda: (item(1),),
            NOON,
            tell=self.heard.append,
            progress=lambda *step: self.steps.append(step),
        )

    @property
    def said(self) -> list[str]:
        return [f"{each.line} {each.level.value}: {each.message}" for each in self.heard]

    def states(self, digest: str = "conferences") -> dict[str, str]:
        found = subscribe.page(self.store, Choice(digest), 1, 0).subscriptions
        return {each.address.partition("@")[0]: each.state.value for each in found}

    def count(self, table: Table) -> int:
        with self.store.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def evidence(self) -> list[str]:
        with self.store.reading() as connection:
            return list(connection.execute(select(consent_event.c.evidence).order_by(consent_event.c.id)).scalars())

    def exported(self, form: str = "csv", choice: Choice | None = None) -> str:
        target = io.StringIO()
        export(self.store, choice or Choice(), target, form)
        return target.getvalue()


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Office:
    desk = Desk(settings(CONFERENCES, TALKS), tmp_path, load_keys(tmp_path, {}, make=True))
    return Office(store, desk, tmp_path)


# What files look like


@pytest.mark.parametrize(
    "text",
    [
        "email\nann@example.org\nbob@example.org\n",
        "ann@example.org\nbob@example.org",
        "ann@example.org\r\n\r\n  bob@example.org  \r\n\r\n",
        'Name,E-Mail\nAnn,ann@example.org\n"Lee, Bob",bob@example.org\n',
        "name;EMAIL;x\nAnn;ann@example.org;1\nBob;bob@example.org\n",
        "Mail\tname\nann@example.org\tAnn\nbob@example.org\tBob\n",
        '"Email Address"\n"ann@example.org"\n"bob@example.org"\n',
        "sep=;\nname;email\nAnn;ann@example.org\nBob;bob@example.org\n",
        "address,email\n1 Example Street,ann@example.org\n2 Example Street,bob@example.org\n",
        "\ufeffemail,name\nann@example.org,Ann\nbob@example.org,Bob\n",
        "ann@example.org;\nbob@example.org;\n",
        b"email,name\nann@example.org,J\xf6rg\nbob@example.org,B\xf6b\n",
        "\ufeffemail\tname\r\nann@example.org\tAnn\r\nbob@example.org\tBob\r\n".encode("utf-16-le"),
    ],
)
def test_lists_as_programs_write_them(office: Office, text: str | bytes) -> None:
    assert office.take(text) == {"ADDED": 2}
    assert office.states() == {"ann": "confirmed", "bob": "confirmed"}


@pytest.mark.parametrize("text", ["name,age\nAnn,3\n", "Ann,ann@example.org\nBob,bob@example.org\n", "", "\n\n"])
def test_a_file_without_a_column_of_addresses_is_refused(office: Office, text: str) -> None:
    with pytest.raises(UsageError, match="no column of addresses"):
        office.take(text)


def test_a_file_that_is_not_there_is_named(office: Office) -> None:
    with pytest.raises(UsageError, match=r"nobody\.csv cannot be read"):
        office.run(Terms("conferences"), office.folder / "nobody.csv")


def test_lines_are_numbered_as_an_editor_numbers_them(office: Office) -> None:
    office.take('\nemail,note\nann@example.org,"two\nlines"\nbad,x\n\nworse,x\n')
    assert [each.line for each in office.heard] == [5, 7]


def test_a_quote_that_is_never_closed_is_told(office: Office) -> None:
    counts = office.take('email,note\nann@example.org,x\nbob@example.org,"' + "y" * 200_000)
    assert counts == {"ADDED": 1, "REFUSED": 1}


@given(
    st.text(st.sampled_from("a@,;\t\r\n\"'= \0\u2028ß.") | st.characters(codec="utf-8"), max_size=200), st.booleans()
)
def test_no_text_breaks_reading(text: str, titled: bool) -> None:
    try:
        table = read_table(io.StringIO(f"email,name\n{text}" if titled else text, newline=""), "list.csv")
        assert all(line.number > 0 for line in table.lines)
    except UsageError as fault:
        assert fault.remedy  # noqa: PT017 - any text may be good or bad


@given(st.text(max_size=20))
def test_guarding_a_cell_is_undone(cell: str) -> None:
    assert unguard(guard(cell)) == cell
    assert guard(cell)[:1] not in set("=+-@\t\r")


# What becomes of lines


def test_every_fate_with_its_line(office: Office) -> None:
    office.take("known@example.org\ngone@example.org\nbounced@example.org\nforgot@example.org\n")
    subscribe.remove(office.store, "gone@example.org", "", NOON)
    subscribe.forget(office.store, office.desk.keys, "forgot@example.org", NOON)
    with office.store.writing() as connection:
        suppressions.suppress(connection, parse_mailbox("never@example.org"), SuppressionReason.COMPLAINT, "", NOON)
    lines = ["email", "new@example.org", "nonsense", "known@example.org", "NEW@example.org"]
    lines += ["gone@example.org", "forgot@example.org", "never@example.org"]
    assert office.take("\n".join(lines)) == {"ADDED": 1, "REFUSED": 4, "ALREADY": 1, "DUPLICATE": 1}
    assert [line.partition(": ")[0] for line in office.said] == [
        "3 error",
        "4 note",
        "5 warning",
        "6 error",
        "7 error",
        "8 error",
    ]
    assert "left, and stays away" in office.said[3]
    assert "was erased" in office.said[4]
    assert "never to be mailed again (complaint)" in office.said[5]
    assert all(each.path == "list.csv" for each in office.heard)
    assert office.states() == {
        "bounced": "confirmed",
        "gone": "unsubscribed",
        "known": "confirmed",
        "new": "confirmed",
    }


def test_importing_again_changes_nothing(office: Office) -> None:
    text = "email,status\n" + "".join(f"{word.replace(' ', '-') or 'none'}@example.org,{word}\n" for word in STATUSES)
    assert set(office.take(text)) == {"ADDED", "WAITING", "LEFT", "SUPPRESSED"}
    tables = (subscriber, subscription, consent_event, suppression)
    before = [office.count(table) for table in tables]
    assert office.take(text) == {"ALREADY": len(STATUSES)}
    assert [office.count(table) for table in tables] == before


def test_what_another_program_says_of_people(office: Office) -> None:
    office.take(
        "email,status\nyes@example.org,Subscribed\nno@example.org,UNSUBSCRIBED\nhard@example.org,bounced\n"
        "spam@example.org,complained\nmaybe@example.org,pending\nodd@example.org,gremlin\n"
    )
    assert office.states() == {"yes": "confirmed", "no": "unsubscribed", "maybe": "pending"}
    assert "the status 'gremlin' is not known" in office.said[0]
    with office.store.reading() as connection:
        found = suppressions.reasons(connection, ["hard@example.org", "spam@example.org"])
    assert found == {"hard@example.org": "bounce", "spam@example.org": "complaint"}


def test_who_wants_no_mail_somewhere_in_the_file_gets_none(office: Office) -> None:
    counts = office.take("email,status\nann@example.org,subscribed\nann@example.org,unsubscribed\n")
    assert counts == {"DUPLICATE": 1, "LEFT": 1}
    assert office.states() == {"ann": "unsubscribed"}


def test_who_wants_no_mail_a_batch_later_gets_none(office: Office) -> None:
    many = "".join(f"reader{number}@example.org,\n" for number in range(BATCH + 200))
    counts = office.take(f"email,status\nann@example.org,\n{many}ann@example.org,unsubscribed\n")
    assert counts == {"ADDED": BATCH + 201, "LEFT": 1}
    assert office.states()["ann"] == "unsubscribed"


def test_a_readers_own_word_is_newer_than_a_list(office: Office) -> None:
    wish = subscribe.Wish("ann@example.org", "conferences")
    subscribe.ask(office.store, office.desk, wish, lambda: (), NOON)
    with office.store.reading() as connection:
        person = people.number_of(connection, parse_mailbox("ann@example.org"))
    token = office.desk.keys.sign(Purpose.CONFIRM, (person, "conferences", 0, "weekly"), NOON)
    consent.confirm(office.store, office.desk, token, lambda: (), NOON)
    assert office.take("email,status\nann@example.org,unsubscribed\n") == {"ALREADY": 1}
    assert office.take("email,status\nann@example.org,complained\n") == {"ALREADY": 1}
    assert office.states() == {"ann": "confirmed"}


def test_dates_and_words_are_kept_as_evidence(office: Office) -> None:
    office.take("email,confirmed_at,created\nann@example.org,2019-05-01 10:00,\n", name="friends.csv")
    told = "the author vouches that they asked for it. confirmed_at: 2019-05-01 10:00. (Read as America/Los_Angeles.)"
    assert office.evidence() == [f"Imported from friends.csv, line 2; {told}"]


def test_a_cadence_comes_from_the_column_or_the_command(office: Office) -> None:
    counts = office.take("email,cadence\nann@example.org,monthly\nbob@example.org,\ncat@example.org,hourly\n", "talks")
    assert counts == {"ADDED": 1, "REFUSED": 2}
    assert office.take("email,cadence\nbob@example.org,\n", "talks", cadence="weekly") == {"ADDED": 1}
    with pytest.raises(UsageError, match="more than one cadence"):
        office.take("bob@example.org", "talks")
    with pytest.raises(UsageError, match="no digest named nothing"):
        office.take("bob@example.org", "nothing")
    with pytest.raises(UsageError, match="does not say which digest"):
        office.take("bob@example.org", "")


def test_asked_people_are_pending_until_they_answer(office: Office) -> None:
    assert office.take("ann@example.org\nbob@example.org", ask=True) == {"ASKED": 2}
    assert office.states() == {"ann": "pending", "bob": "pending"}
    assert office.count(letter) == 2
    office.take("ann@example.org\nbob@example.org", ask=True)
    assert office.count(letter) == 2


def test_a_dry_run_says_the_same_and_does_nothing(office: Office) -> None:
    text = "email\nann@example.org\nbad\nann@example.org\n"
    dry = office.take(text, dry_run=True)
    said = office.said
    assert [office.count(table) for table in (subscriber, subscription, consent_event)] == [0, 0, 0]
    assert office.take(text) == dry
    assert office.said == said


def test_a_dry_run_needs_no_store(office: Office) -> None:
    path = office.folder / "list.csv"
    path.write_text("ann@example.org\n")
    done = import_people(
        None,
        office.desk,
        [path],
        Terms("conferences", dry_run=True),
        lambda: (),
        NOON,
        tell=office.heard.append,
        progress=lambda *_: None,
    )
    assert done.counts == {Fate.ADDED: 1}
    assert [each.remedy for each in done.said] == [
        'If they have read it elsewhere, set start = "now" in [digests.conferences] first.'
    ]


def test_an_import_cut_short_is_finished_by_the_next(office: Office) -> None:
    lines = [f"reader{number}@example.org" for number in range(2500)]
    office.take("\n".join(lines[:1000]))
    assert office.take("\n".join(lines)) == {"ALREADY": 1000, "ADDED": 1500}
    assert len(office.states()) == 2500
    assert office.steps[-1][1] == office.steps[-1][2]


def test_new_readers_begin_where_the_cadence_stands(office: Office) -> None:
    office.take("ann@example.org")
    with office.store.reading() as connection:
        (row,) = connection.execute(select(subscription)).all()
    assert (row.cursor, row.since, row.generation) == (0, 0, 0)
    assert len(row.unsubscribe_token) == 32


# And out again


def test_an_export_is_imported_again_without_loss(office: Office, tmp_path: Path) -> None:
    office.take("=cmd@example.org\nann@example.org\nJörg@bücher.example.org\n")
    office.take("email,cadence\nann@example.org,monthly\n", "talks")
    office.take("email,status\nno@example.org,unsubscribed\nmaybe@example.org,pending\nspam@example.org,complained\n")
    with office.store.writing() as connection:
        suppressions.suppress(connection, parse_mailbox("ann@example.org"), SuppressionReason.BOUNCE, "", NOON)
    first = office.exported()
    with open_store_at(tmp_path / "other.sqlite3") as other:
        again = replace(office, store=other)
        assert again.take(first, "") == {"ADDED": 4, "LEFT": 1, "WAITING": 1, "SUPPRESSED": 1}
        assert again.exported() == first
        assert again.take(again.exported(), "") == {"ALREADY": 7}


def test_an_export_brings_nobody_back(office: Office) -> None:
    office.take("ann@example.org\nbob@example.org")
    kept = office.exported()
    subscribe.remove(office.store, "ann@example.org", "", NOON)
    subscribe.forget(office.store, office.desk.keys, "bob@example.org", NOON)
    assert office.take(kept, "") == {"REFUSED": 2}
    assert office.count(erasure) == 1


def test_one_digest_of_an_export_is_taken_alone(office: Office) -> None:
    office.take("ann@example.org")
    office.take("ann@example.org\nbob@example.org", "talks", cadence="weekly")
    text = office.exported()
    subscribe.forget(office.store, office.desk.keys, "cat@example.org", NOON)
    assert office.take(text, "talks") == {"OTHER": 1, "ALREADY": 2}


def test_no_cell_of_an_export_is_a_formula(office: Office) -> None:
    office.take("email,created\n=HYPERLINK@example.org,+1\n-x@example.org,@SUM\n")
    text = office.exported()
    assert "'=HYPERLINK@example.org" in text
    assert all(not cell.startswith(("=", "+", "-", "@")) for line in text.splitlines() for cell in line.split(","))


def test_an_export_for_programs(office: Office) -> None:
    assert json.loads(office.exported("json")) == []
    office.take("ann@example.org\nbob@example.org")
    first, second = json.loads(office.exported("json"))
    assert (first["email"], first["status"], second["email"]) == ("ann@example.org", "confirmed", "bob@example.org")
    assert first["evidence"][0]["kind"] == "imported"
    (only,) = json.loads(office.exported("json", Choice(matching="bob")))
    assert only["email"] == "bob@example.org"


def test_a_large_export_keeps_each_to_their_own(office: Office) -> None:
    office.take("email,created\n" + "".join(f"r{number:04}@example.org,on day {number:04}\n" for number in range(1100)))
    rows = json.loads(office.exported("json"))
    assert len(rows) == 1100
    assert all(f"on day {row['email'][1:5]}" in row["evidence"][0]["evidence"] for row in rows)


def test_a_file_of_people_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("older, and open to all")
    path.chmod(0o644)
    with private_file(path) as target:
        target.write("email\n")
        assert path.read_text() == "older, and open to all"
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("email\n", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["people.csv"]


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"), private_file(tmp_path / "missing" / "people.csv"):
        pass
    path = tmp_path / "people.csv"
    path.write_text("older")
    with pytest.raises(ZeroDivisionError), private_file(path):
        raise ZeroDivisionError
    assert [each.name for each in tmp_path.iterdir()] == ["people.csv"]
    assert path.read_text() == "older"


@contextmanager
def open_store_at(path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{path.name}", path.parent)) as opened:
        yield opened

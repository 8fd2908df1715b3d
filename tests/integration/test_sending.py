"""Subscribing, drafting and delivering on a real store, with mail kept in memory or a maildir."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from publisher.errors import MailError, TemplateError, UsageError
from publisher.flows import issuing, subscribe
from publisher.flows.deliver import deliver
from publisher.flows.digest import Occasion, draft, preview
from publisher.flows.newness import find_cadence, find_digest
from publisher.flows.send import Sent, send
from publisher.flows.subscribe import Change, Wish
from publisher.mail.transports import Maildir, MemoryTransport
from publisher.model.issue import IssueState
from publisher.model.settings import Filter, MailSettings
from publisher.store.database import Store, open_store
from publisher.store.lock import engine_lock
from publisher.store.tables import consent_event, delivery, suppression
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from publisher.mail.compose import Message
    from publisher.mail.transports import Session, Transport
    from publisher.model.entry import Item
    from publisher.model.reply import Reply
    from publisher.model.settings import Settings

TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)))


@dataclass
class Desk:
    """A site's digest at work: its store, its posts, and the mail that left."""

    folder: Path
    store: Store
    settings: Settings = field(default_factory=lambda: settings(CONFERENCES, TALKS))
    items: tuple[Item, ...] = ()
    mail: MemoryTransport = field(default_factory=MemoryTransport)
    moment: datetime = NOON  # of the last sending, a week later each time

    def publish(self, *numbers: int, tags: tuple[str, ...] = ("conference",)) -> None:
        made = [*self.items, *(item(number, tags=tags) for number in numbers)]
        self.items = tuple(sorted(made, key=lambda each: each.entry.published, reverse=True))

    def add(self, *people: str, digest: str = "conferences") -> Change:
        for person in people:
            wish = Wish(f"{person}@example.org", digest)
            done = subscribe.add(self.store, self.settings, wish, lambda: self.items, NOON)
        return done.change

    def remove(self, person: str, digest: str = "conferences") -> None:
        subscribe.remove(self.store, f"{person}@example.org", digest, NOON)

    def occasion(self, digest: str = "conferences") -> Occasion:
        found = find_digest(self.settings, digest)
        return Occasion(self.settings, found, "weekly", self.folder, self.items, NOON)

    def send(
        self, digest: str = "conferences", through: Transport | None = None, *, agree: bool = True, days: int = 7
    ) -> Sent:
        self.moment += timedelta(days=days)
        occasion = replace(self.occasion(digest), now=self.moment)
        clock = lambda: self.moment  # noqa: E731 - the shortest frozen clock
        return send(self.store, occasion, through or self.mail, clock, engine="test", agree=lambda _: agree)

    def got(self) -> list[tuple[str, str]]:
        """List recipient and subject of every message, in the order they left."""
        read = [message_from_bytes(m.content, policy=default) for m in self.mail.messages.values()]
        return [(str(m["To"]).partition("@")[0], str(m["Subject"]).partition(": ")[2]) for m in read]

    def states(self) -> list[str]:
        with self.store.reading() as connection:
            query = select(delivery.c.state).order_by(delivery.c.issue, delivery.c.subscriber)
            return list(connection.execute(query).scalars())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        yield Desk(tmp_path, store)


def test_what_is_new_goes_to_each_reader_once_and_then_nothing_is_sent(desk: Desk) -> None:
    desk.publish(1, 2)
    desk.add("ann", "ben")
    desk.send()
    assert desk.got() == [("ann", "Post 2 and one more"), ("ben", "Post 2 and one more")]
    again = desk.send()
    assert again.drafted is None
    assert again.outlook.plan.subscribed == 2
    assert len(desk.got()) == 2


def test_the_next_issue_holds_only_what_came_since(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    desk.send()
    desk.publish(2)
    sent = desk.send()
    assert sent.drafted is not None
    assert sent.drafted.number == 2
    assert desk.got()[1:] == [("ann", "Post 2")]


def test_an_old_date_does_not_make_a_new_post_old(desk: Desk) -> None:
    desk.publish(9)
    desk.add("ann")
    desk.send()
    desk.publish(3)
    desk.send()
    assert desk.got()[1:] == [("ann", "Post 3")]


def test_who_comes_later_begins_where_the_cadence_stands(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    desk.send()
    desk.add("ben")
    assert desk.send().drafted is None
    desk.publish(2)
    desk.send()
    assert desk.got()[1:] == [("ann", "Post 2"), ("ben", "Post 2")]


def test_starting_now_means_that_what_stands_is_given(desk: Desk) -> None:
    desk.settings = settings(replace(CONFERENCES, start="now"))
    desk.publish(1, 2)
    desk.add("ann")
    assert desk.send().drafted is None
    desk.publish(3)
    desk.send()
    assert desk.got() == [("ann", "Post 3")]


def test_the_baseline_is_told_once(desk: Desk) -> None:
    desk.publish(1, 2)
    first = subscribe.add(desk.store, desk.settings, Wish("a@example.org", "conferences"), lambda: desk.items, NOON)
    assert ["already counts as new (2 entries" in str(problem) for problem in first.said] == [True]
    assert desk.send().outlook.said == ()


def test_a_widened_filter_mails_no_old_posts(desk: Desk) -> None:
    desk.publish(1)
    desk.publish(2, tags=("talk",))
    desk.add("ann")
    desk.send()
    wider = replace(CONFERENCES, filter=Filter(tags=("conference", "talk")))
    desk.settings = settings(wider)
    sent = desk.send()
    assert sent.drafted is None
    assert "newly lets in counts as given (1 entry)" in str(sent.outlook.said[0])
    desk.publish(3, tags=("talk",))
    desk.send()
    assert desk.got()[1:] == [("ann", "Post 3")]


def test_an_entry_of_two_digests_reaches_a_reader_of_both_once(desk: Desk) -> None:
    desk.publish(1, tags=("conference", "talk"))
    desk.publish(2, tags=("talk",))
    desk.add("ann")
    desk.add("ann", "ben", digest="talks")
    desk.send()
    desk.send("talks")
    assert sorted(desk.got()) == [("ann", "Post 1"), ("ann", "Post 2"), ("ben", "Post 2 and one more")]


def at(host: str, one: Item) -> Item:
    """The same post on a site of another address."""
    return replace(one, entry=replace(one.entry, id=f"https://{host}/1/", url=f"https://{host}/1/"))


def test_a_post_under_a_new_id_is_named_and_not_mailed(desk: Desk) -> None:
    desk.publish(1)
    desk.items = (at("old.blog.de", desk.items[0]),)
    desk.add("ann")
    desk.send()
    desk.items = (at("new.blog.de", desk.items[0]),)
    sent = desk.send()
    assert sent.drafted is None
    assert "looks like https://old.blog.de/1/" in str(sent.outlook.said[0])


def test_what_was_tried_before_the_site_had_an_address_is_the_same_under_its_own(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    sent = desk.send()
    assert sent.drafted is not None
    desk.add("ben")
    desk.publish(2)
    desk.items = (desk.items[0], at("blog.de", desk.items[1])) if desk.items[1].entry.id.endswith("/1/") else desk.items
    sent = desk.send()
    assert sent.outlook.said == ()
    assert desk.got() == [("ann", "Post 1"), ("ann", "Post 2"), ("ben", "Post 2")]


def test_what_nobody_was_mailed_before_the_site_had_an_address_is_mailed_after(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    desk.items = (at("blog.de", desk.items[0]),)
    sent = desk.send()
    assert sent.outlook.said == ()
    assert desk.got() == [("ann", "Post 1")]


def test_who_leaves_after_the_drafting_gets_nothing(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann", "ben")
    draft(desk.store, desk.occasion())
    desk.remove("ann")
    deliver(desk.store, desk.mail, "test", lambda: NOON)
    assert desk.got() == [("ben", "Post 1")]
    assert desk.states() == ["released", "sent"]


def test_a_suppressed_address_is_neither_mailed_nor_added(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann", "ben")
    draft(desk.store, desk.occasion())
    with desk.store.writing() as connection:
        row = {"key": "ben@example.org", "reason": "complaint", "detail": "", "at": NOON}
        connection.execute(suppression.insert().values(row))
    deliver(desk.store, desk.mail, "test", lambda: NOON)
    assert desk.got() == [("ann", "Post 1")]
    with pytest.raises(UsageError, match="never to be mailed"):
        desk.add("ben")


def test_coming_back_keeps_the_token_and_begins_where_the_cadence_stands(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann", "ben")
    before = subscribe.listing(desk.store)[0]
    desk.remove("ann")
    desk.send()
    assert desk.add("ann") is Change.CAME_BACK
    after = subscribe.listing(desk.store)[0]
    assert after.token == before.token
    assert desk.send().drafted is None


def test_adding_again_changes_nothing_and_case_makes_no_second_person(desk: Desk) -> None:
    assert desk.add("ann") is Change.ADDED
    assert desk.add("ANN") is Change.NONE
    assert len(subscribe.listing(desk.store)) == 1


def test_the_authors_word_is_kept_as_evidence(desk: Desk) -> None:
    desk.add("ann")
    desk.add("ann")
    desk.remove("ann")
    with desk.store.reading() as connection:
        rows = connection.execute(select(consent_event.c.kind, consent_event.c.wording)).all()
    assert [tuple(row) for row in rows] == [("vouched", "author-1"), ("removed", "author-1")]


def test_a_wrong_name_of_a_digest_is_told_with_the_nearest(desk: Desk) -> None:
    with pytest.raises(UsageError) as caught:
        desk.add("ann", digest="conference")
    assert "Did you mean conferences?" in str(caught.value)


def test_a_digest_of_several_paces_wants_to_hear_which() -> None:
    digest = replace(CONFERENCES, cadences=(("weekly", "mon 09:00"), ("monthly", "first mon 09:00")))
    with pytest.raises(UsageError, match="more than one cadence"):
        find_cadence(digest, "")
    assert find_cadence(digest, "monthly") == "monthly"


def test_the_author_may_say_no(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    assert desk.send(agree=False).drafted is None
    assert desk.got() == []
    desk.send()
    assert desk.got() == [("ann", "Post 1")]


@pytest.mark.parametrize(
    ("mail", "key"),
    [
        (MailSettings(postal_address="x"), "from"),
        (MailSettings(sender="Ann <ann@nowhere>", postal_address="x"), "from"),
        (MailSettings(sender="a@example.com", reply_to="nobody", postal_address="x"), "reply_to"),
        (MailSettings(sender="a@example.com"), "postal_address"),
    ],
)
def test_faults_of_the_mail_settings_come_before_anything_is_drafted(desk: Desk, mail: MailSettings, key: str) -> None:
    desk.publish(1)
    desk.add("ann")
    desk.settings = replace(desk.settings, mail=mail)
    with pytest.raises(MailError, match=rf"\[mail\] {key}"):
        desk.send()
    assert desk.states() == []


def test_a_broken_template_drafts_nothing_and_is_named_with_its_line(desk: Desk) -> None:
    folder = desk.folder / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "issue.mjml.j2").write_text("<mjml>\n<mj-body>\n<mj-section></mj-body></mjml>\n")
    desk.publish(1)
    desk.add("ann")
    with pytest.raises(TemplateError, match=r"issue\.mjml\.j2:3: error: the tags do not match"):
        desk.send()
    assert desk.states() == []


def test_a_limit_names_the_rest_and_counts_it_as_given(desk: Desk) -> None:
    desk.settings = settings(replace(CONFERENCES, limit=1))
    desk.publish(1, 2, 3)
    desk.add("ann")
    desk.send()
    body = message_from_bytes(next(iter(desk.mail.messages.values())).content, policy=default)
    text_part = next(iter(body.iter_parts())).get_content().replace("\r\n", "\n")
    assert "Also new:\n\n* Post 2\n  https://example.com/posts/2/\n* Post 1" in text_part
    assert desk.send().drafted is None


def test_a_preview_shows_what_a_newcomer_would_get_and_leaves_no_store(tmp_path: Path) -> None:
    entries = (item(2), item(1))
    seen = preview(Occasion(settings(), CONFERENCES, "weekly", tmp_path, entries, NOON))
    assert (seen.fresh, seen.entries) == (True, 2)
    assert "Post 2" in seen.html.read_text()
    assert "Post 1" in seen.text.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["preview"]


def test_a_preview_after_an_issue_says_that_nothing_is_new_and_changes_nothing(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    desk.send()
    seen = preview(desk.occasion())
    assert (seen.fresh, seen.entries) == (False, 1)
    desk.publish(2)
    assert preview(desk.occasion()).subject.endswith(": Post 2")
    with desk.store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM arrival")).scalar() == 1


class Killed(BaseException):
    """Stands for the process dying: nothing catches it."""


@dataclass
class Dying:
    """Passes messages on until its time has come, before or after the fatal one is laid down."""

    inner: Transport
    lives: int
    after: bool
    where: str = "nowhere"
    remembers: bool = True

    def session(self) -> Session:
        return self

    def holds(self, name: str) -> bool:
        return self.inner.holds(name)

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        del following
        self.lives -= 1
        if self.lives < 0:
            if self.after:
                self.inner.session().hand_over(message, starting)
            raise Killed
        return self.inner.session().hand_over(message, starting)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("lives", range(6))
def test_a_run_that_dies_anywhere_and_is_run_again_mails_everyone_once(desk: Desk, lives: int, *, after: bool) -> None:
    desk.publish(1)
    desk.add(*"abcdef")
    outbox = desk.folder / "outbox"
    with pytest.raises(Killed):
        desk.send(through=Dying(Maildir(outbox), lives, after))
    desk.send(through=Maildir(outbox), days=0)
    laid = [message_from_bytes(path.read_bytes())["To"] for path in (outbox / "new").iterdir()]
    assert sorted(laid) == [f"{name}@example.org" for name in "abcdef"]
    assert desk.states() == ["sent"] * 6


def test_a_message_that_its_reader_moved_and_flagged_is_not_laid_down_again(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann", "ben")
    outbox = desk.folder / "outbox"
    with pytest.raises(Killed):
        desk.send(through=Dying(Maildir(outbox), 0, after=True))
    laid = next((outbox / "new").iterdir())
    laid.rename(outbox / "cur" / f"{laid.name}:2,S")
    desk.send(through=Maildir(outbox), days=0)
    assert len([*(outbox / "new").iterdir(), *(outbox / "cur").iterdir()]) == 2


def test_an_outbox_that_fails_leaves_the_rest_planned(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    (desk.folder / "outbox").write_text("a file, no folder")
    with pytest.raises(MailError, match="could not be laid"):
        desk.send(through=Maildir(desk.folder / "outbox"))
    assert desk.states() == ["planned"]
    (desk.folder / "outbox").unlink()
    sent = desk.send(through=Maildir(desk.folder / "outbox"), days=0)
    assert [each.issue.number for each in sent.unfinished.worked_on] == [1]
    assert sent.drafted is None


def test_while_another_run_delivers_ours_leaves_its_messages_to_it(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    assert desk.store.path is not None
    with engine_lock(desk.store.path):
        sent = desk.send()
    assert sent.delivery.elsewhere
    assert desk.states() == ["planned"]
    desk.send(days=0)
    assert desk.got() == [("ann", "Post 1")]


def test_an_issue_that_nobody_worked_on_for_long_waits_for_its_author(desk: Desk) -> None:
    desk.publish(1)
    desk.add("ann")
    draft(desk.store, desk.occasion())
    sent = desk.send(days=3)
    assert desk.got() == []
    assert sent.drafted is None
    (standing,) = issuing.listing(desk.store)
    assert standing.issue.state is IssueState.PAUSED
    assert "nobody has worked on it since 2026-11-23 12:00 UTC" in standing.issue.reason
    issuing.resume(desk.store, "conferences", 1, desk.moment)
    desk.send(days=0)
    assert desk.got() == [("ann", "Post 1")]


KILLED_RUN = """
import sys
from pathlib import Path
from publisher.flows.digest import Occasion
from publisher.flows.send import send
from publisher.mail.transports import Maildir
from publisher.store.database import open_store
from tests.mailing import CONFERENCES, NOON, item, settings
folder = Path(sys.argv[1])
store = open_store("sqlite:///mailing.sqlite3", folder)
print("ready", flush=True)
send(store, Occasion(settings(), CONFERENCES, "weekly", folder, (item(1),), NOON), Maildir(folder / "outbox"),
     lambda: NOON, engine=sys.argv[2], agree=lambda _: True)
print("done", flush=True)
"""


def test_a_process_killed_again_and_again_still_mails_everyone_once(desk: Desk) -> None:
    people = [f"reader{number}" for number in range(150)]
    desk.publish(1)
    desk.add(*people)
    outbox = desk.folder / "outbox" / "new"
    kills = 0
    for wanted in range(20, 140, 20):
        kills += _killed_once_laid(desk.folder, outbox, wanted)
    assert kills >= 3
    _finished(desk.folder)
    laid = [message_from_bytes(path.read_bytes())["To"] for path in outbox.iterdir()]
    assert sorted(laid) == sorted(f"{name}@example.org" for name in people)
    assert desk.states() == ["sent"] * 150


def test_two_runs_at_once_mail_everyone_once(desk: Desk) -> None:
    people = [f"reader{number}" for number in range(40)]
    desk.publish(1)
    desk.add(*people)
    with _start(desk.folder, "one") as one, _start(desk.folder, "two") as two:
        said = [process.communicate(timeout=60)[0].split() for process in (one, two)]
    assert said == [["ready", "done"], ["ready", "done"]]
    laid = [message_from_bytes(path.read_bytes())["To"] for path in (desk.folder / "outbox" / "new").iterdir()]
    assert sorted(laid) == sorted(f"{name}@example.org" for name in people)
    assert desk.states() == ["sent"] * 40


def _start(folder: Path, engine: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, str(folder), engine],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def _killed_once_laid(folder: Path, outbox: Path, wanted: int) -> bool:
    """Start a run and kill it when so many messages lie in the outbox; False when it was done sooner."""
    with _start(folder, f"run-{wanted}") as process:
        while process.poll() is None:
            if outbox.exists() and sum(1 for _ in outbox.iterdir()) >= wanted:
                process.send_signal(signal.SIGKILL)
                process.wait()
        return process.returncode == -signal.SIGKILL


def _finished(folder: Path) -> None:
    with _start(folder, "last") as process:
        out, _ = process.communicate(timeout=60)
    assert out.split() == ["ready", "done"]

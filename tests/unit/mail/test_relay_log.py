"""What the log of a Postfix proves. The lines are those of a real one (3.7), as its postlogd wrote them."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from publisher.mail.relay_log import Proof, prove

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)
SINCE = datetime(2026, 11, 24, 21, 45, 50, tzinfo=UTC)
ACCEPTED, NOT_ACCEPTED, UNKNOWN = Proof.ACCEPTED, Proof.NOT_ACCEPTED, Proof.UNKNOWN

BEGINNING = """\
Nov 24 21:45:33 mail postfix/postfix-script[10661]: starting the Postfix mail system
Nov 24 21:45:33 mail postfix/master[10663]: daemon started -- version 3.7.11, configuration /etc/postfix
"""

# Two accepted in one session, one refused at RCPT, one by its header, one with somebody's words in its subject.
SESSION = """\
Nov 24 21:45:57 mail postfix/smtpd[10856]: connect from unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/smtpd[10856]: 5F1F0984012: client=unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/cleanup[10859]: 5F1F0984012: message-id=<store.1.1@example.com>
Nov 24 21:45:57 mail postfix/qmgr[10665]: 5F1F0984012: from=<bounce+1@example.com>, size=329, nrcpt=1 (queue active)
Nov 24 21:45:57 mail postfix/smtpd[10856]: 5FF18984021: client=unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/cleanup[10859]: 5FF18984021: message-id=<store.1.2@example.com>
Nov 24 21:45:57 mail postfix/qmgr[10665]: 5FF18984021: from=<bounce+2@example.com>, size=329, nrcpt=1 (queue active)
Nov 24 21:45:57 mail postfix/smtpd[10856]: NOQUEUE: reject: RCPT from unknown[127.0.0.1]: 554 5.7.1 \
<refused@example.org>: Recipient address rejected: Access denied; from=<bounce+3@example.com> \
to=<refused@example.org> proto=ESMTP helo=<client.example.com>
Nov 24 21:45:57 mail postfix/smtpd[10856]: 61165984033: client=unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/cleanup[10859]: 61165984033: reject: header Subject: refuse me from unknown[127.0.0.1]; \
from=<bounce+4@example.com> to=<ann@example.org> proto=ESMTP helo=<client.example.com>: 5.7.1 no
Nov 24 21:45:57 mail postfix/smtpd[10856]: 6166E984033: client=unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/cleanup[10859]: 6166E984033: warning: header Subject: warn postfix/cleanup[1]: ABC: \
message-id=<store.1.9@example.com> from unknown[127.0.0.1]; from=<bounce+5@example.com> to=<ann@example.org> \
proto=ESMTP helo=<client.example.com>
Nov 24 21:45:57 mail postfix/cleanup[10859]: 6166E984033: message-id=<store.1.5@example.com>
Nov 24 21:45:57 mail postfix/qmgr[10665]: 6166E984033: from=<bounce+5@example.com>, size=388, nrcpt=1 (queue active)
Nov 24 21:45:57 mail postfix/smtpd[10856]: disconnect from unknown[127.0.0.1] ehlo=1 mail=5 rcpt=4/5 data=3/4 rset=2 \
quit=1 commands=16/18
Nov 24 21:45:57 mail postfix/smtp[10860]: 5F1F0984012: to=<ann@example.org>, relay=127.0.0.1[127.0.0.1]:26252, \
delay=0.03, delays=0.01/0.02/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok)
Nov 24 21:45:57 mail postfix/qmgr[10665]: 5F1F0984012: removed
Nov 24 21:45:57 mail postfix/qmgr[10665]: 5FF18984021: removed
Nov 24 21:45:57 mail postfix/qmgr[10665]: 6166E984033: removed
"""

# A small message cut off in its content: cleanup names it only after its session is over.
CUT = """\
Nov 24 21:45:57 mail postfix/smtpd[10856]: connect from unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/smtpd[10856]: 63A5C984053: client=unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/smtpd[10863]: connect from unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/smtpd[10856]: lost connection after DATA (256 bytes) from unknown[127.0.0.1]
Nov 24 21:45:57 mail postfix/smtpd[10856]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=0/1 \
commands=3/4
Nov 24 21:45:57 mail postfix/cleanup[10859]: 63A5C984053: message-id=<store.1.6@example.com>
Nov 24 21:45:57 mail postfix/smtpd[10863]: AF247984012: client=unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/smtpd[10856]: connect from unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/smtpd[10863]: lost connection after DATA (0 bytes) from unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/smtpd[10863]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=0/1 \
commands=3/4
"""

# The client was gone before the reply to its final dot came. The queue id had been another's a moment ago.
NO_REPLY = """\
Nov 24 21:45:58 mail postfix/smtpd[10856]: 055D3984012: client=unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/cleanup[10859]: 055D3984012: message-id=<store.1.7@example.com>
Nov 24 21:45:58 mail postfix/qmgr[10665]: 055D3984012: from=<bounce+1@example.com>, size=329, nrcpt=1 (queue active)
Nov 24 21:45:58 mail postfix/qmgr[10665]: 055D3984012: removed
Nov 24 21:45:58 mail postfix/smtpd[10856]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 commands=4
"""

# A large one: named, then cut off.
CUT_LARGE = """\
Nov 24 21:45:58 mail postfix/smtpd[10863]: connect from unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/smtpd[10863]: 7FCD0984012: client=unknown[127.0.0.1]
Nov 24 21:45:58 mail postfix/cleanup[10859]: 7FCD0984012: message-id=<store.1.8@example.com>
Nov 24 21:45:59 mail postfix/smtpd[10863]: lost connection after DATA (70176 bytes) from unknown[127.0.0.1]
Nov 24 21:45:59 mail postfix/smtpd[10863]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=0/1 \
commands=3/4
"""

# One accepted, the next in the same session cut off.
SECOND_CUT = """\
Nov 24 21:45:59 mail postfix/smtpd[10863]: connect from unknown[127.0.0.1]
Nov 24 21:45:59 mail postfix/smtpd[10863]: 80CA4984012: client=unknown[127.0.0.1]
Nov 24 21:45:59 mail postfix/cleanup[10859]: 80CA4984012: message-id=<store.1.11@example.com>
Nov 24 21:45:59 mail postfix/qmgr[10665]: 80CA4984012: from=<bounce+1@example.com>, size=330, nrcpt=1 (queue active)
Nov 24 21:45:59 mail postfix/smtpd[10863]: 81582984063: client=unknown[127.0.0.1]
Nov 24 21:45:59 mail postfix/qmgr[10665]: 80CA4984012: removed
Nov 24 21:46:00 mail postfix/smtpd[10863]: lost connection after DATA (112 bytes) from unknown[127.0.0.1]
Nov 24 21:46:00 mail postfix/smtpd[10863]: disconnect from unknown[127.0.0.1] ehlo=1 mail=2 rcpt=2 data=1/2 \
commands=6/7
Nov 24 21:46:00 mail postfix/cleanup[10864]: 81582984063: message-id=<store.1.12@example.com>
"""

# One accepted; of the next, MAIL was refused without a line of its own, and the connection broke at its DATA.
REFUSED_DATA = """\
Nov 24 21:49:42 mail postfix/smtpd[11519]: connect from unknown[127.0.0.1]
Nov 24 21:49:42 mail postfix/smtpd[11519]: 62BE6984031: client=unknown[127.0.0.1]
Nov 24 21:49:42 mail postfix/cleanup[11516]: 62BE6984031: message-id=<store.1.21@example.com>
Nov 24 21:49:42 mail postfix/smtpd[11519]: warning: Illegal address syntax from unknown[127.0.0.1] in MAIL \
command: <<>>a
Nov 24 21:49:42 mail postfix/smtpd[11519]: lost connection after DATA from unknown[127.0.0.1]
Nov 24 21:49:42 mail postfix/smtpd[11519]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1/2 rcpt=1/2 data=1/2 \
commands=4/7
"""

LOCAL = """\
Nov 24 21:49:42 mail postfix/pickup[10664]: B04CE984032: uid=0 from=<root@example.com>
Nov 24 21:49:42 mail postfix/cleanup[11516]: B04CE984032: message-id=<store.1.22@example.com>
Nov 24 21:49:42 mail postfix/qmgr[10665]: B04CE984032: from=<root@example.com>, size=264, nrcpt=1 (queue active)
"""

WHOLE = BEGINNING + SESSION + CUT + NO_REPLY + CUT_LARGE + SECOND_CUT + REFUSED_DATA + LOCAL


def ours(number: int) -> str:
    return f"store.1.{number}@example.com"


def ask(
    log: Path, text: str | bytes, number: int = 1, *, since: datetime = SINCE, over: datetime | None = None
) -> Proof:
    log.write_bytes(text if isinstance(text, bytes) else text.encode())
    return prove(log, [ours(number)], since, NOW, over=over, zone=UTC)[ours(number)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


def iso(text: str) -> str:
    """The same log as a newer rsyslog writes it, in another zone."""
    return re.sub(r"^Nov 24 21:(\d\d:\d\d) ", r"2026-11-24T22:\1.000357+01:00 ", text, flags=re.MULTILINE)


@pytest.mark.parametrize("form", [str, iso])
@pytest.mark.parametrize(
    ("numbers", "proof"),
    [
        ((1, 2, 5, 7, 11, 22), ACCEPTED),
        ((6, 8, 12), NOT_ACCEPTED),  # cut off in their content
        ((3, 4, 9, 99), UNKNOWN),  # refused, or never there: no line of theirs, and the log may begin too late
        ((21,), UNKNOWN),  # named, and nothing more: qmgr may be busy
    ],
)
def test_a_real_log_proves_what_was_done(log: Path, form: type[str], numbers: tuple[int, ...], proof: Proof) -> None:
    log.write_text(form(WHOLE), encoding="utf-8")
    ids = [ours(number) for number in numbers]
    assert prove(log, ids, SINCE, NOW, zone=UTC) == dict.fromkeys(ids, proof)


def test_brackets_may_stand_around_the_id_and_its_case_counts(log: Path) -> None:
    log.write_text(SESSION, encoding="utf-8")
    asked = [f"<{ours(1)}>", ours(1), ours(1).upper()]
    assert list(prove(log, asked, SINCE, NOW, zone=UTC).values()) == [ACCEPTED, ACCEPTED, UNKNOWN]


# No line at all

BEFORE, AFTER = SINCE + timedelta(seconds=30), SINCE + timedelta(seconds=40)  # SESSION lies before, REFUSED_DATA after
SETTLED = SESSION + LOCAL


def test_no_line_in_a_log_that_was_whole_meanwhile_is_a_proof(log: Path) -> None:
    assert ask(log, SETTLED, 99, since=BEFORE, over=AFTER) is NOT_ACCEPTED


@pytest.mark.parametrize(
    ("text", "since", "over"),
    [
        (LOCAL, BEFORE, AFTER),  # nothing from before
        (SESSION, BEFORE, AFTER),  # nothing from after
        (SETTLED, SINCE, AFTER),  # what was accepted came during the doubt
        (SETTLED, BEFORE, None),  # and what came after may have come before the sender was gone
        (SESSION + REFUSED_DATA, BEFORE, AFTER),  # named is not accepted
        (SESSION + LOCAL.replace("mail postfix", "post postfix"), BEFORE, AFTER),  # another machine's
        (SESSION + LOCAL.replace("postfix/", "postfix-in/"), BEFORE, AFTER),  # another Postfix's
    ],
)
def test_a_log_that_does_not_span_the_doubt_proves_nothing(
    log: Path, text: str, since: datetime, over: datetime | None
) -> None:
    assert ask(log, text, 99, since=since, over=over) is UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        "Nov 24 21:47:00 mail postfix/smtpd[77]: ABCDEF12345: client=unknown[127.0.0.1]\n",  # is coming in
        "Nov 24 21:47:00 mail rsyslogd: imuxsock[pid: 1]: 25 messages lost due to rate-limiting\n",
        "Nov 24 21:47:00 mail systemd-journald[1]: Suppressed 123 messages from postfix.service\n",
        "\0\0\0\0\0\0\0\0Nov 24 21:47:00 mail postfix/qmgr[1]: 12345: removed\n",  # the power went
        "x" * 9000 + "\n",
    ],
)
def test_a_log_that_says_it_is_not_whole_proves_nothing_by_its_silence(log: Path, line: str) -> None:
    assert ask(log, SESSION + line + LOCAL, 99, since=BEFORE, over=AFTER) is UNKNOWN


def test_a_session_that_waits_for_its_next_message_takes_nothing_in(log: Path) -> None:
    waiting = SESSION[: SESSION.index("Nov 24 21:45:57 mail postfix/smtpd[10856]: NOQUEUE")]
    assert ask(log, waiting + LOCAL, 99, since=BEFORE, over=AFTER) is NOT_ACCEPTED


# Queue ids come again


def test_an_id_that_is_used_again_says_nothing_of_who_had_it_before(log: Path) -> None:
    named = "Nov 24 21:46:01 mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>\n"
    active = "Nov 24 21:46:09 mail postfix/qmgr[2]: 4A4A4: from=<>, size=1, nrcpt=1 (queue active)\n"
    between = (
        "Nov 24 21:46:02 mail postfix/smtpd[3]: 4A4A4: client=unknown[127.0.0.1]\n",
        "Nov 24 21:46:02 mail postfix/pickup[3]: 4A4A4: uid=0 from=<root>\n",
        "Nov 24 21:46:02 mail postfix/cleanup[1]: 4A4A4: message-id=<other@example.org>\n",
        "Nov 24 21:46:02 mail postfix/qmgr[2]: 4A4A4: removed\n",
    )
    assert ask(log, named + active) is ACCEPTED
    assert ask(log, active + named) is UNKNOWN
    assert {ask(log, named + line + active) for line in between} == {UNKNOWN}


def test_another_postfix_has_queue_ids_of_its_own(log: Path) -> None:
    assert ask(log, SESSION.replace("postfix/qmgr", "postfix-out/qmgr")) is UNKNOWN
    assert ask(log, SESSION.replace("postfix/smtpd", "postfix/submission/smtpd")) is ACCEPTED


def test_a_message_that_was_cut_off_and_then_accepted_was_accepted(log: Path) -> None:
    again = SESSION.replace("store.1.1@", "store.1.6@").replace("21:45:57", "21:48:00")
    assert ask(log, CUT + again, 6) is ACCEPTED


def test_a_message_that_was_cut_off_and_is_named_again_is_unknown(log: Path) -> None:
    assert ask(log, CUT + REFUSED_DATA.replace("store.1.21@", "store.1.6@"), 6) is UNKNOWN


def test_an_attempt_from_before_the_one_in_doubt_does_not_answer_for_it(log: Path) -> None:
    assert ask(log, CUT, 6, since=SINCE + timedelta(minutes=1)) is UNKNOWN


def test_a_client_that_falls_silent_in_the_content_is_cut_off(log: Path) -> None:
    assert ask(log, CUT.replace("lost connection", "timeout"), 6) is NOT_ACCEPTED


# Lines that are not what they look like


@pytest.mark.parametrize(
    "line",
    [
        "Nov 24 21:46:00 mail postfix/cleanup[1]: 4A4A4: warning: header X: message-id=<store.1.1@example.com>",
        "Nov 24 21:46:00 mail postfix/cleanup[1]: 4A4A4: resent-message-id=<store.1.1@example.com>",
        "Nov 24 21:46:00 mail postfix/cleanup[1]: 4A4A4: message-id=<x> message-id=<store.1.1@example.com>",
        "Nov 24 21:46:00 mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com> (twice)",
        "Nov 24 21:46:00 mail postfix/smtpd[1]: 4A4A4: message-id=<store.1.1@example.com>",
        "Nov 24 21:46:00 mail other[1]: postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>",
        "x" * 8192 + "Nov 24 21:46:00 mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>",
        "Nov 31 21:46:00 mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>",
        "2026-11-24T25:46:00Z mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>",
        "mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>",
    ],
)
def test_an_id_anywhere_else_is_nobodys(log: Path, line: str) -> None:
    active = "Nov 24 21:46:09 mail postfix/qmgr[2]: 4A4A4: from=<>, size=1, nrcpt=1 (queue active)"
    assert ask(log, f"{line}\n{active}\n") is UNKNOWN


def test_a_sender_address_cannot_say_that_a_message_is_active(log: Path) -> None:
    named = "Nov 24 21:46:01 mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>\n"
    forged = 'Nov 24 21:46:02 mail postfix/qmgr[2]: 5B5B5: from=<"4A4A4: from=<>, size=1, nrcpt=1 (queue active)"@x>'
    assert ask(log, f"{named}{forged}, size=1, nrcpt=1 (queue active)\n") is UNKNOWN


def test_a_line_that_is_still_being_written_is_left_for_the_next_look(log: Path) -> None:
    text = SESSION[: SESSION.index(", size=329")] + ", size=329, nrcpt=1 (queue active)"
    assert ask(log, text) is UNKNOWN
    assert ask(log, text + "\n") is ACCEPTED


def test_bytes_that_are_no_text_harm_nothing(log: Path) -> None:
    noise = bytes(range(256)) * 50
    assert ask(log, noise + b"\n" + SESSION.encode() + noise) is ACCEPTED


# Files


def test_what_cannot_be_read_proves_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("missing", "pipe", "empty", "loop", "a\0b", "."):
        assert prove(tmp_path / "x" / ".." / name, [ours(1)], SINCE, NOW) == {ours(1): UNKNOWN}, name


def test_the_last_rotation_is_read_too_but_its_silence_proves_nothing(log: Path) -> None:
    log.with_name("mail.log.1").write_text(SESSION + CUT, encoding="utf-8")
    assert ask(log, LOCAL) is ACCEPTED
    assert ask(log, LOCAL, 6) is NOT_ACCEPTED
    assert ask(log, LOCAL, 99, since=BEFORE, over=AFTER) is UNKNOWN
    log.unlink()
    assert prove(log, [ours(1), ours(99)], SINCE, NOW, zone=UTC) == {ours(1): ACCEPTED, ours(99): UNKNOWN}


def test_of_a_large_log_the_part_in_question_is_found(log: Path) -> None:
    one = "{} mail postfix/smtp[1]: 5F1F0984012: to=<ann@example.org>, relay=127.0.0.1[127.0.0.1]:26252, status=sent\n"
    start = SINCE - timedelta(days=20)
    hours = [(start + timedelta(hours=hour)).isoformat(timespec="seconds") for hour in range(20 * 24)]
    earlier = "".join(one.format(hour) * 100 for hour in hours)
    assert len(earlier) > 4 << 20
    text = earlier + iso(WHOLE) + "".join(one.format(NOW.isoformat()) * 30_000)
    assert [ask(log, text, number) for number in (1, 6, 22)] == [ACCEPTED, NOT_ACCEPTED, ACCEPTED]


# Moments without a year or a zone


def named_at(when: str) -> str:
    return (
        f"{when} mail postfix/smtpd[1]: 4A4A4: client=unknown[127.0.0.1]\n"
        f"{when} mail postfix/smtpd[1]: lost connection after DATA (9 bytes) from unknown[127.0.0.1]\n"
        f"{when} mail postfix/cleanup[1]: 4A4A4: message-id=<store.1.1@example.com>\n"
    )


@pytest.mark.parametrize(
    ("when", "now", "moment"),
    [
        ("Dec 31 23:59:59", datetime(2027, 1, 1, 0, 5, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Jan  1 00:00:01", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("Feb 29 10:00:00", datetime(2029, 2, 1, tzinfo=UTC), datetime(2028, 2, 29, 10, tzinfo=UTC)),
    ],
)
def test_the_year_is_the_one_that_now_suggests(log: Path, when: str, now: datetime, moment: datetime) -> None:
    log.write_text(named_at(when), encoding="ascii")
    until, later = moment - timedelta(seconds=5), moment + timedelta(seconds=5)
    assert prove(log, [ours(1)], until, now, zone=UTC)[ours(1)] is NOT_ACCEPTED
    assert prove(log, [ours(1)], later, now, zone=UTC)[ours(1)] is UNKNOWN


def test_an_hour_that_comes_twice_is_read_so_that_nothing_is_proved_too_much(log: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    text = (SESSION + LOCAL).replace("Nov 24 21:", "Oct 25 02:")
    now = datetime(2026, 10, 25, 3, tzinfo=UTC)
    log.write_text(text, encoding="utf-8")

    def silence(since: datetime, over: datetime) -> Proof:
        return prove(log, [ours(99)], since, now, over=over, zone=berlin)[ours(99)]

    first = datetime(2026, 10, 25, 0, 47, tzinfo=UTC)  # 02:47, summer time: the lines may be of either 02:45
    assert silence(first, first) is UNKNOWN
    assert silence(first + timedelta(hours=1), first + timedelta(minutes=1)) is NOT_ACCEPTED


def test_the_zone_is_the_machines_own_where_none_is_given(log: Path) -> None:
    local = NOW.astimezone() - timedelta(minutes=5)
    log.write_text(named_at(f"Nov {local.day:2} {local:%H:%M:%S}"), encoding="ascii")
    assert prove(log, [ours(1)], NOW - timedelta(minutes=6), NOW)[ours(1)] is NOT_ACCEPTED
    assert prove(log, [ours(1)], NOW - timedelta(minutes=4), NOW)[ours(1)] is UNKNOWN

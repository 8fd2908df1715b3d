"""A session with a relay: each stage may refuse, fall silent or break, and it is known how far a message got."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trustme

from publisher.mail import smtp
from publisher.mail.compose import Message
from publisher.mail.relay_url import RelayAddress, parse
from publisher.mail.smtp import SmtpSession, Timeouts, reachable
from publisher.model.reply import Reply, Stage
from tests.servers import (
    CLOSE,
    HANG,
    NOTHING,
    RESET,
    PrivatePostfix,
    ScriptedServer,
    free_port,
    shared_folder,
    smtp_sink,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PIPELINED = ("PIPELINING", "SIZE 10240000", "8BITMIME")
PLAIN = ("SIZE 10240000", "8BITMIME")
BOTH = pytest.mark.parametrize("offers", [PIPELINED, PLAIN], ids=["pipelined", "step by step"])
CONTENT = b"Subject: Hello\r\n\r\nWorld\r\n"
PASSWORD = "open sesame"
SHORT = Timeouts(connect=5, command=0.3, dot=0.3)


def message(recipient: str = "reader@example.com", content: bytes = CONTENT, sender: str = "us@example.org") -> Message:
    return Message("store.1.1", sender, recipient, content)


def address(server: ScriptedServer, *, security: str = "none", user: str = "", host: str = "127.0.0.1") -> RelayAddress:
    return RelayAddress(host, server.port, user, security)


@contextmanager
def session(server: ScriptedServer, timeouts: Timeouts | None = None) -> Iterator[SmtpSession]:
    with closing(SmtpSession(address(server), timeouts=timeouts or Timeouts())) as opened:
        yield opened


def go() -> bool:
    return True


def never() -> bool:
    pytest.fail("asked whether content may leave where none can")


# What goes well


@BOTH
def test_messages_arrive_one_after_another(offers: tuple[str, ...]) -> None:
    with ScriptedServer(offers) as server:
        with session(server) as ours:
            replies = [ours.hand_over(message(f"reader{number}@example.com"), go) for number in range(3)]
        assert replies == [Reply(Stage.CONTENT, 250, "2.0.0", "2.0.0 kept")] * 3
        assert all(reply.accepted for reply in replies)
        assert [one.recipients for one in server.received] == [(f"reader{number}@example.com",) for number in range(3)]
        assert {(one.sender, one.content, one.parameters) for one in server.received} == {
            ("us@example.org", CONTENT, f"SIZE={len(CONTENT)}")
        }
        assert server.connections == 1
        until(lambda: server.commands[-1] == "QUIT", "a goodbye")


def test_the_envelope_leaves_in_one_write_only_where_that_is_offered() -> None:
    written = b"MAIL FROM:<us@example.org>\r\nRCPT TO:<reader@example.com>\r\nDATA\r\n"
    for offers, at_once in ((("PIPELINING",), True), ((), False)):
        with ScriptedServer(offers) as server, session(server) as ours:
            assert ours.hand_over(message(), go).accepted
            assert (written in server.reads) is at_once


@BOTH
def test_the_caller_is_asked_between_354_and_the_first_byte(offers: tuple[str, ...]) -> None:
    with ScriptedServer(offers) as server, session(server) as ours:
        seen: list[tuple[str, bytes]] = []

        def starting() -> bool:
            seen.append((server.commands[-1], server.reads[-1]))
            return True

        assert ours.hand_over(message(), starting).accepted
        assert seen[0][0] == "DATA"
        assert seen[0][1].endswith(b"DATA\r\n")
        assert len(seen) == 1


@BOTH
def test_what_is_withheld_leaves_no_byte(offers: tuple[str, ...]) -> None:
    with ScriptedServer(offers) as server, session(server) as ours:
        assert ours.hand_over(message(), lambda: False) == Reply(Stage.DATA, 0, text="withheld")
        assert ours.hand_over(message("other@example.com"), go).accepted
        assert [one.recipients for one in server.received] == [("other@example.com",)]
        assert server.connections == 2
        assert b"".join(server.reads).count(CONTENT) == 1


def test_when_the_caller_fails_nothing_leaves() -> None:
    def starting() -> bool:
        raise RuntimeError("the disk is full")

    with ScriptedServer() as server, session(server) as ours:
        with pytest.raises(RuntimeError, match="the disk is full"):
            ours.hand_over(message(), starting)
        assert ours.hand_over(message(), go).accepted
        assert len(server.received) == 1


@pytest.mark.parametrize(
    "content",
    [
        b".\r\n",
        b"..\r\n.\r\n...\r\n",
        b".begins\r\n\r\n.\r\nRSET\r\n.\r\n",
        b"a\r\n.",
        b"a\r\n\r\n..b\r\n",
        b"\r\n",
        "Grüße, 日本\r\n".encode(),
        bytes(range(14, 256)) + b"\r\n",
        b"x" * 900_000 + b"\r\n",
    ],
)
def test_content_arrives_as_it_is(content: bytes) -> None:
    with ScriptedServer() as server, session(server) as ours:
        assert ours.hand_over(message(content=content), go).accepted
        assert server.received[0].content.removesuffix(b"\r\n") == content.removesuffix(b"\r\n")
        assert ours.hand_over(message(), go).accepted  # in step


def test_a_message_without_dots_is_sent_as_it_is_promised() -> None:
    with ScriptedServer() as server, session(server) as ours:
        assert ours.hand_over(replace(message(), dotless=True), go).accepted
        assert server.received[0].content == CONTENT


# Who refuses


REFUSALS = [
    (Stage.MAIL, "550 5.7.1 not you"),
    (Stage.MAIL, "451 4.3.0 later"),
    (Stage.RCPT, "550 5.1.1 nobody"),
    (Stage.RCPT, "450 4.2.0 greylisted"),
    (Stage.RCPT, "550 nobody"),
    (Stage.DATA, "554 5.7.1 no"),
    (Stage.DATA, "451 4.3.0 later"),
    (Stage.CONTENT, "554 5.7.1 spam"),
    (Stage.CONTENT, "452 4.3.1 full"),
]


@BOTH
@pytest.mark.parametrize("answer_first", [False, True])
@pytest.mark.parametrize(("stage", "said"), REFUSALS)
def test_the_first_stage_that_refuses_decides_and_the_next_message_is_in_step(
    offers: tuple[str, ...], answer_first: bool, stage: Stage, said: str
) -> None:
    code, _, text = said.partition(" ")
    with ScriptedServer(offers, {stage.value: [said]}, answer_first=answer_first) as server, session(server) as ours:
        reply = ours.hand_over(message("first@example.com"), go if stage is Stage.CONTENT else never)
        assert (reply.stage, reply.code, reply.text, reply.doubtful) == (stage, int(code), text, False)
        assert reply.enhanced == (text.split()[0] if "." in text else "")
        assert ours.hand_over(message("second@example.com"), go).accepted
        assert [one.recipients for one in server.received] == [("second@example.com",)]
        assert not any("nested" in line for line in server.commands)


def test_no_dot_is_sent_where_it_might_be_a_message() -> None:
    """A relay that refuses the sender and takes the recipient all the same is not to be trusted with a dot."""
    script = {"mail": ["550 no"], "rcpt": ["250 yes"]}
    with ScriptedServer(script=script, answer_first=True) as server, session(server) as ours:
        assert ours.hand_over(message(), never).code == 550
        assert ours.hand_over(message(), go).accepted
        assert len(server.received) == 1


@BOTH
def test_a_greylisted_message_is_taken_later(offers: tuple[str, ...]) -> None:
    greylisted = "450 4.2.0 greylisted, try again in 300 seconds"
    with ScriptedServer(offers, {"rcpt": [greylisted, greylisted]}) as server, session(server) as ours:
        replies = [ours.hand_over(message(), go) for _ in range(3)]
        assert [reply.code for reply in replies] == [450, 450, 250]
        assert server.connections == 1
        assert len(server.received) == 1


@BOTH
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.CONTENT])
def test_421_ends_the_connection_and_the_next_message_makes_another(offers: tuple[str, ...], stage: Stage) -> None:
    with ScriptedServer(offers, {stage.value: ["421 4.3.2 going down"]}) as server, session(server) as ours:
        assert ours.hand_over(message(), go) == Reply(stage, 421, "4.3.2", "4.3.2 going down")
        assert ours.hand_over(message(), go).accepted
        assert server.connections == 2


@BOTH
@pytest.mark.parametrize("said", ["421 4.4.2 you said nothing for long", CLOSE, RESET])
def test_a_connection_that_ended_meanwhile_is_made_anew(offers: tuple[str, ...], said: str) -> None:
    with ScriptedServer(offers, {"mail": [None, said]}) as server, session(server) as ours:
        assert [ours.hand_over(message(), go).code for _ in range(3)] == [250, 250, 250]
        assert server.connections == 2
        assert len(server.received) == 3


def test_a_refused_rset_ends_the_connection() -> None:
    with ScriptedServer(script={"rcpt": ["550 no"], "rset": ["500 what?"]}) as server, session(server) as ours:
        assert ours.hand_over(message(), never).code == 550
        assert ours.hand_over(message(), go).accepted
        assert server.connections == 2


# What breaks


@BOTH
@pytest.mark.parametrize("fault", [CLOSE, RESET, HANG, NOTHING, "hello?", "2500 4", "25", "999-a\n999-b", "150 odd"])
@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.CONTENT])
def test_a_break_is_a_reply_and_in_doubt_only_after_the_dot(offers: tuple[str, ...], stage: Stage, fault: str) -> None:
    with ScriptedServer(offers, {stage.value: [fault]}) as server, session(server, SHORT) as ours:
        reply = ours.hand_over(message(), go)
        assert (reply.code, reply.doubtful) == (0, stage is Stage.CONTENT)
        # a reset right after the connection was taken may be seen while it is still being made
        early = {Stage.CONNECT} if (stage, fault) == (Stage.GREETING, RESET) else set()
        assert reply.stage in {stage} | early or fault == NOTHING
        assert ours.hand_over(message("second@example.com"), go).accepted
        assert server.received[-1].recipients == ("second@example.com",)


@BOTH
def test_a_relay_that_closes_while_content_is_written_has_not_taken_it(offers: tuple[str, ...]) -> None:
    content = (b"x" * 998 + b"\r\n") * 30_000
    with ScriptedServer(offers, {"body": [RESET]}) as server, session(server) as ours:
        reply = ours.hand_over(message(content=content), go)
        assert (reply.stage, reply.code, reply.doubtful) == (Stage.CONTENT, 0, False)
        assert ours.hand_over(message(), go).accepted
        assert len(server.received) == 1


def test_a_relay_that_stops_reading_has_not_taken_it() -> None:
    content = (b"x" * 998 + b"\r\n") * 30_000
    with ScriptedServer(script={"body": [HANG]}) as server, session(server, SHORT) as ours:
        assert ours.hand_over(message(content=content), go) == Reply(
            Stage.CONTENT, 0, text="the relay was silent for too long"
        )


def test_last_words_of_a_relay_that_takes_no_more_are_heard() -> None:
    content = (b"x" * 998 + b"\r\n") * 30_000
    with ScriptedServer(script={"body": ["552 5.3.4 too big"]}) as server, session(server, SHORT) as ours:
        reply = ours.hand_over(message(content=content), go)
        assert (reply.stage, reply.code, reply.doubtful) == (Stage.CONTENT, 552, False)


def test_silence_after_the_dot_is_doubt() -> None:
    with ScriptedServer(script={"content": [HANG]}) as server, session(server, SHORT) as ours:
        reply = ours.hand_over(message(), go)
    assert reply == Reply(Stage.CONTENT, 0, text="the relay was silent for too long", doubtful=True)


def test_a_relay_that_is_not_there_is_a_reply() -> None:
    with closing(SmtpSession(RelayAddress("127.0.0.1", free_port(), security="none"))) as ours:
        reply = ours.hand_over(message(), never)
    assert (reply.stage, reply.code) == (Stage.CONNECT, 0)
    assert reply.text.endswith("cannot be reached: Connection refused")


@pytest.mark.parametrize(
    ("script", "stage", "code"),
    [
        ({"greeting": "554 5.7.1 not for you"}, Stage.GREETING, 554),
        ({"greeting": "421 4.3.2 too many"}, Stage.GREETING, 421),
        ({"ehlo": "421 4.3.2 too many"}, Stage.GREETING, 421),
        ({"ehlo": "450 4.3.2 later"}, Stage.GREETING, 450),
        ({"ehlo": CLOSE}, Stage.GREETING, 0),
        ({"ehlo": "500 what?", "helo": "550 5.7.1 not for you"}, Stage.GREETING, 550),
    ],
)
def test_a_greeting_that_turns_us_away_is_a_reply(script: dict[str, str], stage: Stage, code: int) -> None:
    with ScriptedServer(always=script) as server, session(server) as ours:
        reply = ours.hand_over(message(), never)
        assert (reply.stage, reply.code) == (stage, code)


def test_a_server_that_knows_only_helo_is_good_enough() -> None:
    with ScriptedServer(always={"ehlo": "502 5.5.1 what?"}) as server, session(server) as ours:
        assert ours.hand_over(message(), go).accepted
        assert server.received[0].parameters == ""


# Words and addresses


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("250 2.0.0 ok", "2.0.0 ok"),
        ("250", ""),
        ("250-2.0.0 one\n250-2.0.0 two\n250 2.0.0 three", "2.0.0 one two three"),
        ("250 \x1b[31mred\x07\tand\x00so", "[31mred  and so"),
        ("250 " + "ä" * 400, "ä" * 299 + "…"),
        ("250 \udcff bytes", "� bytes"),
    ],
)
def test_a_relays_words_are_one_short_line(said: str, text: str) -> None:
    with ScriptedServer(script={"content": [said]}) as server, session(server) as ours:
        reply = ours.hand_over(message(), go)
    assert (reply.code, reply.text) == (250, text)


def test_an_endless_reply_ends() -> None:
    with ScriptedServer(script={"mail": ["\n".join(["250-more"] * 5000)]}) as server, session(server) as ours:
        assert ours.hand_over(message(), never).code == 0


@pytest.mark.parametrize(
    "recipient",
    ["a@example.com\r\nRSET", "a@example.com\n", "a\0@example.com", "a@example.com>", "<a@example.com", "",
     "\ud800@example.com", "a@example.com\u2028b", "a\x7f@example.com"],
)  # fmt: skip
def test_a_recipient_that_would_leave_its_line_is_not_said(recipient: str) -> None:
    with ScriptedServer() as server, session(server) as ours:
        reply = ours.hand_over(message(recipient), never)
        assert (reply.stage, reply.code, reply.enhanced) == (Stage.RCPT, 0, "5.1.3")
        assert server.connections == 0


@pytest.mark.parametrize(
    "sender", ["us@example.org\r\nDATA", "us@example.org> BODY=8BITMIME", "wir@bücher.example", "\0"]
)
def test_a_sender_that_would_leave_its_line_is_not_said(sender: str) -> None:
    with ScriptedServer() as server, session(server) as ours:
        reply = ours.hand_over(message(sender=sender), never)
        assert (reply.stage, reply.code, reply.enhanced) == (Stage.MAIL, 0, "5.1.7")
        assert server.connections == 0


def test_an_international_address_goes_where_it_is_understood() -> None:
    with ScriptedServer((*PIPELINED, "SMTPUTF8")) as server, session(server) as ours:
        assert ours.hand_over(message("jürgen@example.com"), go).accepted
        assert ours.hand_over(message(), go).accepted
        assert [one.recipients[0] for one in server.received] == ["jürgen@example.com", "reader@example.com"]
        assert [one.parameters for one in server.received] == [
            f"SIZE={len(CONTENT)} SMTPUTF8",
            f"SIZE={len(CONTENT)}",
        ]


def test_an_international_address_is_not_said_where_it_is_not_understood() -> None:
    with ScriptedServer() as server, session(server) as ours:
        reply = ours.hand_over(message("jürgen@example.com"), never)
        assert reply == Reply(
            Stage.RCPT, 0, "5.6.7", "the relay does not take addresses with letters beyond ASCII (RFC 6531)"
        )
        assert ours.hand_over(message(), go).accepted
        assert server.connections == 1
        assert not any("rgen" in line for line in server.commands)


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def identity(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def handed_over(relay: RelayAddress, password: str = "") -> Reply:
    with closing(SmtpSession(relay, password)) as ours:
        return ours.hand_over(message(), go)


def secure(server: ScriptedServer, ca: Path | None, security: str = "starttls", user: str = "") -> RelayAddress:
    return RelayAddress("localhost", server.port, user, security, ca)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_messages_arrive_over_tls(authority: trustme.CA, ca_file: Path, security: str) -> None:
    content = b".\r\n" * 10 + (b"x" * 98 + b"\r\n") * 3000  # several records of TLS
    with ScriptedServer(tls=identity(authority), implicit=security == "tls") as server:
        with closing(SmtpSession(secure(server, ca_file, security))) as ours:
            assert ours.hand_over(message(content=content), go).accepted
            assert ours.hand_over(message(), go).accepted
        assert [one.content for one in server.received] == [content, CONTENT]
        assert server.commands.count("STARTTLS") == (security == "starttls")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_unknown_origin_is_refused(authority: trustme.CA, security: str) -> None:
    with ScriptedServer(tls=identity(authority), implicit=security == "tls") as server:
        reply = handed_over(secure(server, None, security))
        assert (reply.stage, reply.code) == (Stage.TLS, 0)
        assert "not to be trusted" in reply.text
        assert not server.received


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_for_another_host_is_refused(authority: trustme.CA, ca_file: Path, security: str) -> None:
    with ScriptedServer(tls=identity(authority, "other.example"), implicit=security == "tls") as server:
        reply = handed_over(secure(server, ca_file, security, user="me"), PASSWORD)
        assert reply.stage is Stage.TLS
        assert "Hostname mismatch" in reply.text
        assert not any(line.startswith(("AUTH", "MAIL")) for line in server.commands)


def test_without_starttls_nothing_is_said(ca_file: Path) -> None:
    with ScriptedServer(users={"me": PASSWORD}) as server:
        reply = handed_over(secure(server, ca_file, user="me"), PASSWORD)
        assert (reply.stage, reply.code) == (Stage.TLS, 0)
        assert "does not offer STARTTLS" in reply.text
        assert [line.partition(" ")[0].upper() for line in server.commands] == ["EHLO"]


@pytest.mark.parametrize(("said", "code"), [("454 4.7.0 not now", 454), ("250 2.0.0 odd", 0), (CLOSE, 0), (HANG, 0)])
def test_starttls_that_fails_is_a_reply(authority: trustme.CA, ca_file: Path, said: str, code: int) -> None:
    with ScriptedServer(script={"starttls": [said]}, tls=identity(authority)) as server:
        with closing(SmtpSession(secure(server, ca_file), timeouts=SHORT)) as ours:
            reply = ours.hand_over(message(), never)
        assert (reply.stage, reply.code) == (Stage.TLS, code)


def test_what_is_slipped_in_behind_starttls_is_not_believed(authority: trustme.CA, ca_file: Path) -> None:
    script = {"starttls": ["220 go ahead\n250-forged\n250 PIPELINING"]}
    with ScriptedServer((), script, tls=identity(authority)) as server:
        reply = handed_over(secure(server, ca_file))
        assert reply.accepted
        assert b"DATA\r\n" in server.reads  # step by step


def test_tls_to_a_server_without_it_is_a_reply(ca_file: Path) -> None:
    with ScriptedServer() as server:
        reply = handed_over(secure(server, ca_file, "tls"))
        assert (reply.stage, reply.code) == (Stage.TLS, 0)


@pytest.mark.parametrize("written", [None, "no certificate at all"])
def test_certificates_that_cannot_be_read_are_a_reply(
    authority: trustme.CA, tmp_path: Path, written: str | None
) -> None:
    path = tmp_path / "ours.pem"
    if written is not None:
        path.write_text(written, encoding="utf-8")
    with ScriptedServer(tls=identity(authority)) as server:
        reply = handed_over(secure(server, path))
        assert reply.stage is Stage.TLS
        assert "ours.pem" in reply.text


# AUTH


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_user_logs_in(authority: trustme.CA, ca_file: Path, security: str) -> None:
    tls = None if security == "none" else identity(authority)
    with ScriptedServer(tls=tls, implicit=security == "tls", users={"me": PASSWORD}) as server:
        ca = None if security == "none" else ca_file
        assert handed_over(secure(server, ca, security, "me"), PASSWORD).accepted
        assert sum(line.startswith("AUTH PLAIN") for line in server.commands) == 1


def test_a_wrong_password_is_a_reply(authority: trustme.CA, ca_file: Path) -> None:
    with ScriptedServer(tls=identity(authority), users={"me": PASSWORD}) as server:
        reply = handed_over(secure(server, ca_file, user="me"), "wrong")
        assert reply == Reply(Stage.AUTH, 535, "5.7.8", "5.7.8 who is this?")
        assert not server.received


@pytest.mark.parametrize(
    ("said", "password", "words"),
    [
        (CLOSE, PASSWORD, "closed the connection"),
        ("454 4.7.0 not now", PASSWORD, "not now"),
        ("535 5.7.8 no AG1lAG9wZW4gc2VzYW1l", PASSWORD, "no …"),
        ("334 !", PASSWORD, ""),
        (None, "öffne dich", "beyond ASCII"),
    ],
)
def test_a_login_that_fails_is_a_reply_without_the_password(said: str | None, password: str, words: str) -> None:
    script = {"auth": said} if said else {}
    with ScriptedServer(always=script, users={"me": PASSWORD}) as server:
        reply = handed_over(address(server, user="me"), password)
        assert reply.stage is Stage.AUTH
        assert words in reply.text
        assert "AG1l" not in reply.text


def test_a_user_where_none_can_log_in_is_a_reply() -> None:
    with ScriptedServer() as server:
        reply = handed_over(address(server, user="me"), PASSWORD)
        assert (reply.stage, reply.code) == (Stage.AUTH, 0)


class Far(socket.socket):
    """A connection to another machine, on which every write would fail."""

    def getpeername(self) -> tuple[str, int]:
        return "192.0.2.7", 587


def test_no_password_crosses_a_network_in_the_clear() -> None:
    """Held where the connection is known, however the address was made."""
    relay = smtplib.SMTP(local_hostname="us.example")
    relay.esmtp_features = {"auth": "PLAIN"}
    with Far() as relay.sock, pytest.raises(smtp._Broken) as broken:
        smtp._log_in(relay, RelayAddress("localhost", 587, "me", "none"), PASSWORD)
    assert broken.value.reply == Reply(Stage.AUTH, 0, text="a password is not said without TLS")


# Looking


def test_a_relay_can_be_looked_at(authority: trustme.CA, ca_file: Path) -> None:
    with ScriptedServer(tls=identity(authority), users={"me": PASSWORD}) as server:
        good = reachable(secure(server, ca_file, user="me"), PASSWORD)
        bad = reachable(secure(server, ca_file, user="me"), "wrong")
        assert (good.stage, good.code) == (Stage.GREETING, 250)
        assert (bad.stage, bad.code) == (Stage.AUTH, 535)
        assert not any(line.startswith("MAIL") for line in server.commands)


# The real ones


def test_smtp_sink_takes_messages_over_many_connections() -> None:
    replies: list[Reply] = []
    with smtp_sink() as port:

        def hand_over_many() -> None:
            with closing(SmtpSession(parse(f"smtp://127.0.0.1:{port}"))) as ours:
                replies.extend(ours.hand_over(message(content=CONTENT * 100), go) for _ in range(50))

        threads = [threading.Thread(target=hand_over_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(replies) == 200
    assert all(reply.accepted for reply in replies)


def test_a_real_postfix_passes_messages_on_and_stays_in_step() -> None:
    settings = {"smtpd_recipient_restrictions": "reject_non_fqdn_recipient, permit_mynetworks, reject"}
    recipients = ["one@example.com", "no-domain", "jürgen@example.com", "two@example.com"]
    with (
        shared_folder() as folder,
        ScriptedServer((*PIPELINED, "SMTPUTF8")) as target,
        PrivatePostfix(folder, target.port, settings) as postfix,
        closing(SmtpSession(parse(f"smtp://127.0.0.1:{postfix.port}"))) as ours,
    ):
        replies = [ours.hand_over(message(recipient, CONTENT + b".\r\n"), go) for recipient in recipients]
        assert [(reply.stage, reply.code) for reply in replies] == [
            (Stage.CONTENT, 250),
            (Stage.RCPT, 504),
            (Stage.CONTENT, 250),
            (Stage.CONTENT, 250),
        ]
        until(lambda: len(target.received) == 3, "Postfix to pass three messages on")
        assert {one.recipients for one in target.received} == {(to,) for to in recipients if "@" in to}
        assert all(one.content.endswith(b"\r\n\r\nWorld\r\n.\r\n") for one in target.received)
        log = postfix.log.read_text(encoding="utf-8")
        assert log.count("(queue active)") == 3
        assert log.count(": connect from") == 2  # ours, and the one that looked whether it was up


# One envelope ahead


def two(server: ScriptedServer, second: Callable[[], bool] = go) -> tuple[Reply, Reply]:
    """Hand over two messages, the first of which knows the second."""
    one, other = message("one@example.com"), message("two@example.com")
    with session(server) as opened:
        return opened.hand_over(one, go, other), opened.hand_over(other, second)


def test_the_next_envelope_rides_behind_the_dot() -> None:
    with ScriptedServer(PIPELINED) as server:
        assert [reply.accepted for reply in two(server)] == [True, True]
        assert [each.recipients for each in server.received] == [("one@example.com",), ("two@example.com",)]
        assert server.connections == 1
        assert any(b"\r\n.\r\nMAIL FROM" in read for read in server.reads)


def test_nothing_rides_where_pipelining_is_not_offered() -> None:
    with ScriptedServer(PLAIN) as server:
        assert [reply.accepted for reply in two(server)] == [True, True]
        assert not any(b"\r\n.\r\nMAIL FROM" in read for read in server.reads)


def test_a_refused_message_does_not_hold_up_the_envelope_behind_it() -> None:
    with ScriptedServer(PIPELINED, script={"content": ["450 4.7.0 later"]}) as server:
        first, second = two(server)
        assert (first.code, second.accepted) == (450, True)
        assert [each.recipients for each in server.received] == [("two@example.com",)]


def test_a_refused_envelope_that_went_ahead_is_refused_for_its_own_message() -> None:
    with ScriptedServer(PIPELINED, script={"rcpt": [None, "550 5.1.1 nobody"]}) as server:
        first, second = two(server)
        assert (first.accepted, second.stage, second.code) == (True, Stage.RCPT, 550)


@pytest.mark.parametrize("cut", [CLOSE, RESET])
def test_a_line_that_breaks_after_the_dot_leaves_one_message_in_doubt_and_takes_the_other_anew(cut: str) -> None:
    with ScriptedServer(PIPELINED, script={"content": [cut]}) as server:
        first, second = two(server)
        assert (first.doubtful, second.accepted) == (True, True)
        assert server.connections == 2


def test_a_message_whose_envelope_went_ahead_may_still_be_withheld() -> None:
    with ScriptedServer(PIPELINED) as server:
        first, second = two(server, lambda: False)
        assert (first.accepted, second.text) == (True, "withheld")
        assert len(server.received) == 1


def test_another_message_than_the_one_announced_gets_a_line_of_its_own() -> None:
    with ScriptedServer(PIPELINED) as server, session(server) as opened:
        assert opened.hand_over(message("one@example.com"), go, message("two@example.com")).accepted
        assert opened.hand_over(message("three@example.com"), go).accepted
        assert [each.recipients[0] for each in server.received] == ["one@example.com", "three@example.com"]

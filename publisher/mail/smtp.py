"""A session with a relay (RFC 5321): one message at a time, and always known how far it got.

Rules that hold here:

- Whatever the relay or the line does becomes a reply of the stage it happened in. The first stage that refuses
  decides: what comes behind a refused MAIL or RCPT (503, 554) only follows from it.
- MAIL, RCPT and DATA leave in one write where the relay offers PIPELINING (RFC 2920), behind the dot of the message
  before where the next one is known; after a refusal the stream is brought back in step, or the connection is given up.
- Not a byte of the content leaves before the caller agreed.
- A message is in doubt only if the kernel took its last byte, the final dot's, and no reply came.
- Nothing secret is said without TLS, except to this machine itself.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from publisher.model.reply import WITHHELD, Reply, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.mail.compose import Message
    from publisher.mail.relay_url import RelayAddress

LONGEST_TEXT = 300  # characters of what a relay said that are kept
LONGEST_LINE = 4096  # octets; RFC 5321 4.5.3.1.5 allows 512
MOST_LINES = 100  # of one reply
PARTING = 2.0  # seconds that a relay has for its last words
READY, CLOSING, GO_ON = 220, 421, 354

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_FULL_NAME = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_EXPECTED = {Stage.MAIL: 2, Stage.RCPT: 2, Stage.DATA: 3}  # the first digit of the reply that leads on, in order
_NOT_ASCII = "the relay does not take addresses with letters beyond ASCII (RFC 6531)"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until silence counts as a broken connection (RFC 5321 4.5.3.2).

    ``command`` is for one reply or one block of content, ``dot`` for the reply to the whole message. The RFC says how
    long they are at least; that they are equal saves two calls of the kernel a message.
    """

    connect: float = 30.0
    command: float = 600.0
    dot: float = 600.0


TIMEOUTS = Timeouts()


class SmtpSession:
    """A connection that is made when a message comes, and made anew after a fault. One thread uses it."""

    def __init__(self, address: RelayAddress, password: str = "", timeouts: Timeouts = TIMEOUTS) -> None:
        self._address, self._password, self._timeouts = address, password, timeouts
        self._line: _Line | None = None

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        """Hand a message over; see transports.Session.

        A connection that the relay closed since the last message is made anew at once.
        """
        ahead = self._line.ahead if self._line is not None else None
        if ahead is not None and ahead is not message:
            self._drop()  # the envelope of a message that does not come
        if (unfit := _unfit(message)) is not None:
            return unfit
        if following is not None and _unfit(following) is not None:
            following = None
        used_before = self._line is not None
        reply = self._attempt(message, starting, following)
        if used_before and reply.stage is Stage.MAIL and reply.code in {0, CLOSING}:
            reply = self._attempt(message, starting, following)
        return reply

    def reach(self) -> Reply:
        """Connect and log in, but hand nothing over. What EHLO was answered, or the stage that failed."""
        try:
            greeted = self._opened().greeted
        except _Broken as broken:
            self._drop()
            return broken.reply
        return _reply(Stage.GREETING, greeted)

    def close(self) -> None:
        """Say goodbye."""
        if self._line is not None:
            self._line.quit()
            self._drop()

    def _attempt(self, message: Message, starting: Callable[[], bool], following: Message | None) -> Reply:
        try:
            reply = self._transact(self._opened(), message, starting, following)
        except _Broken as broken:
            self._drop()
            return broken.reply
        except BaseException:
            self._drop()
            raise
        if reply.code == CLOSING:
            self._drop()
        return reply

    def _opened(self) -> _Line:
        if self._line is None:
            self._line = _opened(self._address, self._password, self._timeouts)
        return self._line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _transact(
        self, line: _Line, message: Message, starting: Callable[[], bool], following: Message | None
    ) -> Reply:
        commands = line.commands(message)
        if commands is None:
            return Reply(Stage.RCPT, 0, "5.6.7", _NOT_ASCII)
        refused = line.envelope(commands, given=line.ahead is message)
        if refused is not None:
            if not line.back_in_step(refused):
                self._drop()
            return refused
        if not starting():
            self._drop()  # with a dot it would be an empty message
            return WITHHELD
        return line.content(message, following)


def reachable(address: RelayAddress, password: str = "", timeouts: Timeouts = TIMEOUTS) -> Reply:
    """Look whether a relay can be connected and logged in to; its code starts with 2 if so."""
    session = SmtpSession(address, password, timeouts)
    reply = session.reach()
    session.close()
    return reply


class _Broken(Exception):
    """The connection is of no more use; ``reply`` is what became of the message."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class _Answer(NamedTuple):
    """What the relay said, as it came: a code, and the text behind it line by line."""

    code: int
    lines: list[bytes]


class _Line:
    """An open connection on which messages may be handed over."""

    def __init__(self, relay: smtplib.SMTP, greeted: _Answer, timeouts: Timeouts) -> None:
        self.greeted = greeted
        self._relay, self._timeouts = relay, timeouts
        self._socket = _socket(relay)
        self._replies = self._socket.makefile("rb") if relay.file is None else relay.file
        self._pipelining = "pipelining" in relay.esmtp_features
        self._size = "size" in relay.esmtp_features
        self._utf8 = "smtputf8" in relay.esmtp_features
        self._data_was_answered = 0  # the code, where it came after a refusal
        self._patience = -1.0  # what the socket's timeout is
        self.ahead: Message | None = None  # whose envelope was given already, behind the last dot

    def commands(self, message: Message) -> tuple[bytes, ...] | None:
        """Give MAIL, RCPT and DATA, or None if this relay cannot take the recipient."""
        parameters = f" SIZE={len(message.content)}" if self._size else ""  # RFC 1870: without the dots we double
        if not message.recipient.isascii():
            if not self._utf8:
                return None
            parameters += " SMTPUTF8"
        return (
            f"MAIL FROM:<{message.sender}>{parameters}\r\n".encode(),
            f"RCPT TO:<{message.recipient}>\r\n".encode(),
            b"DATA\r\n",
        )

    def envelope(self, commands: tuple[bytes, ...], *, given: bool = False) -> Reply | None:
        """Give the envelope, unless it was ``given`` already.

        The refusal of the first stage that refuses, or None: the content may follow.
        """
        self._wait_for(self._timeouts.command)
        self._data_was_answered = 0
        self.ahead = None
        if self._pipelining and not given:
            self._say(b"".join(commands), Stage.MAIL)
        refused = None
        for (stage, expected), command in zip(_EXPECTED.items(), commands, strict=True):
            if not self._pipelining:
                self._say(command, stage)
            try:
                answer = self._answer(stage)
            except _Broken as broken:
                raise _Broken(refused or broken.reply) from broken
            if refused is not None and stage is Stage.DATA:
                self._data_was_answered = answer.code
            if refused is None and answer.code // 100 != expected:
                refused = _refusal(stage, answer)
                if not self._pipelining or refused.code in {0, CLOSING}:
                    break
        return refused

    def back_in_step(self, refused: Reply) -> bool:
        """Make ready for the next envelope after a refusal; whether that went well."""
        if refused.code in {0, CLOSING}:
            return False
        try:
            if self._data_was_answered == GO_ON:
                if refused.stage is not Stage.RCPT:
                    return False  # it may have taken the recipient: a dot might be a message
                self._say(b".\r\n", Stage.DATA)  # RFC 2920 3.1: no recipient, so this is no message either
                self._answer(Stage.DATA)
            self._say(b"RSET\r\n", Stage.MAIL)
            return self._answer(Stage.MAIL).code // 100 == 2  # noqa: PLR2004 - first digit: done
        except _Broken:
            return False

    def content(self, message: Message, following: Message | None = None) -> Reply:
        """Write content and dot, and the envelope that follows; hear what becomes of the content."""
        ahead = self.commands(following) if following is not None and self._pipelining else None
        self._send_all(_dotted(message), b"".join(ahead or ()))
        self.ahead = following if ahead else None
        self._wait_for(self._timeouts.dot)
        try:
            answer = self._answer(Stage.CONTENT)
        except _Broken as broken:
            raise _Broken(replace(broken.reply, doubtful=True)) from broken
        if answer.code // 100 == 2:  # noqa: PLR2004 - first digit: done
            return _reply(Stage.CONTENT, answer)
        reply = _refusal(Stage.CONTENT, answer)
        if not reply.code:
            raise _Broken(replace(reply, doubtful=True))
        return reply

    def quit(self) -> None:
        """Take leave; nothing depends on whether it is heard."""
        with suppress(OSError, _Broken):
            self._socket.settimeout(PARTING)
            self._socket.sendall(b"QUIT\r\n")
            self._answer(Stage.MAIL)

    def close(self) -> None:
        """Close, without a word."""
        self._replies.close()
        self._relay.close()

    def _wait_for(self, seconds: float) -> None:
        if seconds != self._patience:
            self._socket.settimeout(seconds)
            self._patience = seconds

    def _say(self, words: bytes, stage: Stage) -> None:
        try:
            self._socket.sendall(words)
        except OSError as fault:
            raise self._broken(stage, fault) from fault

    def _send_all(self, data: bytes, behind: bytes) -> None:
        """Write all of it. When this fails, the last byte of ``data`` never left; what is ``behind`` it may be cut."""
        rest = memoryview(data + behind)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except OSError as fault:
            if len(rest) > len(behind):
                raise self._broken(Stage.CONTENT, fault) from fault
            # the whole message is with the kernel: what the relay says of it counts, and then the line is broken

    def _broken(self, stage: Stage, fault: OSError) -> _Broken:
        """Why nothing more could be written: what the relay said before it closed, if it did."""
        if not isinstance(fault, TimeoutError):
            with suppress(OSError, _Broken):
                self._socket.settimeout(PARTING)
                reply = _refusal(stage, self._answer(stage))
                if reply.code:
                    return _Broken(reply)
        return _Broken(Reply(stage, 0, text=_fault_text(fault)))

    def _answer(self, stage: Stage) -> _Answer:
        """Read a reply, whose lines all have the same code. Raises _Broken of the stage."""
        readline = self._replies.readline
        try:
            line = readline(LONGEST_LINE)
            code, lines = line[:3], [line[4:]]
            while line[3:4] == b"-" and line[:3] == code and len(lines) < MOST_LINES:
                line = readline(LONGEST_LINE)
                lines.append(line[4:])
        except (OSError, ValueError) as fault:
            raise _Broken(Reply(stage, 0, text=_fault_text(fault))) from fault
        if not line.endswith(b"\n"):
            raise _Broken(Reply(stage, 0, text="the relay closed the connection" if not line else _no_reply(line)))
        if not (code.isdigit() and line[:3] == code and line[3:4] in b" \r\n"):
            raise _Broken(Reply(stage, 0, text=_no_reply(line)))
        return _Answer(int(code), lines)


# Connecting


def _opened(address: RelayAddress, password: str, timeouts: Timeouts) -> _Line:
    """Connect, greet, encrypt and log in. Raises _Broken of the stage."""
    stream = _connected(address, timeouts)
    relay = smtplib.SMTP(local_hostname=_own_name(stream))
    relay.sock = stream
    try:
        if address.security == "tls":
            _encrypt(relay, address)
        stream = _socket(relay)
        stream.settimeout(timeouts.command)
        _expect(Stage.GREETING, relay.getreply, READY)
        greeted = _greet(relay)
        if address.security == "starttls":
            _start_tls(relay, address)
            greeted = _greet(relay)
        if address.user:
            _log_in(relay, address, password)
        return _Line(relay, greeted, timeouts)
    except BaseException:
        relay.close()
        raise


def _connected(address: RelayAddress, timeouts: Timeouts) -> socket.socket:
    try:
        stream = socket.create_connection((address.host, address.port), timeouts.connect)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as fault:
        where = f"{address.host}:{address.port}"
        raise _Broken(Reply(Stage.CONNECT, 0, text=f"{where} cannot be reached: {_fault_text(fault)}")) from fault
    return stream


def _greet(relay: smtplib.SMTP) -> _Answer:
    try:
        return _expect(Stage.GREETING, relay.ehlo, 250)
    except _Broken as broken:
        if broken.reply.code // 100 != 5:  # noqa: PLR2004 - first digit: refused for good
            raise
        return _expect(Stage.GREETING, relay.helo, 250)  # RFC 5321 3.2: a server of before 1995


def _start_tls(relay: smtplib.SMTP, address: RelayAddress) -> None:
    """STARTTLS (RFC 3207); there is no going on without it."""
    if "starttls" not in relay.esmtp_features:
        text = "the relay does not offer STARTTLS, and mail would cross the network for all to read"
        raise _Broken(Reply(Stage.TLS, 0, text=text))
    _expect(Stage.TLS, lambda: relay.docmd("STARTTLS"), READY)
    _encrypt(relay, address)


def _encrypt(relay: smtplib.SMTP, address: RelayAddress) -> None:
    """Begin TLS; certificate and name of the relay are checked. What was said before counts no more."""
    try:
        context = ssl.create_default_context(cafile=address.ca_file)
    except OSError as fault:
        text = f"the certificates in {address.ca_file} cannot be used: {_fault_text(fault)}"
        raise _Broken(Reply(Stage.TLS, 0, text=_one_line(text))) from fault
    try:
        relay.sock = context.wrap_socket(_socket(relay), server_hostname=address.host)
    except (OSError, ValueError) as fault:  # a certificate that does not fit is both
        raise _Broken(Reply(Stage.TLS, 0, text=_one_line(_tls_text(fault)))) from fault
    if relay.file is not None:
        relay.file.close()  # with whatever somebody slipped in behind the reply to STARTTLS
        relay.file = None
    relay.esmtp_features, relay.ehlo_resp, relay.helo_resp = {}, None, None


def _log_in(relay: smtplib.SMTP, address: RelayAddress, password: str) -> None:
    """AUTH (RFC 4954) by the best way that both know."""
    stream = _socket(relay)
    if not isinstance(stream, ssl.SSLSocket) and not ip_address(stream.getpeername()[0]).is_loopback:
        raise _Broken(Reply(Stage.AUTH, 0, text="a password is not said without TLS"))
    if not f"{address.user}{password}".isascii():
        raise _Broken(Reply(Stage.AUTH, 0, text="user or password has letters beyond ASCII, which AUTH cannot say"))
    try:
        relay.login(address.user, password)
    except smtplib.SMTPAuthenticationError as fault:
        answer = _Answer(max(fault.smtp_code, 0), _as_bytes(fault.smtp_error).split(b"\n"))
        raise _Broken(_without(_refusal(Stage.AUTH, answer), address.user, password)) from None
    except (smtplib.SMTPException, OSError, ValueError) as fault:
        raise _Broken(_without(Reply(Stage.AUTH, 0, text=_fault_text(fault)), address.user, password)) from None


def _without(reply: Reply, user: str, password: str) -> Reply:
    """A reply without the password, which a relay may have repeated."""
    secrets = [password, *(base64.b64encode(text.encode()).decode() for text in (password, f"\0{user}\0{password}"))]
    text = reply.text
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return replace(reply, text=text)


def _expect(stage: Stage, ask: Callable[[], tuple[int, bytes]], code: int) -> _Answer:
    """Have smtplib ask and read. Raises _Broken of the stage unless the code is the one that leads on."""
    try:
        said, text = ask()
    except (smtplib.SMTPException, OSError, ValueError) as fault:
        raise _Broken(Reply(stage, 0, text=_fault_text(fault))) from fault
    answer = _Answer(max(said, 0), text.split(b"\n"))
    if said != code:
        raise _Broken(_refusal(stage, answer))
    return answer


def _socket(relay: smtplib.SMTP) -> socket.socket:
    if relay.sock is None:  # smtplib closed it, which it tells by an exception of its own
        raise _Broken(Reply(Stage.CONNECT, 0, text="the connection is closed"))
    return relay.sock


def _own_name(stream: socket.socket) -> str:
    """What EHLO says of us: the full name of this machine, else its address (RFC 5321 4.1.3)."""
    name = _machine()
    if _FULL_NAME.fullmatch(name):
        return name
    own = stream.getsockname()[0].partition("%")[0]
    return f"[IPv6:{own}]" if ":" in own else f"[{own}]"


@cache
def _machine() -> str:
    return socket.getfqdn()  # asks DNS, so once


# Bytes and words


def _unfit(message: Message) -> Reply | None:
    """Refuse an envelope that would not stay on its line, or between its brackets."""
    if not (message.sender.isascii() and _is_plain(message.sender)):
        return Reply(Stage.MAIL, 0, "5.1.7", "the sender cannot stand in an envelope")
    if not message.recipient or not _is_plain(message.recipient):
        return Reply(Stage.RCPT, 0, "5.1.3", "the recipient cannot stand in an envelope")
    return None


def _is_plain(address: str) -> bool:
    return address.isprintable() and "<" not in address and ">" not in address


def _dotted(message: Message) -> bytes:
    """The content as it goes over the line, with the final dot (RFC 5321 4.5.2)."""
    content = message.content
    if not message.dotless:
        content = content.replace(b"\n.", b"\n..")
        if content.startswith(b"."):
            content = b"." + content
    return content + (b".\r\n" if content.endswith(b"\r\n") or not content else b"\r\n.\r\n")


def _reply(stage: Stage, answer: _Answer) -> Reply:
    """An answer as the rest of the program reads it: one line, with its enhanced status beside it (RFC 2034)."""
    lines = [line.decode("utf-8", "replace").strip() for line in answer.lines]
    found = _STATUS.match(lines[0]) if lines else None
    status = found[0] if found else ""
    if status:
        lines[1:] = [line.removeprefix(status).lstrip() for line in lines[1:]]
    return Reply(stage, answer.code, status, _one_line(" ".join(lines)))


def _refusal(stage: Stage, answer: _Answer) -> Reply:
    """A reply that does not lead on. One that does not refuse either has no code: nobody knows where it leads."""
    reply = _reply(stage, answer)
    if answer.code // 100 in {4, 5}:
        return reply
    return Reply(stage, 0, text=_one_line(f"the relay said what means nothing here: {answer.code:03} {reply.text}"))


def _one_line(text: str) -> str:
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text.strip() if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1].strip()}…"


def _no_reply(line: bytes) -> str:
    return _one_line(f"the relay said what is no reply: {line.decode('utf-8', 'replace')}")


def _fault_text(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "the relay was silent for too long"
    if isinstance(fault, smtplib.SMTPServerDisconnected):
        return "the relay closed the connection"
    return _one_line((fault.strerror if isinstance(fault, OSError) else None) or str(fault) or type(fault).__name__)


def _tls_text(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"the relay's certificate is not to be trusted: {fault.verify_message}"
    return f"TLS failed: {_fault_text(fault)}"


def _as_bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")

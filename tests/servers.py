"""Private mail servers on free ports of this machine: one that follows a script, Debian's smtp-sink, a whole Postfix.

Each is a context manager that ends what it started.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Answer = str | None

LOCALHOST = "127.0.0.1"
_PATIENCE = 60  # seconds until a server that does not answer is a fault; a busy machine takes some
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/lib/postfix/sbin"))

# What a script may say at a stage instead of a reply.
CLOSE = "(close)"  # close the connection; at "content" after the whole message was read
RESET = "(reset)"  # close it so that unsent and unread bytes are lost; at "body" before the message was read
HANG = "(hang)"  # say nothing until the server ends
NOTHING = "(nothing)"  # leave this reply out, and go on


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server((LOCALHOST, 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Received:
    """A message that a server took: its envelope, parameters included, and its content without doubled dots."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    parameters: str = ""


@dataclass(slots=True)
class ScriptedServer:
    """An SMTP server that answers as it is told, and as RFC 5321 has it where it is told nothing.

    ``script`` gives, for a stage (greeting, ehlo, helo, starttls, auth, mail, rcpt, data, body, content, dot, rset,
    quit), the answers to its first occurrences over all connections, one after another; None is the usual answer.
    "content" is the reply to a message, "body" is said when its first bytes came, and is the end; "dot" answers a
    message without recipient. ``always`` gives answers that do not run out. ``answer_first`` says 354 even where
    there is no recipient. ``tls`` is used for STARTTLS, and from the first byte with ``implicit``. ``users`` are
    those whom AUTH knows, with their passwords.
    """

    offers: Sequence[str] = ("PIPELINING", "SIZE 10240000", "8BITMIME", "ENHANCEDSTATUSCODES")
    script: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)
    answer_first: bool = False
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    users: Mapping[str, str] = field(default_factory=dict)
    host: str = LOCALHOST
    received: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # each line outside of messages, in order
    reads: list[bytes] = field(default_factory=list)  # what came, as it came
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: set[socket.socket] = field(default_factory=set)
    _listening: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._listening = socket.create_server((self.host, 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._threads[0].join(_PATIENCE)
        self._listening.close()
        with self._lock:
            for stream in self._open:
                with suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def next_answer(self, stage: str, usual: str) -> str:
        """What to say at a stage this time."""
        with self._lock:
            asked = self._asked[stage]
            self._asked[stage] += 1
        told = self.script.get(stage, ())
        return (told[asked] if asked < len(told) else self.always.get(stage)) or usual

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                stream, _ = self._listening.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._start(self._serve, stream)

    def _serve(self, stream: socket.socket) -> None:
        connection = _Connection(self, stream)
        with self._lock:
            self._open.add(stream)
        try:
            with suppress(OSError, _Ended):
                connection.run()
        finally:
            with self._lock:
                self._open.discard(stream)
            connection.close()


class _Ended(Exception):
    """The connection is over."""


class _Connection:
    """One client of a scripted server."""

    def __init__(self, server: ScriptedServer, stream: socket.socket) -> None:
        self._server, self._stream, self._buffer = server, stream, b""
        self._sender: str | None = None
        self._parameters = ""
        self._recipients: list[str] = []

    def run(self) -> None:
        if self._server.implicit:
            self._encrypt()
        if not self._say("greeting", "220 scripted.example ESMTP").startswith("220"):
            return
        while True:
            line = self._line().decode("utf-8", "surrogateescape")
            self._server.commands.append(line)
            verb = line.partition(" ")[0].upper()
            stages = {"EHLO": self._ehlo, "HELO": self._helo, "STARTTLS": self._starttls, "AUTH": self._auth}
            stages |= {"MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset}
            if verb == "QUIT":
                self._say("quit", "221 2.0.0 bye")
                return
            stages.get(verb, self._unknown)(line)

    def close(self) -> None:
        self._stream.close()

    def _ehlo(self, _: str) -> None:
        offers = list(self._server.offers)
        encrypted = isinstance(self._stream, ssl.SSLSocket)
        if self._server.tls is not None and not encrypted:
            offers.append("STARTTLS")
        if self._server.users:
            offers.append("AUTH PLAIN LOGIN")
        lines = ["scripted.example", *offers]
        self._reset()
        self._say("ehlo", "\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines))

    def _helo(self, _: str) -> None:
        self._say("helo", "250 scripted.example")

    def _starttls(self, _: str) -> None:
        if self._say("starttls", "220 2.0.0 go ahead").startswith("220"):
            self._encrypt()

    def _encrypt(self) -> None:
        assert self._server.tls is not None
        before = self._stream
        self._stream = self._server.tls.wrap_socket(before, server_side=True)
        with self._server._lock:
            self._server._open.discard(before)
            self._server._open.add(self._stream)

    def _auth(self, line: str) -> None:
        _, mechanism, *initial = line.split(" ")
        if mechanism.upper() == "PLAIN":
            _, user, password = self._decoded(initial[0] if initial else self._asked("")).split("\0")
        else:
            user = self._decoded(initial[0]) if initial else self._decoded(self._asked("Username:"))
            password = self._decoded(self._asked("Password:"))
        known = self._server.users.get(user) == password
        self._say("auth", "235 2.7.0 welcome" if known else "535 5.7.8 who is this?")

    def _asked(self, question: str) -> str:
        self._write(f"334 {base64.b64encode(question.encode()).decode()}")
        return self._line().decode("ascii")

    def _decoded(self, text: str) -> str:
        return base64.b64decode(text).decode()

    def _mail(self, line: str) -> None:
        if self._sender is not None:
            self._write("503 5.5.1 nested MAIL")
        elif self._say("mail", "250 2.1.0 fine").startswith("2"):
            self._sender, _, parameters = line.partition("<")[2].partition(">")
            self._parameters = parameters.strip()

    def _rcpt(self, line: str) -> None:
        if self._sender is None:
            self._write("503 5.5.1 MAIL first")
        elif self._say("rcpt", "250 2.1.5 fine").startswith("2"):
            self._recipients.append(line.partition("<")[2].rpartition(">")[0])

    def _data(self, _: str) -> None:
        if not self._recipients and not self._server.answer_first:
            self._write("554 5.5.1 no valid recipients")
        elif self._say("data", "354 go on").startswith("354"):
            self._body()

    def _body(self) -> None:
        self._fill()
        if early := self._server.next_answer("body", ""):
            self._tell(early)
            raise _Ended
        lines: list[bytes] = []
        while (line := self._line()) != b".":
            lines.append(line.removeprefix(b"."))
        if not self._recipients:
            self._say("dot", "554 5.5.1 no valid recipients")
        else:
            answer = self._server.next_answer("content", "250 2.0.0 kept")
            if answer.startswith("2") or answer == NOTHING:  # before the client knows, who may look at once
                content = b"".join(line + b"\r\n" for line in lines)
                message = Received(self._sender or "", tuple(self._recipients), content, self._parameters)
                self._server.received.append(message)
            self._tell(answer)
        self._reset()

    def _rset(self, _: str) -> None:
        self._reset()
        self._say("rset", "250 2.0.0 fine")

    def _unknown(self, line: str) -> None:
        self._write(f"500 5.5.2 what is {line[:20]!a}?")

    def _reset(self) -> None:
        self._sender, self._parameters = None, ""
        self._recipients.clear()

    def _say(self, stage: str, usual: str) -> str:
        """Answer a stage. A refusal with 421 is followed by the end, as it must be."""
        answer = self._server.next_answer(stage, usual)
        self._tell(answer)
        return usual if answer == NOTHING else answer

    def _tell(self, answer: str) -> None:
        if answer == HANG:
            self._server.stopping.wait(_PATIENCE)
        if answer == RESET:
            self._forget()
        if answer in {HANG, CLOSE}:
            raise _Ended
        if answer != NOTHING:
            self._write(answer)
        if answer.startswith("421"):
            raise _Ended

    def _forget(self) -> None:
        """End so that the other side gets a reset (RFC 9293 3.10.7.4)."""
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Ended

    def _write(self, text: str) -> None:
        self._stream.sendall("".join(f"{line}\r\n" for line in text.split("\n")).encode("utf-8", "surrogateescape"))

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._read()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _fill(self) -> None:
        if not self._buffer:
            self._read()

    def _read(self) -> None:
        read = self._stream.recv(1 << 16)
        if not read:
            raise _Ended
        self._server.reads.append(read)
        self._buffer += read


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    """Postfix's smtp-sink, which takes all mail and drops it; gives its port."""
    port = free_port()
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    command = ["setpriv", "--pdeathsig", "KILL", *user, program("smtp-sink"), *options, f"{LOCALHOST}:{port}", "1000"]
    with subprocess.Popen(command) as sink:
        try:
            _wait(sink, port)
            yield port
        finally:
            sink.kill()


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that every user of this machine can reach, as Postfix's own must."""
    folder = Path(tempfile.mkdtemp(prefix="publisher-mail-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_SERVICES = """\
{host}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(slots=True)
class PrivatePostfix:
    """A Postfix with its own config, queue and log in ``folder``, which passes all mail on to a port of this machine.

    ``settings`` go into its main.cf. Postfix is started by root alone. It may be stopped and started again.
    """

    folder: Path
    relayhost_port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.configure()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The log of this server, made when it starts."""
        return self.folder / "mail.log"

    def configure(self) -> None:
        """Write the configuration, and make the folders."""
        if os.geteuid() != 0:
            raise PermissionError("Postfix is started by root alone: run this test as root")
        for name in ("config", "queue", "data"):
            (self.folder / name).mkdir(exist_ok=True)
        shutil.chown(self.folder / "data", "postfix", "postfix")
        lines = "".join(f"{key} = {value}\n" for key, value in (self._usual() | dict(self.settings)).items())
        (self.folder / "config" / "main.cf").write_text(lines, encoding="ascii")
        services = _SERVICES.format(host=LOCALHOST, port=self.port)
        (self.folder / "config" / "master.cf").write_text(services, encoding="ascii")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        config = self.folder / "config"
        subprocess.run([program("postfix"), "-c", config, "check"], check=True, capture_output=True)
        command = ["setpriv", "--pdeathsig", "TERM", program("master"), "-c", str(config), "-d"]
        environment = os.environ | {"MAIL_CONFIG": str(config)}
        with (self.folder / "master.out").open("ab") as out:
            self._master = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
        _wait(self._master, self.port)

    def stop(self) -> None:
        """Stop it, with all of its processes; what is queued stays so."""
        if self._master is not None:
            self._master.terminate()  # the master ends its children
            self._master.wait(_PATIENCE)
            self._master = None

    def _usual(self) -> dict[str, str]:
        return {
            "compatibility_level": "3.6",
            "queue_directory": str(self.folder / "queue"),
            "data_directory": str(self.folder / "data"),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": str(self.folder),
            "myhostname": "postfix.example",
            "inet_interfaces": LOCALHOST,
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "relayhost": f"[{LOCALHOST}]:{self.relayhost_port}",
            "smtp_tls_security_level": "none",
            "smtp_dns_support_level": "disabled",
            "smtpd_tls_security_level": "none",
            "smtpd_peername_lookup": "no",
            "disable_vrfy_command": "yes",
        }


def program(name: str) -> str:
    """The path of a program that comes with Postfix."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise FileNotFoundError(f"The tests need {name}. As root: apt-get install postfix")
    return found


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that another process brings about."""
    end = time.monotonic() + _PATIENCE
    pause = threading.Event()
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        pause.wait(0.02)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    def answers() -> bool:
        if server.poll() is not None:
            raise RuntimeError(f"{server.args!r} ended at once, with {server.returncode}")
        try:
            socket.create_connection((LOCALHOST, port)).close()
        except OSError:
            return False
        return True

    until(answers, f"{server.args!r} does not answer")

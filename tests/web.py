"""A site that is served: the real command on a free port of this machine, ended when the test is over."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Self

from tests.servers import until
from tests.sites import command, environment

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

TOKEN = "an admin token for tests, long enough"
PATIENCE = 60
_SERVING = re.compile(r'Serving (http://[^\s"]+)')
_LINK = re.compile(r'https?://[^\s"<>]+')
WEB = """
[digests.weekly]
title = "Everything new"
cadences = { weekly = "mon 09:00", monthly = "first mon 09:00" }
start = "all"
[mail]
from = "Notebook <digest@example.com>"
postal_address = "Notebook, 1 Street, Town"
[web]
port = 0
"""


class Serving:
    """``publisher serve`` in a site's folder. ``lines`` is what it said so far."""

    def __init__(self, site: Path, *arguments: str, **variables: str) -> None:
        self.site, self.lines = site, list[str]()
        self._process = subprocess.Popen(
            command("serve", *arguments),
            cwd=site,
            env={**environment(), "PUBLISHER_ADMIN_TOKEN": TOKEN, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        try:
            until(lambda: bool(self._address()) or self._process.poll() is not None, "the server serves")
            assert self._address(), self.said
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it serves, with a slash at the end."""
        return self._address().rstrip("/") + "/"

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def process(self) -> int:
        return self._process.pid

    def stop(self, asked: signal.Signals = signal.SIGTERM) -> int:
        """End it in order; returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(asked)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            raise AssertionError(f"it did not end:\n{self.said}") from None
        self._reader.join()
        return code

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _address(self) -> str:
        return next((found[1] for line in self.lines if (found := _SERVING.search(line))), "")

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))


def mails(site: Path, to: str = "") -> list[EmailMessage]:
    """The messages in the site's outbox, oldest first, or those to one address."""
    outbox = site / "outbox" / "new"
    files = sorted(outbox.iterdir(), key=lambda path: path.stat().st_mtime_ns) if outbox.is_dir() else []
    read = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
    return [mail for mail in read if not to or to in str(mail["To"])]


def mail_to(site: Path, address: str, words: str) -> EmailMessage:
    """Wait for the message to an address whose subject holds these words."""
    found: list[EmailMessage] = []

    def has_come() -> bool:
        found[:] = [mail for mail in mails(site, address) if words in str(mail["Subject"])]
        return bool(found)

    until(has_come, f"{words!r} came to {address}")
    return found[-1]


def links(mail: EmailMessage) -> list[str]:
    """Every link of a message's text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return _LINK.findall(part.get_content())

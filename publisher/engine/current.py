"""The settings of a process that stays: read anew when config.toml has changed, but for what it was built on."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.config import FILE, load
from publisher.errors import PublisherError
from publisher.flows import unchanged

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.logs import Log
    from publisher.model.settings import Settings

BUILT_ON = ("public_url", "host", "port", "trusted_proxies", "logs")  # keys of [web] that a running server keeps
LOOK = 1.0  # seconds that config.toml is believed to be as it was


@dataclass(slots=True)
class Current:
    """The settings as config.toml has them now; one with faults is told once, and the last good one stays.

    ``own`` is the server's address on this machine, once it has one: while a site is tried out, with its mail laid
    into a folder and no public_url, letters link to it.
    """

    folder: Path
    log: Log
    own: str = ""
    _settings: Settings | None = None
    _shown: tuple[Settings, str, Settings] | None = None
    _stamp: str = ""
    _looked: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Settings:
        """Read them, anew if the file has changed. Raises PublisherError only the first time."""
        with self._lock:
            if self._settings is None or time.monotonic() - self._looked > LOOK:
                self._looked = time.monotonic()
                self._settings = self._read()
            return self._with_address(self._settings)

    def _with_address(self, read: Settings) -> Settings:
        """The same settings for the same file: what is made of them is kept for as long."""
        if read.web.public_url or not self.own or not read.mail.transport.startswith("maildir:"):
            return read
        if self._shown is None or self._shown[0] is not read or self._shown[1] != self.own:
            self._shown = (read, self.own, replace(read, web=replace(read.web, public_url=self.own)))
        return self._shown[2]

    def _read(self) -> Settings:
        stamp = unchanged.stamp(os.fspath(self.folder / FILE))
        if self._settings is not None and stamp == self._stamp:
            return self._settings
        self._stamp = stamp
        try:
            read = load(self.folder)
        except PublisherError as fault:
            if self._settings is None:
                raise
            self.log.fault("config", fault)
            return self._settings
        return read if self._settings is None else self._without_what_waits(read, self._settings)

    def _without_what_waits(self, read: Settings, before: Settings) -> Settings:
        """Leave as it was what the server was built on, and tell that it waits for the next start."""
        kept = {name: getattr(before.web, name) for name in BUILT_ON}
        waits = [f"[web] {name}" for name, value in kept.items() if getattr(read.web, name) != value]
        others = {
            "[store] url": read.store_url != before.store_url,
            "[output] dir": read.output.dir != before.output.dir,
            "[site] base_url": base_path(read) != base_path(before),
        }
        waits += [name for name, is_other in others.items() if is_other]
        if waits:
            words = f"What config.toml says of {', '.join(waits)} counts from the next start."
            self.log.say("config", words, "warning")
        return replace(read, web=replace(read.web, **kept), store_url=before.store_url)


def base_path(settings: Settings) -> str:
    """The path below which the output is served: that of base_url."""
    return urlsplit(settings.site.base_url).path or "/"

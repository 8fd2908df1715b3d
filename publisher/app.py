"""The wiring: a folder with a config.toml becomes a process that serves, publishes, drafts and delivers.

Four threads besides the server's own: the clock (what is due), the doorman (what visitors want), and two that look at
files (the output, and with ``watch`` what it is made from). Each goes on when another has a fault, which is told.
"""

from __future__ import annotations

import ctypes
import gc
import secrets
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from publisher.engine.clock import Clock
from publisher.engine.current import Current, base_path
from publisher.engine.doorman import AGAIN, Doorman
from publisher.engine.press import Press, Watcher
from publisher.errors import PublisherError
from publisher.flows import wishes
from publisher.flows.figures import keep_readers
from publisher.flows.letters import Desk
from publisher.flows.publish import BUILD, LOCK
from publisher.flows.reading import read_items
from publisher.flows.schedule import Site, next_moment, run_due
from publisher.mail.transports import transport
from publisher.rules.hosts import is_loopback
from publisher.store.database import open_store
from publisher.tokens import ADMIN_VARIABLE, admin_token_fault, load_keys
from publisher.web.answers import Request, answer_with
from publisher.web.application import application, hidden
from publisher.web.context import Context
from publisher.web.documents import Document
from publisher.web.freshness import Shelves
from publisher.web.limits import MINUTE, Limit
from publisher.web.metrics import Metrics
from publisher.web.readers import Readers
from publisher.web.rendering import WebPages, web_root
from publisher.web.running import WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from publisher.flows.schedule import Passed
    from publisher.flows.wishes import Wished
    from publisher.logs import Log
    from publisher.model.entry import Item
    from publisher.model.settings import Settings
    from publisher.web.answers import Answer

    Words = Callable[[Passed, str], Sequence[str]]

SMTP_PASSWORD = "PUBLISHER_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
KEPT = 10.0  # seconds that the templates of letters are kept
ALARMS = 30  # a minute, of lines that say the same: an attack must not fill the disk
LATE = timedelta(minutes=5)  # after the last pass, a clock counts as stopped
RUBBISH = (10_000, 20, 20)  # objects and rounds between two collections: a crowd of visitors is no rubbish
NO_ADDRESS = "[web] public_url in config.toml is not set."
TOGETHER = 4  # wishes that are settled before the doorman looks for visitors again, who wait for him


def engine_name() -> str:
    """Name this process in the ledger."""
    return secrets.token_hex(6)


class Server:
    """``publisher serve``: made, it is bound to its port; ``run`` answers and works until it is asked to end.

    ``words`` tells a pass of the clock in lines; ``clock`` and ``watch`` are as on the command line. Raises
    PublisherError for what keeps the server from beginning.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        log: Log,
        words: Words,
        *,
        clock: bool = True,
        watch: bool = False,
    ) -> None:
        self._folder, self._environment, self._log, self._words = folder, environment, log, words
        self._has_clock, self._watches = clock, watch
        self._settings = Current(folder, log)
        settings = self._settings()
        self._keys = load_keys(folder, environment, make=True)
        self._stopping = threading.Event()
        self._desks: tuple[float, Settings, Desk] | None = None
        self._readers, self._metrics, self._alarms = Readers(), Metrics(), Limit(MINUTE)
        self._passed, self._at_work = _now(), False
        self._hidden: frozenset[str] = frozenset()  # addresses that the output takes from us
        self._has_read = False  # every post, since memory was given back
        self._press = Press(folder, lambda problem: log.problems("publish", (problem,)))
        self._clock = Clock(self._wake)
        self._store = open_store(settings.store_url, folder)
        base = base_path(settings)
        self._shelves = Shelves(folder / settings.output.dir, base, folder / BUILD / LOCK, self._clock.ring)
        self._doorman: Doorman[Wished] = Doorman(self._note, self._settle, lambda fault: log.fault("wish", fault))
        try:
            checks = {"store": self._answers, "clock": self._ticks}
            pages = application(self._context(), lambda: self._shelves.current, log, self._metrics, checks)
            self._web = WebServer(pages, self._front, settings.web, ready=self._ready)
            self._metrics.connections_from(lambda: self._web.connections)
            if self._web.port and not settings.web.public_url and is_loopback(settings.web.host):
                self._settings.own = _address(settings.web.host, self._web.port)
        except BaseException:
            self._store.close()
            raise

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or ``stop``; what is under way is finished first."""
        with ExitStack() as ending:
            ending.callback(self._store.close)
            if self._has_clock or self._watches:
                self._publish()
            self._shelves.start()
            ending.callback(self._shelves.stop)
            ending.callback(self._keep_readers)
            self._doorman.start()
            ending.callback(self._doorman.stop)
            if self._watches:
                watcher = Watcher(self._folder, self._changed, lambda words: self._log.say("watch", words, "warning"))
                watcher.start()
                ending.callback(watcher.stop)
            self._clock.start()
            ending.callback(self._clock.stop)
            ending.callback(self._press.stop)
            ending.callback(self._stopping.set)
            self._web.serve()
            self._log.say("stop", "Finishing what is under way … A second signal ends at once.")

    def stop(self) -> None:
        """End as SIGTERM would, from any thread."""
        self._web.stop()

    # What visitors meet

    def _context(self) -> Context:
        return Context(
            folder=self._folder,
            store=self._store,
            settings=self._settings,
            desk=self._desk,
            items=self._items,
            now=_now,
            pages=WebPages(self._folder),
            wake=self._clock.ring,
            note=self._doorman.note,
            admin_token=self._environment.get(ADMIN_VARIABLE, ""),
            say=self._alarm,
            tell=lambda found: self._log.problems("letter", found),
        )

    def _front(self, method: bytes, path: bytes, headers: list[tuple[bytes, bytes]]) -> Answer | None:
        """What is answered before anything else: the output. Readers that aggregators report are counted in passing."""
        found = self._shelves.current.find(path)
        if found is None:
            return None
        said = answer_with(found, Request(method, path, headers))
        if said is not None and isinstance(found, Document) and found.kind.is_feed:
            self._metrics.fed(said.status)
            for name, value in headers:
                if name == b"user-agent":
                    self._readers.note(found.path.decode(), value)
        return said

    def _ready(self, port: int) -> None:
        _spare_the_collector()
        web = self._settings().web
        self._log.say("start", f"Serving {web.host if not port else _address(web.host, port)}", port=port)
        if fault := admin_token_fault(self._environment.get(ADMIN_VARIABLE, "")):
            self._log.problems("start", [fault])
        elif not self._environment.get(ADMIN_VARIABLE):
            self._log.say("start", f"Your own pages, at /admin, open when {ADMIN_VARIABLE} is set.")
        if not web.public_url:
            self._log.say("start", f"Letters cannot link here: {NO_ADDRESS}", "warning")
        elif web.public_url == self._settings.own:
            self._log.say("start", f"Letters link to this machine alone: {NO_ADDRESS}", "warning")

    def _tell_what_is_hidden(self) -> None:
        found = frozenset(hidden(self._shelves.current, web_root(self._settings())))
        for path in sorted(found - self._hidden):
            self._log.say("start", f"At {path} the output's own page is shown, in place of the server's.")
        self._hidden = found

    def _alarm(self, words: str) -> None:
        if not self._alarms.take(words, ALARMS, time.monotonic()):
            self._log.say("security", words, "warning")

    def _answers(self) -> bool:
        return self._store.answers()

    def _ticks(self) -> bool:
        return not self._has_clock or self._at_work or _now() - self._passed < LATE

    # What visitors want

    def _note(self, wished: Sequence[Wished]) -> None:
        wishes.note(self._store, wished, _now())

    def _settle(self) -> float | None:
        settled = wishes.settle(self._store, self._desk(), lambda: self._items(_now()), _now(), TOGETHER)
        self._log.problems("wish", settled.said)
        if settled.letters:
            self._clock.ring()
        if not settled.left:
            return None
        return AGAIN if settled.stuck and not settled.letters else 0

    def _desk(self) -> Desk:
        """A desk with its templates read, for a while: many visitors come at once."""
        settings, kept = self._settings(), self._desks
        if kept is None or kept[1] is not settings or time.monotonic() - kept[0] > KEPT:
            kept = self._desks = (time.monotonic(), settings, Desk(settings, self._folder, self._keys))
        return kept[2]

    def _items(self, now: datetime) -> Sequence[Item]:
        self._has_read = True
        return read_items(self._folder, self._settings(), now)

    # What is due

    def _wake(self) -> datetime | None:
        """One pass: what fell due is published, drafted and delivered; tells when there is something to do next.

        Without the clock it only writes down what was counted.
        """
        self._tell_what_is_hidden()
        if not self._has_clock:
            self._keep_readers()
            return None
        self._at_work = True
        try:
            if self._press.due(_now()):
                self._publish()
            settings = self._settings()
            outbox = transport(settings.mail.transport, self._folder, self._environment.get(SMTP_PASSWORD, ""))
            site = Site(self._folder, settings, self._items)
            passed = run_due(self._store, site, outbox, engine_name(), _now, stopping=self._stopping.is_set)
            self._log.problems("pass", passed.said)
            for line in () if passed.elsewhere else self._words(passed, outbox.where):
                self._log.say("pass", line)
            self._keep_readers()
            if self._has_read:
                self._has_read = False
                _give_memory_back()
            moments = (next_moment(self._store, settings, _now()), self._press.following())
            return min((moment for moment in moments if moment is not None), default=None)
        except Exception as fault:  # noqa: BLE001 - told, and tried again: what is wrong may be mended meanwhile
            self._log.fault("pass", fault)
            return None
        finally:
            self._passed, self._at_work = _now(), False
            self._metrics.passed(self._passed)

    def _changed(self) -> None:
        """An author saved something: it is published, and may have a slot of its own."""
        self._publish()
        self._clock.ring()

    def _publish(self) -> None:
        try:
            if self._press.run().changed:
                self._log.say("publish", "Published what changed.")
        except PublisherError as fault:
            self._log.fault("publish", fault)
        self._shelves.refresh()

    def _keep_readers(self) -> None:
        counted = self._readers.take()
        if counted:
            try:
                keep_readers(self._store, counted)
            except PublisherError as fault:  # a count that is lost harms nobody
                self._log.fault("readers", fault)


def _give_memory_back() -> None:
    """Have the system get back what ten thousand posts took while they were read; only glibc has to be asked."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _spare_the_collector() -> None:
    """Have it look at what is new alone, and seldom: everybody waits while it looks at all that was ever made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RUBBISH)


def _now() -> datetime:
    return datetime.now(UTC)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

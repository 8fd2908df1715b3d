"""What the log of a Postfix on this machine proves about messages whose fate nobody saw.

Each program of a Postfix logs for itself, and a message is a queue id to all of them:

    smtpd     5FF1: client=…                    a message begins; this process (by its pid) takes it in
    smtpd     lost connection after DATA (9 bytes) from …     the one it was taking in came to nothing
    cleanup   5FF1: message-id=<…>              whose it is; also logged when the content was cut off later
    qmgr      5FF1: from=<…>, … (queue active)  it was accepted, and is on its way
    qmgr      5FF1: removed                     the queue id is free for another message

The names of cut-off messages may come after the line that says so: cleanup reads what smtpd has buffered. A
bare "lost connection after DATA", without bytes, tells of a DATA that was refused, and so of no message at all.

Lines hold what strangers wrote (subjects, sender addresses, host names), so every pattern fits a whole line from
its timestamp on, and what stands elsewhere in a line is never looked at. Postfix and syslog let no line end through.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter, OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import tzinfo
    from pathlib import Path


class Proof(Enum):
    """What is proved of a message."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not accepted"
    UNKNOWN = "unknown"


class Span(NamedTuple):
    """A log's moment: it has no fractions of a second, and may fall into an hour that comes twice."""

    earliest: datetime
    latest: datetime


_WHEN = re.compile(
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)) "
)
_LINE = re.compile(
    rb"(?P<when>"
    + _WHEN.pattern
    + rb")(?P<host>\S+) (?P<instance>[^\s/\[]+)/(?:[^\s\[]+/)?(?P<program>cleanup|pickup|qmgr|smtpd)"
    rb"\[(?P<pid>\d+)\]: (?P<said>.*)\n"
)
_SAID = {
    b"smtpd": re.compile(
        rb"(?P<received>\w+): client=.*"
        rb"|(?P<cut>(?:lost connection|timeout) after DATA \(\d+ bytes\) from .*)"
        rb"|(?P<idle>(?:dis)?connect from .*)"
    ),
    b"pickup": re.compile(rb"(?P<picked>\w+): uid=.*"),
    b"cleanup": re.compile(rb"(?P<id>\w+): message-id=(?P<named>.*)"),
    b"qmgr": re.compile(
        rb"(?P<active>\w+): from=<.*>, size=\d+, nrcpt=\d+ \(queue active\)"
        rb"|(?P<removed>\w+): removed"
    ),
}
_LOST_LINES = re.compile(rb"\x00|rate-limiting|: Suppressed \d+ messages")  # a power cut; rsyslog; journald
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

_SECOND = timedelta(seconds=1)
_AHEAD = timedelta(days=1)  # a log's moment without a year lies at most this far after now
_MARGIN = timedelta(hours=2)  # more than a clock is set back by in autumn, so that no line is missed
_LONGEST = 8192  # bytes; Postfix cuts its lines at a quarter of that
_STRETCH = 1 << 20  # bytes that are read before the moment asked for, and what bisecting comes down to
_PROBE = 64  # lines in which bisecting looks for a timestamp
_REMEMBERED = 100_000  # queue ids, the latest ones
_LONGEST_ID = 500  # bytes; a longer one may be cut in the log


def prove(
    path: Path,
    message_ids: Collection[str],
    since: datetime,
    now: datetime,
    *,
    over: datetime | None = None,
    zone: tzinfo | None = None,
) -> dict[str, Proof]:
    """Ask the log at ``path``, and its last rotation beside it, about messages by their ids, with brackets or without.

    Accepted is a message that became active in the queue. Not accepted is one that was cut off in its content
    after ``since``, or has no line at all in a log that was whole meanwhile: it holds an accepted message from
    before ``since`` and one that came after ``over``, it tells of no lines that were dropped, and no message in it
    is still coming in. Everything else is unknown; so is all of a log that cannot be read.

    ``since`` is before the attempts in doubt began, and after any earlier ones. ``over`` is a moment at which their
    sender was surely gone; without it ``now`` is, and only what the log tells of later moments counts. ``zone`` is
    that of timestamps that name none; None is the machine's own. Moments are aware.
    """
    names = {given: _bare(given) for given in message_ids}
    reading = _Reading(frozenset(filter(None, names.values())), since, over or now, _Clock(now, zone))
    whole = False
    for file in (path.with_name(f"{path.name}.1"), path):
        reading.begin()
        whole = _read(file, since - _MARGIN, reading)
    return {given: reading.proof(name, whole=whole) for given, name in names.items()}


def _bare(message_id: str) -> bytes:
    """The id as it stands in a log between brackets; empty where a log could not hold it as it is."""
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    return bare.encode() if bare.isascii() and bare.isprintable() and len(bare) <= _LONGEST_ID else b""


class _Clock:
    """Reads timestamps of both forms: ISO 8601, and the older one that names neither year nor zone."""

    def __init__(self, now: datetime, zone: tzinfo | None) -> None:
        self._now = now
        self._zone = zone
        self._last: tuple[bytes, Span | None] = (b"", None)

    def read(self, when: bytes) -> Span | None:
        """The moment of a line that begins with ``when``; None for a day that is in no calendar."""
        if when != self._last[0]:
            try:
                self._last = (when, self._iso(when) if when[:1].isdigit() else self._older(when))
            except (ValueError, OverflowError):
                self._last = (when, None)
        return self._last[1]

    def _iso(self, when: bytes) -> Span:
        moment = datetime.fromisoformat(when.decode().strip())
        return Span(moment, moment + _SECOND)

    def _older(self, when: bytes) -> Span | None:
        month, day = _MONTHS.index(when[:3]) + 1, int(when[4:6])
        hour, minute, second = (int(part) for part in when[7:15].split(b":"))
        this_year = self._now.astimezone(self._zone).year
        for year in (this_year + 1, this_year, this_year - 1):
            try:
                naive = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 # its zone comes next
            except ValueError:  # 29 February, in most years
                continue
            folds = sorted(self._placed(naive.replace(fold=fold)) for fold in (0, 1))
            if folds[0] <= self._now + _AHEAD:
                return Span(folds[0], folds[1] + _SECOND)
        return None

    def _placed(self, naive: datetime) -> datetime:
        """In UTC: two moments of one zone would be compared as the clock on the wall shows them."""
        return (naive if self._zone is None else naive.replace(tzinfo=self._zone)).astimezone(UTC)


class _Origin(NamedTuple):
    """One Postfix of those that may share a log; queue ids and pids are its own."""

    host: bytes
    instance: bytes


class _Name(NamedTuple):
    """A queue id, or the pid of an smtpd."""

    origin: _Origin
    number: bytes


@dataclass(slots=True)
class _Queued:
    """What is known so far of the message that has a queue id."""

    message: bytes | None = None  # its Message-ID with brackets, as logged
    named: Span | None = None
    cut: bool = False


class _Reading:
    """What the lines read so far come to."""

    def __init__(self, asked: frozenset[bytes], since: datetime, over: datetime, clock: _Clock) -> None:
        self.clock = clock
        self._asked = frozenset(b"<%s>" % name for name in asked)
        self._since = since
        self._over = over
        self._queue: OrderedDict[_Name, _Queued] = OrderedDict()
        self._incoming: dict[_Name, _Name] = {}  # smtpd to the queue id of what it is taking in
        self._accepted: set[bytes] = set()
        self._cut: set[bytes] = set()
        self._unsettled: Counter[bytes] = Counter()
        self.begin()

    def begin(self) -> None:
        """Another file begins: what only a whole log can prove is to be found in it alone."""
        self._before: set[_Origin] = set()
        self._after: set[_Origin] = set()
        self._damaged = False

    def proof(self, name: bytes, *, whole: bool) -> Proof:
        """The answer for a message. ``whole``: the last file could be read."""
        message = b"<%s>" % name
        if message in self._accepted:
            return Proof.ACCEPTED
        if not name or self._unsettled[message]:
            return Proof.UNKNOWN
        if message in self._cut or (whole and self._has_all()):
            return Proof.NOT_ACCEPTED
        return Proof.UNKNOWN

    def _has_all(self) -> bool:
        """Whether a message without a line was surely not accepted."""
        one_postfix = len(self._before) == 1 and self._before == self._after
        return one_postfix and not self._damaged and not self._is_taking_in()

    def _is_taking_in(self) -> bool:
        incoming = map(self._queue.get, self._incoming.values())
        return any(queued is not None and queued.message is None for queued in incoming)

    def take(self, line: bytes) -> None:
        """Learn from a line, with its line end."""
        found = _LINE.fullmatch(line)
        span = self.clock.read(found["when"]) if found else None
        if found is None or span is None:
            self._damaged |= len(line) >= _LONGEST or _LOST_LINES.search(line) is not None
            return
        said = _SAID[found["program"]].fullmatch(found["said"])
        if said is not None:
            origin = _Origin(found["host"], found["instance"])
            self._learn(said, origin, _Name(origin, found["pid"]), span)

    def _learn(self, said: re.Match[bytes], origin: _Origin, process: _Name, span: Span) -> None:
        match said.lastgroup:
            case "received":
                self._incoming[process] = name = _Name(origin, said["received"])
                self._new(name)
            case "picked":
                self._new(_Name(origin, said["picked"]))
            case "named":
                self._named(_Name(origin, said["id"]), said["named"], span)
            case "cut":
                self._was_cut(self._incoming.pop(process, None), span)
            case "idle":
                self._incoming.pop(process, None)
            case "active":
                self._active(self._queue.get(_Name(origin, said["active"])), origin)
            case "removed":
                self._queue.pop(_Name(origin, said["removed"]), None)

    def _new(self, name: _Name) -> _Queued:
        """Another message under this queue id, whatever had it before."""
        self._queue.pop(name, None)
        self._queue[name] = queued = _Queued()
        if len(self._queue) > _REMEMBERED:
            self._queue.popitem(last=False)
        return queued

    def _named(self, name: _Name, message: bytes, span: Span) -> None:
        queued = self._queue.get(name)
        if queued is None or queued.message is not None:  # what Postfix itself writes has no line before this one
            queued = self._new(name)
        queued.message, queued.named = message, span
        if message in self._asked:
            self._unsettled[message] += 1
            if queued.cut:
                self._settle(message, span)

    def _was_cut(self, name: _Name | None, span: Span) -> None:
        queued = self._queue.get(name) if name else None
        if queued is None:
            return
        queued.cut = True
        if queued.message in self._asked:
            self._settle(queued.message, span)

    def _settle(self, message: bytes, span: Span) -> None:
        self._unsettled[message] -= 1
        if span.latest >= self._since:  # else it is another attempt's story
            self._cut.add(message)

    def _active(self, queued: _Queued | None, origin: _Origin) -> None:
        if queued is None or queued.message is None or queued.named is None:
            return
        if queued.message in self._asked:
            self._accepted.add(queued.message)
        if queued.named.latest < self._since:
            self._before.add(origin)
        if queued.named.earliest > self._over:
            self._after.add(origin)


def _read(path: Path, goal: datetime, reading: _Reading) -> bool:
    """Read a file from about ``goal`` on; False where it cannot be read to its end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe is not waited for
        with os.fdopen(descriptor, "rb", buffering=1 << 18) as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return False
            _seek(stream, goal, reading.clock)
            for line in _lines(stream):
                reading.take(line)
    except (OSError, ValueError):  # ValueError: a path that can be none
        return False
    return True


def _seek(stream: BinaryIO, goal: datetime, clock: _Clock) -> None:
    """Go to the beginning of a line that is not after ``goal``, without reading all that is before."""
    low, high = 0, stream.seek(0, os.SEEK_END)
    while high - low > _STRETCH:
        middle = (low + high) // 2
        stream.seek(middle)
        span = _first_span(stream, clock)
        if span is not None and span.latest < goal:
            low = middle
        else:
            high = middle
    start = max(0, low - _STRETCH)
    stream.seek(start)
    while start and (rest := stream.readline(_LONGEST)) and not rest.endswith(b"\n"):
        pass


def _first_span(stream: BinaryIO, clock: _Clock) -> Span | None:
    stream.readline(_LONGEST)
    for _ in range(_PROBE):
        found = _WHEN.match(stream.readline(_LONGEST))
        if found is not None:
            return clock.read(found[0])
    return None


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Every line; of one that is too long its beginning alone, so that nothing inside it passes for a line."""
    ended = True
    while line := stream.readline(_LONGEST):
        if ended:
            yield line
        ended = line.endswith(b"\n")

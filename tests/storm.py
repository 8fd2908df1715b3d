"""Many at once: visitors who subscribe, clients that dawdle, and feed readers that ask again and again."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles
from time import monotonic
from urllib.parse import urlencode, urlsplit

HUMAN = 2.2  # seconds that a person takes to fill in a form, at least
_STAMP = re.compile(r'name="stamp" value="([^"]+)"')
_FILES = 8_192


@dataclass
class Storm:
    """What came back: statuses by kind of client, and how long each look at a feed took, in seconds."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    feed_seconds: list[float] = field(default_factory=list)
    cut_off: int = 0  # slow clients that were let go

    def centile(self, of_hundred: int) -> float:
        return quantiles(self.feed_seconds, n=100)[of_hundred - 1]


def network(number: int) -> str:
    """An address of a network of its own."""
    return f"198.{18 + number // 250}.{number % 250}.7"


def person(number: int) -> str:
    return f"reader{number}@example.org"


@dataclass(frozen=True)
class Reply:
    """What a server said."""

    status: int
    head: str
    text: str

    def header(self, name: str) -> str:
        return next(line.partition(": ")[2] for line in self.head.split("\r\n") if line.lower().startswith(f"{name}:"))


async def ask(url: str, method: str, path: str, body: str = "", **headers: str) -> Reply:
    """One request on a connection of its own: a client for many at once must not itself be what is slow."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        said = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in said.items())
        writer.write(f"{method} /{path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    return Reply(int(head.split(" ", 2)[1]), head, text)


async def storm(url: str, *, visitors: int, slow: int, readers: int, digest: str, cadence: str) -> Storm:
    """Half of the visitors use the form, half JSON; readers ask for the feed until the last visitor is done."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
    seen, over = Storm(), asyncio.Event()
    async with asyncio.TaskGroup() as others:
        for _ in range(slow):
            others.create_task(_dawdle(url, seen, over))
        for _ in range(readers):
            others.create_task(_read(url, seen, over))
        async with asyncio.TaskGroup() as people:
            for number in range(visitors):
                come = _fill_in if number % 2 else _post_json
                people.create_task(come(url, seen, number, digest, cadence))
        over.set()
    return seen


async def _fill_in(url: str, seen: Storm, number: int, digest: str, cadence: str) -> None:
    form = await ask(url, "GET", "subscribe", X_Forwarded_For=network(number))
    seen.statuses["form", form.status] += 1
    stamp = _STAMP.search(form.text)
    assert stamp is not None, form
    await asyncio.sleep(HUMAN)
    given = {
        "address": person(number),
        "digest": digest,
        f"cadence-{digest}": cadence,
        "stamp": stamp[1],
        "comment": "",
    }
    kind = "application/x-www-form-urlencoded"
    done = await ask(url, "POST", "subscribe", urlencode(given), Content_Type=kind, X_Forwarded_For=network(number))
    assert done.header("location").endswith("/subscribe/sent"), done
    seen.statuses["subscribe", done.status] += 1


async def _post_json(url: str, seen: Storm, number: int, digest: str, cadence: str) -> None:
    given = json.dumps({"address": person(number), "digest": digest, "cadence": cadence})
    kind = "application/json"
    done = await ask(url, "POST", "api/subscribe", given, Content_Type=kind, X_Forwarded_For=network(number))
    seen.statuses["subscribe", done.status] += 1


async def _read(url: str, seen: Storm, over: asyncio.Event) -> None:
    known: dict[str, str] = {}
    while not over.is_set():
        begun = monotonic()
        found = await ask(url, "GET", "feed.xml", **known)
        seen.feed_seconds.append(monotonic() - begun)
        seen.statuses["feed", found.status] += 1
        known = {"If_None_Match": found.header("etag")}
        await asyncio.sleep(0.05)


async def _dawdle(url: str, seen: Storm, over: asyncio.Event) -> None:
    """A request head that never ends, a byte at a time."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:
        seen.cut_off += 1
        return
    try:
        writer.write(b"POST /subscribe HTTP/1.1\r\nHost: slow\r\n")
        while not over.is_set():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.5)
    except OSError:
        seen.cut_off += 1
    finally:
        writer.close()
        reader.feed_eof()

"""Measure sending: `make bench`, or `.venv/bin/python -m benchmarks.mail --help`.

Ours composes for each reader and keeps a durable ledger; smtp-source (C, from Postfix) sends one fixed message as
fast as it can over connections that stay open. Both send into the same smtp-sink, in turns. Then drafting and
sending to many readers: time, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mail.md"
_TMPFS = Path("/dev/shm")
_BEGIN, _END = "<!-- benchmarks of mail: begin -->", "<!-- benchmarks of mail: end -->"

PREPARE = """
import json, resource, sys, time
from contextlib import closing
from pathlib import Path
from publisher.flows.digest import Occasion, draft
from publisher.store.database import open_store
from dataclasses import replace
from datetime import UTC, datetime
from tests.mailing import CONFERENCES, item, settings
from tests.readers import add_readers
now = datetime.now(UTC)
folder, readers, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
paragraph = "<p>" + "A sentence that somebody wrote about a talk. " * 8 + "</p>"
words = paragraph * max(1, (size - 4000) // 740)
digest = replace(CONFERENCES, content="full")
items = (item(1, html=words),)
with closing(open_store("sqlite:///mailing.sqlite3", folder)) as store:
    add_readers(store, digest, items, readers, now)
    start = time.perf_counter()
    draft(store, Occasion(settings(digest), digest, "weekly", folder, items, now))
    took = time.perf_counter() - start
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""
SEND = """
import json, resource, sys, time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from publisher.flows.deliver import Terms, deliver
from publisher.mail.transports import transport
from publisher.store.database import open_store
folder, relay, connections, window = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with closing(open_store("sqlite:///mailing.sqlite3", folder)) as store:
    start = time.perf_counter()
    done = deliver(store, transport(relay, folder), "bench", lambda: datetime.now(UTC), Terms(connections, window))
    took = time.perf_counter() - start
counts = {state.value: count for each in done.worked_on for state, count in each.counts.items()}
print(json.dumps([took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, counts]))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``goal`` is what ours must at least be of the peer's, or at most in bytes."""

    work: str
    ours: str
    peer: str = ""
    ratio: str = ""
    goal: str = ""
    reached: str = ""


def main() -> None:
    """Do what the command line asks."""
    asked = _arguments()
    where = asked.folder or (_TMPFS if os.access(_TMPFS, os.W_OK) else Path(tempfile.gettempdir()))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="publisher-mail-", dir=where) as folder, _sink() as port:
        for size in (5_000, 30_000):
            for connections in (10, 20):
                rows.append(_beside_smtp_source(Path(folder), port, asked, size, connections))
                print(rows[-1], file=sys.stderr, flush=True)
        for readers in asked.many:
            rows += _many(Path(folder), port, readers)
            print(*rows[-2:], sep="\n", file=sys.stderr, flush=True)
    head = ("work", "ours", "smtp-source -d", "ratio", "goal", "reached")
    cells = [head, ("---", "---:", "---:", "---:", "---:", "---")]
    cells += [astuple(row) for row in rows]
    about = (
        f"Medians of {asked.pairs} runs in turns, {asked.messages:,} messages each, the store on {where}; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}. Ours composes each message and commits each "
        "result to SQLite (WAL, synchronous=FULL); "
        "smtp-source sends one fixed message and keeps no record."
    )
    text = "".join(f"| {' | '.join(row)} |\n" for row in cells) + f"\n{about}\n"
    print(text)
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    asked.results.write_text(text, encoding="utf-8")
    if asked.write_readme:
        readme = ROOT / "README.md"
        readme.write_text(table.placed(readme.read_text("utf-8"), text, (_BEGIN, _END)), encoding="utf-8")


def _beside_smtp_source(folder: Path, port: int, asked: argparse.Namespace, size: int, connections: int) -> Row:
    ours, theirs, ratios = [], [], []
    for _ in range(asked.pairs):
        with _site(folder, asked.messages, size) as site:
            took, _, counts = _child(SEND, site, f"smtp://127.0.0.1:{port}", connections, asked.window)
            if counts != {"sent": asked.messages}:
                raise RuntimeError(f"not everything was sent: {counts}")
        ours.append(asked.messages / took)
        theirs.append(asked.messages / _smtp_source(port, asked.messages, size, connections))
        ratios.append(ours[-1] / theirs[-1])
    ratio = median(ratios)
    return Row(
        f"{size // 1000} KB, {connections} connections",
        f"{median(ours):,.0f}/s",
        f"{median(theirs):,.0f}/s",
        f"{ratio:.2f}",
        "at least 1.0",
        "yes" if ratio >= 1 else "no",
    )


def _many(folder: Path, port: int, readers: int) -> list[Row]:
    with _site(folder, 0, 0) as site:
        drafted, draft_peak = _child(PREPARE, site, readers, 30_000)
        took, peak, counts = _child(SEND, site, f"smtp://127.0.0.1:{port}", 20, 100)
        if counts != {"sent": readers}:
            raise RuntimeError(f"not everything was sent: {counts}")
    flat = ("under 200 MB", "yes" if max(peak, draft_peak) < 200e6 else "no")
    return [
        Row(f"drafting for {readers:,} readers", f"{drafted:.1f} s, {draft_peak / 1e6:.0f} MB"),
        Row(
            f"sending 30 KB to {readers:,} readers",
            f"{took:.0f} s ({readers / took:,.0f}/s), {peak / 1e6:.0f} MB",
            "",
            "",
            *flat,
        ),
    ]


@contextmanager
def _site(folder: Path, readers: int, size: int) -> Iterator[Path]:
    site = folder / "site"
    site.mkdir()
    try:
        if readers:
            _child(PREPARE, site, readers, size)
        yield site
    finally:
        shutil.rmtree(site)


def _child(code: str, *arguments: object) -> list[Any]:
    words = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout))


def _smtp_source(port: int, messages: int, size: int, connections: int) -> float:
    words = ["smtp-source", "-d", "-s", str(connections), "-m", str(messages), "-l", str(size)]
    words += ["-f", "a@example.org", "-t", "b@example.org", f"inet:127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - start


@contextmanager
def _sink() -> Iterator[int]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["smtp-sink", *(["-u", "nobody"] if os.geteuid() == 0 else []), f"inet:127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(words)
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int) -> None:
    for _ in range(200):
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("smtp-sink does not answer")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure sending against smtp-source.")
    parser.add_argument("--messages", type=int, default=20_000, help="messages of a run (default 20000)")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side (default 3)")
    parser.add_argument("--window", type=int, default=100, help="rows under way at one time (default 100)")
    parser.add_argument("--many", type=int, nargs="*", default=[100_000, 1_000_000], help="readers of the large runs")
    parser.add_argument("--quick", action="store_true", help="300 messages and one pair: to see that it works")
    parser.add_argument("--folder", type=Path, help="where the stores are (default: tmpfs)")
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the table is written")
    asked = parser.parse_args()
    if asked.quick:
        asked.messages, asked.pairs, asked.many = 300, 1, [500]
    return asked


if __name__ == "__main__":
    main()

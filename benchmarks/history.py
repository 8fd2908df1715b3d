"""A large site with its whole history in archives: `.venv/bin/python -m benchmarks.history --help`.

A hundred thousand posts, a page each, the newest 20 in the feeds, everything in archive documents (RFC 5005). Each row
tells the time of a whole process, its memory, and how many files of the output it wrote. Hugo builds pages and the
newest 20 from the same posts in the same run; it writes one format and no archives, and keeps nothing between runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import measure, peers, posts, sites, table
from benchmarks.sites import Arrangement, Hugo, Ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.measure import Side

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "history.md"
MARKS = ("<!-- benchmarks of history: begin -->", "<!-- benchmarks of history: end -->")
_TMPFS = Path("/dev/shm")
_NEWEST = Arrangement(limit=20)
_HEAD = ("work", "ours", "Hugo, without archives", "ratio", "our memory", "files written")


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of run: what it is called, how to come to it, and what Hugo does about the same change."""

    work: str
    ours: Side
    hugo: Side | None


def main() -> None:
    """Do what the command line asks."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder on tmpfs is taken away
    where = _TMPFS if os.access(_TMPFS, os.W_OK) else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="publisher-bench-", dir=where) as folder:
        lines = list(_measured(asked, Path(folder)))
    text = "".join(f"| {' | '.join(cells)} |\n" for cells in (_HEAD, ("---", *["---:"] * 5), *lines))
    text += (
        f"\nMedians of {asked.runs} run(s), in turns with Hugo's, whole processes, on {where}; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {peers.PINS[0]}. Memory is the peak of the sum over all processes of a "
        "run, shared pages counted once.\n"
    )
    print(text)
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    asked.results.write_text(text, encoding="utf-8")
    if asked.write_readme:
        readme = ROOT / "README.md"
        readme.write_text(table.placed(readme.read_text("utf-8"), text, MARKS), encoding="utf-8")


def _measured(asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, ...]]:
    written = posts.Batch(asked.posts)
    ours = Ours(asked.publish, _made(folder / "ours"), written)
    hugo = None if asked.ours_only else Hugo(peers.install(), _made(folder / "hugo"), written)
    for site in (ours, hugo):
        if site:
            site.prepare(_NEWEST)
            sites.require_equal_work(site.folder / sites.OUTPUT, written, _NEWEST)
    _require_history(ours.folder / sites.OUTPUT, len(written))
    for row in _rows(ours, hugo):
        if "cold" not in row.work:
            ours.publish()  # what is measured next finds a site in order
        times, others = measure.alternate(row.ours, row.hugo, asked.runs)
        memory, files = _memory_and_files(row.ours, ours.folder / sites.OUTPUT)
        line = table.of_times(f"{row.work}, {len(written):,} posts", times, "", others, 1.0)
        ratio = "" if line.ratio is None else f"{line.ratio:.3g}"
        cells = (line.work, line.ours, line.peer.strip(), ratio, table.megabytes(memory.tree), f"{files:,}")
        print(" | ".join((*cells, line.cpu)), file=sys.stderr, flush=True)
        yield cells


def _rows(ours: Ours, hugo: Hugo | None) -> Iterator[Row]:
    old = len(ours.written) // 10
    yield Row("cold", ours.cold(), hugo.cold() if hugo else None)
    yield Row("nothing changed", ours.settled(), hugo.settled() if hugo else None)
    yield Row("the newest post changed", ours.edited(-1), hugo.edited(-1) if hugo else None)
    yield Row("an old post edited", ours.edited(old), hugo.edited(old) if hugo else None)


def _memory_and_files(side: Side, output: Path) -> tuple[measure.Memory, int]:
    """The memory of one run, and how many files of the output are not those that stood there before it."""
    found: dict[str, tuple[int, int]] = {}

    def before() -> None:
        side.before()
        found.update(_files(output))

    memory = measure.memory(measure.Side(side.name, side.command, side.folder, before))
    return memory, sum(found.get(path) != stamp for path, stamp in _files(output).items())


def _files(output: Path) -> Mapping[str, tuple[int, int]]:
    stamps: dict[str, tuple[int, int]] = {}
    for folder, _, names in os.walk(output):
        for name in names:
            about = (Path(folder) / name).stat()
            stamps[f"{folder}/{name}"] = (about.st_mtime_ns, about.st_ino)
    return stamps


def _require_history(output: Path, count: int) -> None:
    """See that the archives hold every post once in each format. Raises RuntimeError where they do not."""
    for name, marker in _MARKERS.items():
        found = sum(marker(path.read_text("utf-8")) for path in (output / "archive").rglob(name))
        if found != count:
            raise RuntimeError(f"the archives named {name} hold {found} entries, not {count}")


_MARKERS: dict[str, Callable[[str], int]] = {
    "feed.xml": lambda text: text.count("<item>"),
    "atom.xml": lambda text: text.count("<entry"),
    "feed.json": lambda text: text.count('"date_published"'),
}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a large site whose whole history stands in archives.")
    parser.add_argument("--posts", type=int, help="posts of the site (default 100000)")
    parser.add_argument("--runs", type=int, help="runs of each row (default 3)")
    parser.add_argument("--quick", action="store_true", help="600 posts and one run: to see that it works")
    parser.add_argument("--ours-only", action="store_true", help="leave Hugo out, and do not install it")
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the table is written")
    parser.add_argument("--publish", default=os.fspath(Path(sys.executable).with_name("publish")), metavar="PROGRAM")
    asked = parser.parse_args()
    asked.posts = asked.posts or (600 if asked.quick else 100_000)
    asked.runs = asked.runs or (1 if asked.quick else 3)
    return asked


if __name__ == "__main__":
    main()

"""Measure Publisher against its peers: `make bench`, or `.venv/bin/python benchmarks/run.py --help`.

Both sides work on tmpfs where there is one, in turns; the figures are medians of whole processes,
the ratios medians over neighbouring runs. The table is printed, written to benchmarks/results/,
and put into the README with --write-readme.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks import peers, posts, table
from benchmarks.rows import Room, measured

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "latest.md"
_TMPFS = Path("/dev/shm")


def main() -> None:
    """Do what the command line asks."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder on tmpfs is taken away
    notes = _Notes()
    where = _TMPFS if os.access(_TMPFS, os.W_OK) else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="publisher-bench-", dir=where) as folder:
        room = Room(
            folder=Path(folder),
            publish=asked.publish,
            written=posts.Batch(asked.posts),
            fewer=posts.Batch(asked.fewer, seed=2),
            pairs=asked.pairs,
            peers=None if asked.ours_only else peers.install(),
            note=notes.add,
        )
        lines = []
        for line in measured(room, set(asked.rows)):
            print(" | ".join((*line.cells(), line.cpu)), file=sys.stderr, flush=True)
            lines.append(line)
    text = table.markdown(lines) + "\n" + notes.text(asked.pairs, where)
    print(text)
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    asked.results.write_text(text, encoding="utf-8")
    if asked.write_readme:
        readme = ROOT / "README.md"
        readme.write_text(table.placed(readme.read_text("utf-8"), text), encoding="utf-8")


@dataclass(slots=True)
class _Notes:
    """What is worth knowing beside the table."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)

    def text(self, pairs: int, where: Path) -> str:
        about = (
            f"Medians of {pairs} runs in turns (range in brackets), whole processes, on {where}; "
            f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(peers.PINS)}, "
            f"publisher-feeds {version('publisher-feeds')}.\n"
            "Ratios are medians over neighbouring runs. Memory is the peak of the sum over all processes of a run, "
            "shared pages counted once."
        )
        return "\n".join((about, *(f"{line[0].upper()}{line[1:]}." for line in self.lines))) + "\n"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Publisher against Hugo, Pelican and bare Python.")
    parser.add_argument("--posts", type=int, help="posts of the large site (default 10000)")
    parser.add_argument("--fewer", type=int, help="posts of the site that Pelican builds too (default 1000)")
    parser.add_argument("--pairs", type=int, help="runs of each side (default 5)")
    parser.add_argument("--rows", type=int, nargs="+", default=range(1, 8), metavar="N", help="rows to measure, 1 to 7")
    parser.add_argument("--quick", action="store_true", help="300 posts and one pair: to see that it works")
    parser.add_argument("--ours-only", action="store_true", help="leave the peers out, and do not install them")
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the table is written")
    parser.add_argument("--publish", default=os.fspath(Path(sys.executable).with_name("publish")), metavar="PROGRAM")
    asked = parser.parse_args()
    asked.posts = asked.posts or (300 if asked.quick else 10_000)
    asked.fewer = asked.fewer or (300 if asked.quick else 1_000)
    asked.pairs = asked.pairs or (1 if asked.quick else 5)
    return asked


if __name__ == "__main__":
    main()

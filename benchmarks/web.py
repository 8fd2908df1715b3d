"""Measure serving: `make bench`, or `.venv/bin/python -m benchmarks.web --help`.

`publisher serve` and nginx serve the same feed of 160 KB from tmpfs, with one worker each, to the same connections of
wrk that stay open: a reader that has it already (304), and one that takes it compressed. Each request says for how
many readers it is made, as aggregators do, and ours counts them; its store, its pages and its look-out for a new
output are there as always. nginx is given what it is fastest with: the compressed copy ready beside the feed, the
same bytes as ours, and open files kept.

The load takes a core of its own. Where there is none to spare the clock flatters the slower side, so the processor
time of each server is taken too.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from html import escape
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import measure, posts, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "web.md"
FEED = "feed.xml"
SIZE = 160_000
_TMPFS = Path("/dev/shm")
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
_BEGIN, _END = "<!-- benchmarks of web: begin -->", "<!-- benchmarks of web: end -->"
_WARM = 1  # seconds of load before any that count
_GZIP = {"Accept-Encoding": "gzip"}

_TELLING = {"User-Agent": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; like FeedFetcher-Google)"}

SITE = """
[site]
title = "Notebook"
base_url = "http://127.0.0.1:{port}/"
timezone = "Europe/Berlin"
author = "Robin"
[digests.weekly]
title = "Everything new"
schedule = "mon 09:00"
[mail]
from = "Notebook <digest@example.com>"
postal_address = "Notebook, 1 Street, Town"
[web]
port = {port}
public_url = "http://127.0.0.1:{port}/"
"""
NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
    default_type application/rss+xml;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    server_tokens off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        gzip_static on;
        add_header Cache-Control "public, max-age=300";
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``goal`` is what ours must at least be of the peer's; ``by_cpu`` is by processor time."""

    work: str
    ours: str
    peer: str
    ratio: str
    by_cpu: str
    goal: str
    reached: str


@dataclass(frozen=True, slots=True)
class Server:
    """One that is measured: its process, and the port that it answers at."""

    process: int
    port: int

    def spent(self) -> float:
        """Seconds of processor time so far, its children's included."""
        ticks = 0
        for process in measure._family(self.process):  # noqa: SLF001 - of this folder, and the same question
            fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """What one load found: requests a second, by the clock and by the server's processor time."""

    rate: float
    by_cpu: float


def main() -> None:
    """Do what the command line asks."""
    asked = _arguments()
    where = asked.folder or (_TMPFS if os.access(_TMPFS, os.W_OK) else Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix="publisher-web-", dir=where) as folder:
        root = Path(folder) / "public"
        root.mkdir()
        (root / FEED).write_bytes(_feed())
        with _ours(Path(folder)) as ours, _nginx(Path(folder), root, ours) as nginx:
            rows = list(_rows(ours, nginx, asked))
    head = ("work", "ours", "nginx", "ratio", "ratio by processor time", "goal", "reached")
    cells = [head, ("---", "---:", "---:", "---:", "---:", "---:", "---")]
    cells += [astuple(row) for row in rows]
    about = (
        f"Requests a second, medians of {asked.pairs} runs of {asked.seconds} s in turns (range in brackets), "
        f"{asked.connections} connections of wrk that stay open, one worker each, the feed on {where}; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {_version()}. Ratios are medians over "
        "neighbouring runs."
    )
    text = "".join(f"| {' | '.join(row)} |\n" for row in cells) + f"\n{about}\n"
    print(text)
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    asked.results.write_text(text, encoding="utf-8")
    if asked.write_readme:
        readme = ROOT / "README.md"
        readme.write_text(table.placed(readme.read_text("utf-8"), text, (_BEGIN, _END)), encoding="utf-8")


def _rows(ours: Server, nginx: Server, asked: argparse.Namespace) -> Iterator[Row]:
    tags = [_require(server, 200)[0] for server in (ours, nginx)]
    size = len(_require(ours, 200)[1])
    known = [{**_GZIP, "If-None-Match": tag} for tag in tags]
    for work, status, headers, goal in (
        ("304 to a reader that has it", 304, known, 0.35),
        (f"{size / 1000:.0f} KB of gzip", 200, [_GZIP, _GZIP], 0.55),
    ):
        sides = list(zip((ours, nginx), headers, strict=True))
        for server, sent in sides:
            _require(server, status, sent)
            _load(server, sent, asked.connections, _WARM)
        runs = [
            [_load(server, sent, asked.connections, asked.seconds) for server, sent in sides]
            for _ in range(asked.pairs)
        ]
        yield _row(f"feed of {SIZE // 1000} KB, {work}", runs, goal)


def _row(work: str, runs: Sequence[Sequence[Run]], goal: float) -> Row:
    ratio = median(ours.rate / nginx.rate for ours, nginx in runs)
    by_cpu = median(ours.by_cpu / nginx.by_cpu for ours, nginx in runs)
    told, other = (_told([pair[side].rate for pair in runs]) for side in (0, 1))
    reached = "yes" if ratio >= goal else "no"
    row = Row(work, told, other, f"{ratio:.2f}", f"{by_cpu:.2f}", f"at least {goal}", reached)
    print(row, file=sys.stderr, flush=True)
    return row


def _told(figures: Sequence[float]) -> str:
    return f"{median(figures):,.0f}/s ({min(figures):,.0f} to {max(figures):,.0f})"


def _feed() -> bytes:
    """A feed of exactly so many bytes, of posts that read like real ones."""
    text = '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
    for post in posts.generate(SIZE // 3_000):
        text += f"<item><title>{escape(post.title)}</title><description>{escape(post.body)}</description></item>\n"
    end = b"</channel></rss>\n"
    whole = text.encode()
    if len(whole) < SIZE:
        raise RuntimeError(f"the posts are too short: {len(whole)} bytes")
    return whole[: whole.rindex(b"<item>", 0, SIZE - 4_000)].ljust(SIZE - len(end)) + end


def _load(server: Server, headers: dict[str, str], connections: int, seconds: int) -> Run:
    """Load it for a while; raises RuntimeError if a request failed."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    for name, value in {**_TELLING, **headers}.items():
        words += ["-H", f"{name}: {value}"]
    before = server.spent()
    url = f"http://127.0.0.1:{server.port}/{FEED}"
    said = subprocess.run([*words, url], check=True, capture_output=True, text=True).stdout
    spent = server.spent() - before
    rate, count = re.search(r"Requests/sec:\s*([\d.]+)", said), re.search(r"(\d+) requests in", said)
    if not rate or not count or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    return Run(float(rate[1]), int(count[1]) / spent)


def _require(server: Server, status: int, headers: dict[str, str] | None = None) -> tuple[str, bytes]:
    """The tag and the body of an answer; raises RuntimeError if it is not what is to be measured."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", f"/{FEED}", headers=headers or _GZIP)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status != status:
        raise RuntimeError(f"{answer.status}, not {status}, at port {server.port}")
    if status == 200 and gzip.decompress(body) != _feed():
        raise RuntimeError(f"another feed at port {server.port}")
    return answer.headers["ETag"], body


@contextmanager
def _ours(site: Path) -> Iterator[Server]:
    port = _free_port()
    (site / "config.toml").write_text(SITE.format(port=port), encoding="utf-8")
    program = "from publisher.cli.main import main; main()"
    words = [sys.executable, "-c", program, "serve", "--no-clock", "--quiet", "--site", os.fspath(site)]
    with _started(words, port) as server:
        yield server


@contextmanager
def _nginx(folder: Path, root: Path, ours: Server) -> Iterator[Server]:
    """Its own nginx, with its own files. The compressed copy is that which ours sends."""
    port = _free_port()
    copy = root / f"{FEED}.gz"
    copy.write_bytes(_require(ours, 200)[1])
    os.utime(copy, (root / FEED).stat()[7:9])
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(user=user, folder=folder, port=port, root=root), encoding="utf-8")
    with _started(["nginx", "-p", os.fspath(folder), "-e", "stderr", "-c", os.fspath(config)], port) as server:
        yield server


@contextmanager
def _started(words: Sequence[str], port: int) -> Iterator[Server]:
    process = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "PATH": _PATH})
    try:
        _await(process, port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(500):
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not answer")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _version() -> str:
    said = subprocess.run(
        ["nginx", "-v"], check=True, capture_output=True, text=True, env={**os.environ, "PATH": _PATH}
    )
    return said.stderr.strip().rpartition(" ")[2]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure serving against nginx.")
    parser.add_argument("--pairs", type=int, default=7, help="runs of each side (default 7)")
    parser.add_argument("--seconds", type=int, default=4, help="of a run (default 4)")
    parser.add_argument("--connections", type=int, default=32, help="of wrk (default 32)")
    parser.add_argument("--quick", action="store_true", help="one pair of a second: to see that it works")
    parser.add_argument("--folder", type=Path, help="where the feed is (default: tmpfs)")
    parser.add_argument("--write-readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the table is written")
    asked = parser.parse_args()
    if asked.quick:
        asked.pairs, asked.seconds = 1, 1
    return asked


if __name__ == "__main__":
    main()

"""Small sites for tests: a folder with config.toml and posts, published in-process or by the real command."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from publisher.config import load
from publisher.flows.publish import publish
from publisher.flows.report import Listener, Options, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BASE = "https://blog.test/"  # no placeholder: ids are recorded
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHECKOUT = Path(__file__).parent.parent
CARRIED = ("config.toml", "ids.toml", "posts", "static", "templates")  # what git would carry to another machine
_FEEDS = {"limit", "per", "content", "formats", "hubs", "paths", "tag_paths", "archives", "tombstones"}
_TABLES = {"enabled": "pages", "replace": "output", "permalink": "posts", "time_of_day": "posts"}
_BOUNDING_SET_DROP, _OVERRIDE, _READ_SEARCH = 24, 1, 2  # prctl(2), capabilities(7)


def config_of(more: str = "", **keys: Any) -> str:
    """The text of a config.toml; keywords go to the table they belong to, [site] by default; ``more`` is appended."""
    site = {"title": "Notebook", "base_url": BASE, "timezone": "Europe/Berlin", "author": "Robin"}
    tables: dict[str, dict[str, Any]] = {"site": site, "posts": {}, "pages": {}, "output": {}, "feeds": {}}
    for key, value in keys.items():
        tables["feeds" if key in _FEEDS else _TABLES.get(key, "site")][key] = value
    return "\n".join(f"[{name}]\n{_lines(table)}" for name, table in tables.items()) + more


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def a_post(title: str = "Hello", body: str = "Some words.", **keys: Any) -> str:
    """A post with TOML frontmatter; keywords are its further keys."""
    given = {"title": title, "date": "2024-01-05", **keys}
    return f"+++\n{_lines(given)}+++\n\n{body}\n"


def write(site: Path, path: str, text: str | bytes) -> Path:
    """Write a file of the site, folders included."""
    place = site / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def a_site(folder: Path, posts: Mapping[str, str] | None = None, config: str | None = None) -> Path:
    """A site in ``folder``: posts by file name (two by default)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "posts").mkdir()
    write(folder, "config.toml", config_of() if config is None else config)
    default = {"one.md": a_post("One", tags=["talk"]), "two.md": a_post("Two", date="2024-02-06")}
    for name, text in (default if posts is None else posts).items():
        write(folder, f"posts/{name}", text)
    return folder


def published(site: Path, now: datetime = NOW, listener: Listener | None = None, **options: bool) -> Report:
    """Publish in this process."""
    return publish(site, load(site), now, Options(**options), listener)


def tree(folder: Path) -> dict[str, bytes]:
    """What readers can fetch: every file of the output but the manifest's folder."""
    return {path: (folder / path).read_bytes() for path in paths_in(folder)}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Modification time and inode of the same files."""
    found = {path: (folder / path).stat() for path in paths_in(folder)}
    return {path: (stat.st_mtime_ns, stat.st_ino) for path, stat in found.items()}


def paths_in(folder: Path) -> list[str]:
    """The files below a folder, relative, but for those of ``.publisher``."""
    below = (Path(root, name) for root, _, names in os.walk(folder) for name in names)
    relative = (path.relative_to(folder) for path in below)
    return sorted(path.as_posix() for path in relative if path.parts[0] != ".publisher")


def carried(site: Path, folder: Path) -> Path:
    """The site on another machine: only what its author keeps under version control, with new times."""
    folder.mkdir(parents=True)
    for name in CARRIED:
        if (site / name).is_dir():
            shutil.copytree(site / name, folder / name, copy_function=shutil.copyfile, symlinks=True)
        elif (site / name).exists():
            shutil.copyfile(site / name, folder / name)
    return folder


def messages(report: Report) -> str:
    """All problems of a report as a user reads them."""
    return "\n".join(map(str, report.problems))


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str


def command(*arguments: str) -> list[str]:
    """The command line of ``publisher`` with these arguments."""
    return [sys.executable, "-c", "from publisher.cli.main import main; main()", *arguments]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the checkout importable and nothing that would send requests elsewhere."""
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), **more}


def run(
    site: Path, *arguments: str, prepare: Callable[[], None] | None = None, words: Sequence[str] | None = None
) -> Done:
    """Run ``publisher`` (or ``words``) in a site's folder as a user would; no traceback is ever right."""
    done = subprocess.run(
        words or command(*arguments),
        cwd=site,
        env=environment(),
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
        preexec_fn=prepare,
    )
    out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    assert "Traceback" not in err, err
    return Done(done.returncode, out, err)


def as_mortal() -> None:
    """Give up root's way past permissions, before a command starts; nothing to do for other users."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (_OVERRIDE, _READ_SEARCH):
            libc.prctl(_BOUNDING_SET_DROP, capability, 0, 0, 0)

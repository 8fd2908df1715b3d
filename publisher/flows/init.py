"""The story of `init`: a folder becomes a site that publishes at once. Nothing that is there is overwritten."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from publisher.config import FILE as CONFIG
from publisher.errors import OutputError, UsageError

IGNORED = (
    ("/.publisher/", "what publish remembers; it can be made again"),
    ("/public/", "the output; take this line out to keep it in git"),
    ("/preview/", "previews of digests"),
    ("/outbox/", "mail, with people's addresses"),
    ("/*.sqlite3*", "subscribers and what was sent to them, and copies of it"),
    ("/mailing-*", "which messages were under way"),
    ("/keys.toml*", "keys of the links in mail"),
    ("/*.key", "keys"),
    ("/*.pem", "keys"),
)


class Made(NamedTuple):
    """Paths relative to the site, in the order they were made; ``kept`` stood there before."""

    made: tuple[str, ...]
    kept: tuple[str, ...]


def sample() -> Path:
    """The sample site that ships with Publisher: in the wheel inside the package, else beside it."""
    package = Path(__file__).parent.parent
    inside = package / "sample"
    return inside if inside.is_dir() else package.parent


def init(folder: Path) -> Made:
    """Make a site in ``folder``. Raises UsageError where one is already, OutputError where none can be."""
    if os.path.exists(folder / CONFIG):  # Path.exists raises for a name that is too long
        raise UsageError(f"{folder} is a site already: it has a {CONFIG}", "choose another folder")
    source = sample()
    made: list[str] = []
    kept: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "posts").is_dir() and any((folder / "posts").iterdir()):
            kept.append("posts/")
        else:
            shutil.copytree(source / "posts", folder / "posts", dirs_exist_ok=True)
            made += sorted(_below(folder / "posts", folder))
        ignore(folder, made, kept)
        shutil.copyfile(source / CONFIG, folder / CONFIG)  # last: until then the folder is no site
        made.append(CONFIG)
    except OSError as fault:
        raise OutputError(
            f"{fault.filename or folder} cannot be made: {fault.strerror}", "choose a folder that you may write to"
        ) from None
    return Made(tuple(made), tuple(kept))


def _below(folder: Path, root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in folder.rglob("*") if path.is_file()]


def ignore(folder: Path, made: list[str], kept: list[str]) -> None:
    """See that git takes none of what is private or can be made again; tells ``made`` or ``kept`` of the file."""
    path = folder / ".gitignore"
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    lines = text.splitlines()
    missing = [f"# {why}{os.linesep}{pattern}" for pattern, why in IGNORED if pattern not in lines]
    (kept if text else made).append(".gitignore")
    if missing:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(("" if not text or text.endswith("\n") else "\n") + "\n".join(missing) + "\n")

"""The story of `new`: a post is begun, in the dialect that the site's posts already use."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING

from publisher.content.scan import scan_if_there
from publisher.content.slugs import slugify
from publisher.errors import OutputError, UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from publisher.model.settings import Settings

_SAMPLE = 50  # posts looked at to learn the site's habits
_DATED = re.compile(r"\d{4}-\d\d-\d\d-")
_FENCES = {"+++": "toml", "---": "yaml", "{": "json"}


def new(folder: Path, settings: Settings, title: str, now: datetime) -> str:
    """Write a draft with this title; gives its path relative to the site. Never overwrites a file.

    Frontmatter is TOML, YAML or JSON, and the file name begins with the date or not, as in most
    posts of the site. Raises UsageError for a title without a letter or digit.
    """
    slug = slugify(title)
    if not slug:
        raise UsageError("the title has no letter or digit", 'say: publisher new "What I learned"')
    posts = folder / settings.posts.dir
    habits = _habits(os.fspath(posts))
    moment = now.astimezone(settings.site.timezone).replace(microsecond=0)
    stem = f"{moment:%Y-%m-%d}-{slug}" if habits["dated"] > habits["plain"] else slug
    kind = max(_FENCES.values(), key=lambda kind: habits[kind])
    text = _WRITERS[kind](" ".join(title.split()), moment)
    try:
        posts.mkdir(parents=True, exist_ok=True)
        return f"{settings.posts.dir}/{_write(posts, stem, text)}"
    except OSError as fault:
        raise OutputError(f"{posts} cannot be written: {fault.strerror}", "make it writable for you") from None


def _habits(posts: str) -> Counter[str]:
    paths = sorted(scan_if_there(posts).posts, reverse=True)[:_SAMPLE]
    found: Counter[str] = Counter()
    for path in paths:
        found["dated" if _DATED.match(path.rpartition("/")[2]) else "plain"] += 1
        try:
            with open(os.path.join(posts, path), encoding="utf-8-sig", errors="replace") as stream:
                first = stream.readline().strip()
        except OSError:
            continue
        found[_FENCES.get(first[:3], _FENCES.get(first[:1], ""))] += 1
    return found


def _write(posts: Path, stem: str, text: str) -> str:
    number = 1
    while True:
        name = f"{stem}.md" if number == 1 else f"{stem}-{number}.md"
        try:
            with (posts / name).open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            number += 1
        else:
            return name


def _toml(title: str, moment: datetime) -> str:
    quoted = json.dumps(title, ensure_ascii=False)
    return f"+++\ntitle = {quoted}\ndate = {moment.isoformat()}\ntags = []\ndraft = true\n+++\n\n"


def _yaml(title: str, moment: datetime) -> str:
    quoted = json.dumps(title, ensure_ascii=False)
    return f"---\ntitle: {quoted}\ndate: {moment.isoformat()}\ntags: []\ndraft: true\n---\n\n"


def _json(title: str, moment: datetime) -> str:
    values = {"title": title, "date": moment.isoformat(), "tags": [], "draft": True}
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n\n"


_WRITERS = {"toml": _toml, "yaml": _yaml, "json": _json}

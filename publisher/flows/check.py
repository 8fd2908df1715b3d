"""The story of `check`: everything `publish` would say, each feed against its rules, and secrets that git tracks."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.config import FILE as CONFIG
from publisher.errors import FeedError, ForeignFile
from publisher.feeds.check import check_document
from publisher.flows.check_mail import check_mailing
from publisher.flows.check_web import check_web
from publisher.flows.identities import is_placeholder
from publisher.flows.looking import looking
from publisher.flows.plan import plan
from publisher.flows.publish import publish
from publisher.flows.reading import follows_alone
from publisher.flows.rendering import pages_of
from publisher.flows.report import Options
from publisher.flows.writing import static_files
from publisher.model.problem import Level, Problem, error, warning
from publisher.output import manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from publisher.flows.plan import Plan
    from publisher.model.settings import Settings
    from publisher.output.place import Place

SECRETS = ("*.sqlite3", "*.sqlite3-wal", "*.key", "*.pem", "keys.toml", "mailing-*", "outbox/*", ".publisher/*", ".env")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and everything found wrong with it."""

    posts: int
    feeds: int
    problems: tuple[Problem, ...]

    def count(self, level: Level) -> int:
        """How many problems are of a level."""
        return sum(problem.level is level for problem in self.problems)


def check(folder: Path, settings: Settings, now: datetime, progress: Callable[[str, int, int], None]) -> Checked:
    """Look at the whole site as `publish` would publish it now. Changes nothing, not even the build state."""
    posts, feeds, problems = (0, 0, []) if follows_alone(folder, settings) else _posts(folder, settings, now, progress)
    problems += _followed(settings, now)
    problems += _site(settings)
    problems += check_mailing(folder, settings, os.environ)
    problems += check_web(settings, os.environ)
    problems += tracked_secrets(folder, settings)
    return Checked(posts, feeds, tuple(dict.fromkeys(problems)))


def _posts(
    folder: Path, settings: Settings, now: datetime, progress: Callable[[str, int, int], None]
) -> tuple[int, int, list[Problem]]:
    """How many posts and feeds there are, and what is wrong with them."""
    with looking(folder, settings, now, progress) as look:
        seen = look.seen
        static, static_problems = static_files(folder, settings)
        planned = plan(settings, seen, look.items, lambda feeds: pages_of(folder, settings, feeds, None), static, "")
        rendered = look.render(replace(planned, pages={}, bodies=(*seen.posts, *seen.standing)), full=True)
        problems = [*seen.problems, *static_problems, *seen.identity_problems, *seen.notes]
        problems += [*planned.problems, *rendered.problems, *_feeds(planned)]
        problems += _foreign(folder, settings, now, look.place, planned)
        return len(seen.posts), len(planned.feeds), problems


def _followed(settings: Settings, now: datetime) -> list[Problem]:
    """Feeds of others that cannot be had now."""
    problems = []
    for url in dict.fromkeys(digest.feed for digest in settings.digests if digest.feed):
        from publisher.flows.following import look_once  # noqa: PLC0415 - few sites follow a feed

        try:
            look_once(url, now)
        except FeedError as fault:
            problems.append(warning(CONFIG, 0, fault.message, fault.remedy))
    return problems


def _feeds(planned: Plan) -> list[Problem]:
    problems: list[Problem] = []
    for one in planned.outputs.values():
        if url := one.topic or one.archive:
            problems += check_document(b"".join(one.make()), one.path, url)
    return problems


def _site(settings: Settings) -> list[Problem]:
    if not is_placeholder(settings.site.base_url):
        return []
    return [
        warning(
            CONFIG,
            0,
            f"base_url is the placeholder {settings.site.base_url}: ids are not recorded yet",
            "put the address where your site will live",
        )
    ]


def _foreign(folder: Path, settings: Settings, now: datetime, place: Place, planned: Plan) -> list[Problem]:
    ours = manifest.read(place)
    foreign = manifest.foreign(place, planned.paths(), ours, settings.output.replace, lambda _path: False)
    if foreign and not ours:  # the manifest may be lost: a run knows its files by their bytes, too
        try:
            publish(folder, settings, now, Options(dry_run=True))
        except ForeignFile as fault:
            return [error("", 0, fault.message, fault.remedy)]
        return []
    remedy = "move them away, or list them as replace in [output]"
    return [
        error(path, 0, "is in the output, is not ours, and stands where we would write", remedy) for path in foreign
    ]


def tracked_secrets(folder: Path, settings: Settings) -> list[Problem]:
    """Files with people's addresses, keys or build state that git tracks. No git, no finding."""
    patterns = (*SECRETS, *_named_secrets(settings))
    command = ["git", "-C", os.fspath(folder), "ls-files", "-z", "--", *patterns]  # git knows its own patterns
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = [name for name in done.stdout.decode("utf-8", "replace").split("\0") if name] if not done.returncode else []
    remedy = "git rm --cached it, add it to .gitignore, and change any secret in it: history keeps it"
    return [error(name, 0, "holds secrets or people's addresses and is tracked by git", remedy) for name in names]


def _named_secrets(settings: Settings) -> list[str]:
    """The store and the maildir of this site, as patterns of git, where they lie in its folder."""
    store = settings.store_url.removeprefix("sqlite:///")
    places = [store, f"{store}-wal", settings.mail.transport.removeprefix("maildir:")]
    return [f":(literal){place}" for place in places if ":" not in place and not place.startswith(("/", ".."))]

"""A post's file as its metadata and body, in whichever dialect it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.content import dialects
from publisher.content.addresses import address_of, language_folder
from publisher.content.dates import zone_in
from publisher.content.decoding import decode
from publisher.content.filenames import read_place
from publisher.content.formats import Form
from publisher.content.frontmatter import read_frontmatter, without_blank_lines
from publisher.content.kinds import is_undated_page, kind_of, why_neither
from publisher.content.metadata import Metadata, text_of
from publisher.content.permalinks import Facts
from publisher.content.slugs import name_slug, slugify
from publisher.content.times import is_template, missing_date, read_times, written_date
from publisher.model.post import Kind, Post, Source
from publisher.model.problem import Level, error

if TYPE_CHECKING:
    from publisher.content.filenames import Place
    from publisher.content.frontmatter import Front
    from publisher.content.times import Times
    from publisher.model.problem import Problem
    from publisher.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one file: a source, or a plain reason why it is no post, or errors; with any warnings."""

    source: Source | None
    problems: tuple[Problem, ...]
    skipped: str = ""


def read_post(path: str, data: bytes, settings: Settings) -> Reading:
    """Read one Markdown file; ``path`` is POSIX, relative to the posts folder. Never raises for any bytes.

    A draft comes back as a source with ``post.draft`` set, without a date too. A broken post comes back
    without a source and with all of its faults. Lines of problems are the file's own, from 1.
    """
    shown = f"{settings.posts.dir}/{path}"
    if not _is_text(path):
        named = shown.encode("utf-8", "backslashreplace").decode()
        return Reading(None, (error(named, 0, "the file's name is not UTF-8", "rename the file"),))
    place = read_place(path)
    if place.skipped:
        return Reading(None, (), place.skipped)
    decoded = decode(shown, data)
    if decoded.text is None:
        return Reading(None, decoded.problems)
    front = read_frontmatter(shown, decoded.text)
    problems = decoded.problems + front.problems
    if front.refused:
        return Reading(None, problems)
    return _read_file(_File(path, place, front, Metadata(shown, front), settings), problems)


@dataclass(frozen=True, slots=True)
class _File:
    """One file on its way to a post."""

    path: str
    place: Place
    front: Front
    meta: Metadata
    settings: Settings


def _read_file(file: _File, before: tuple[Problem, ...]) -> Reading:
    if reason := dialects.skip_reason(file.meta):
        return Reading(None, (), reason)
    draft = file.place.draft or dialects.is_draft(file.meta)
    times = read_times(file.meta, file.place, file.settings, draft=draft)
    if reason := _why_passed_over(file, times):
        return Reading(None, (), reason)
    source = _source(file, times, draft=draft)
    problems = tuple(sorted((*before, *file.meta.problems), key=lambda problem: problem.line))
    refused = any(problem.level is Level.ERROR for problem in problems)
    return Reading(None if refused else source, problems)


def _why_passed_over(file: _File, times: Times) -> str:
    if times.faulty and is_template(file.meta):
        return "a template for new posts"
    return "" if times.dated or times.faulty else why_neither(file.meta, file.place, file.front)


def _source(file: _File, times: Times, *, draft: bool) -> Source:
    meta, place = file.meta, file.place
    kind = kind_of(meta, place, dated=times.dated)
    if kind is None and not draft and not times.faulty:
        kind = _undated(file)
    title, body, body_line = _titled(meta, place, file.front)
    facts = _facts(file, times, title)
    post = _post(file, times, facts, kind or Kind.POST, draft=draft)
    return Source(post, body, body_line)


def _undated(file: _File) -> Kind:
    meta, place = file.meta, file.place
    message, remedy = missing_date(file.front.form, meta, place)
    if not is_undated_page(meta, place, file.settings.posts.dir):
        meta.refuse("date", message, remedy, line=1)
        return Kind.POST
    kept = meta.example("type", '"page"' if meta.form is Form.TOML else "page")
    aim = f"to make it a post, {remedy}; to keep it a page without this word, add {kept}"
    meta.warn("date", "without a date it is a standing page, in no feed", aim, line=1)
    return Kind.PAGE


def _post(file: _File, times: Times, facts: Facts, kind: Kind, *, draft: bool) -> Post:
    meta, place = file.meta, file.place
    image, image_alt = dialects.image_of(meta)
    return Post(
        path=file.path,
        kind=kind,
        title=facts.title,
        permalink=address_of(meta, place, facts, kind, file.settings),
        published=times.published,
        updated=times.updated,
        due=times.due,
        expires=times.expires,
        date_only=times.date_only,
        updated_date_only=times.updated_date_only,
        draft=draft,
        declared_id=dialects.declared_id_of(meta),
        authors=dialects.authors_of(meta),
        tags=dialects.tags_of(meta),
        categories=facts.categories,
        section=place.folders[0] if place.folders else "",
        description=dialects.description_of(meta),
        image=image,
        image_alt=image_alt,
        media=dialects.media_of(meta),
        language=dialects.language_of(meta, place.language),
        aliases=dialects.aliases_of(meta),
        # A translation (name.de.md) belongs to its language's own feed, in Hugo and Zola as well.
        in_feeds=dialects.in_feeds(meta) and not language_folder(place, file.settings),
        content=dialects.content_of(meta),
        slug=facts.slug,
    )


def _facts(file: _File, times: Times, title: str) -> Facts:
    meta, place = file.meta, file.place
    chosen = "/".join([name_slug(part) for part in text_of(meta.get("slug")).split("/")]).strip("/")
    facts = Facts(
        published=times.published,
        zone=file.settings.site.timezone,
        title=title,
        slug=chosen or name_slug(place.name) or name_slug(place.stem) or slugify(title) or _last_resort(file.path),
        name=place.name,
        stem=place.stem,
        chosen_slug=chosen,
        name_dated=place.name_dated,
        folders=place.folders,
        categories=dialects.categories_of(meta, place.categories),
    )
    return facts if file.settings.posts.spelling == "publisher" else _with_words(facts, file)


def _with_words(facts: Facts, file: _File) -> Facts:
    """The facts with the author's own words, of which another generator makes its addresses."""
    dated = written_date(file.meta)
    slug, title = file.meta.get("slug"), file.meta.get("title")
    slug = slug if isinstance(slug, str) else text_of(slug)
    if not slug and facts.name_dated and dated is None and file.settings.posts.spelling == "hugo":
        slug = facts.name  # Hugo looked into the name for the date (:filename), and took the rest for the slug
    return replace(
        facts,
        file=file.path.rpartition(".")[0] or file.path,
        written_title=title if isinstance(title, str) else text_of(title),
        written_slug=slug,
        own_zone=zone_in(dated),
    )


def _titled(meta: Metadata, place: Place, front: Front) -> tuple[str, str, int]:
    """Title, body and the body's line; a heading that is the title and leads the body leaves it."""
    title = dialects.title_of(meta)
    if title and not front.body.startswith("# "):
        return title, front.body, front.body_line
    from publisher.content.headings import first_heading, first_words, words_of  # noqa: PLC0415 - most posts have a title

    heading = first_heading(front.body)
    if heading is None:
        begun = "" if any(map(str.isalpha, place.name)) else first_words(front.body)
        made = title or text_of(begun or words_of(place.name or place.stem))
        return made or "Untitled", front.body, front.body_line
    words = text_of(heading.text)
    if not heading.leads or (title and title.casefold() != words.casefold()):
        return title or words, front.body, front.body_line
    line = front.body_line + front.body.count("\n", 0, heading.end)
    return (title or words, *without_blank_lines(front.body, heading.end, line))


def _is_text(path: str) -> bool:
    """Whether a file's name came from bytes that are UTF-8; others hold surrogates."""
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _last_resort(path: str) -> str:
    """A segment for a name and a title without letters and digits; the same on every machine."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, for a name that hardly any file has

    return f"post-{hashlib.sha256(path.encode()).hexdigest()[:8]}"

"""A post's body as it is published: Markdown in, HTML for pages and feeds, summary, image, enclosure out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.characters import without_forbidden
from publisher.content.clean import DEEPEST, all_escaped, clean, depth, for_feeds, is_plain
from publisher.content.html import finish, link_bare_urls, own_links
from publisher.content.markdown import to_html
from publisher.content.marks import find_marks
from publisher.content.markup import raw_links
from publisher.content.mdx import without_indented_code
from publisher.content.nested_lists import nest_lists
from publisher.content.references import References
from publisher.content.restoring import restore
from publisher.content.standins import hold
from publisher.content.summary import plain_text, summary_of
from publisher.content.urls import decoded, media_type
from publisher.model.entry import Body, Enclosure, Image
from publisher.model.problem import Problem, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from publisher.content.catalogue import Linkable
    from publisher.content.links import LinkIndex
    from publisher.content.restoring import Restored
    from publisher.model.post import Post, Source
    from publisher.model.settings import Settings

_ODD_HEADING = re.compile(r'<h[1-6] (?!id="[^"]*">)')


@dataclass(frozen=True, slots=True)
class Rendered:
    """A body and what it rests on.

    ``references`` pairs each reference into the site with its outcome (see ``Link``);
    ``assets`` are the files beside the post that it uses, by path.
    """

    body: Body
    references: tuple[tuple[str, str], ...]
    assets: tuple[str, ...]
    problems: tuple[Problem, ...]


class _Page(NamedTuple):
    """HTML on its way: ``raw`` if an author's own tags are in it, ``more`` the offset of the more marker."""

    html: str
    raw: bool
    more: int


def render(source: Source, links: LinkIndex, settings: Settings) -> Rendered:
    """The body of a post. Never raises, whatever the text; what is wrong with it is in ``problems``."""
    post = source.post
    text = without_forbidden(source.body)
    references = References(post, links)
    page, restored = _page(text, post, settings)
    if page.html.count("<") > DEEPEST and depth(page.html) > DEEPEST:
        return _refused(source, text, settings)
    html = raw_links(page.html, references) if page.raw else own_links(page.html, references)
    feed_html = without_forbidden(clean(html)) if page.raw or references.odd else for_feeds(html)
    body = Body(
        html=html,
        feed_html=feed_html,
        summary=summary_of(page.html, post.description, page.more),
        image=_image(post, references),
        enclosure=_enclosure(post, references),
    )
    problems = [*_marks_problems(restored, source, settings), *_link_problems(references, source, settings)]
    problems.sort(key=lambda problem: problem.line)
    return Rendered(body, tuple(references.resolved.items()), tuple(references.assets), tuple(problems))


def still_holds(references: Iterable[tuple[str, str]], post: Linkable, links: LinkIndex) -> bool:
    """Whether a body rendered with these references would come out the same today."""
    for ref, outcome in references:
        size = ref.startswith(_SIZE)
        now = str(links.files.get(ref[len(_SIZE) :], -1)) if size else links.resolve(ref, post).outcome
        if now != outcome:
            return False
    return True


_SIZE = "size:"  # a reference to a file's length, which an enclosure tells


def _page(text: str, post: Post, settings: Settings) -> tuple[_Page, Restored]:
    """The post's HTML with nothing left of its dialect, links still as written."""
    marked = find_marks(text, post, settings)
    held = hold(text, marked.marks)
    bare = nest_lists(without_indented_code(held.text) if post.path.endswith(".mdx") else held.text)
    html = to_html(bare, formulas=marked.formulas)
    if "&" in bare:  # an entity may have named a character that no feed may hold
        html = without_forbidden(html)
    html = finish(html, notes="[^" in bare, formulas=marked.formulas)
    if " http" in bare or "\nhttp" in bare or bare.startswith("http"):
        html = link_bare_urls(html)
    restored = restore(html, held)
    html = restored.html
    odd_heading = "{" in bare and _ODD_HEADING.search(html)
    doubtful = bool(restored.seen or odd_heading) or not all_escaped(bare, html)
    raw = doubtful and not is_plain(html)
    return _Page(html, raw, restored.summary_end), restored


def _refused(source: Source, text: str, settings: Settings) -> Rendered:
    """A body nested so deep that readers and cleaners would choke: its words alone."""
    words = escape(" ".join(text.split()), quote=False)
    html = f"<p>{words}</p>\n"
    problem = error(
        _shown_path(source, settings),
        source.body_line,
        f"lists, quotations or tags are nested deeper than {DEEPEST} levels",
        "close what is open, or nest less",
    )
    return Rendered(Body(html, html, plain_text(html)[:300]), (), (), (problem,))


def _image(post: Post, references: References) -> Image | None:
    if not post.image:
        return references.image
    url = references.url(post.image.strip().removeprefix("![[").removeprefix("[[").removesuffix("]]"), image=True)
    return Image(url, post.image_alt) if url.startswith(("http:", "https:")) else references.image


def _enclosure(post: Post, references: References) -> Enclosure | None:
    """The post's sound or film. RSS wants a length: 0 says that it is not known, as of files elsewhere."""
    url = references.url(post.media) if post.media else references.media
    if not url.startswith(("http:", "https:")):
        return None
    path = next((one for one in references.assets if references.index.asset_url(one) == url.partition("?")[0]), "")
    length = references.index.files.get(path, 0)
    if path:
        references.resolved[_SIZE + path] = str(length)
    return Enclosure(url, media_type(url) or "application/octet-stream", length)


def _marks_problems(restored: Restored, source: Source, settings: Settings) -> Iterator[Problem]:
    path = _shown_path(source, settings)
    line, counted = source.body_line, 0
    for mark in sorted(restored.seen, key=lambda mark: mark.start):
        if mark.form.problem:
            line, counted = line + source.body.count("\n", counted, mark.start), mark.start
            yield warning(path, line, mark.form.problem, mark.form.remedy)


def _link_problems(references: References, source: Source, settings: Settings) -> Iterator[Problem]:
    for number, (ref, reason) in enumerate(references.broken.items()):
        shown = decoded(ref.removeprefix("wikilink:").removeprefix("ref:"))
        line = _line(source, ref, shown) if number < _LOCATED else 0
        yield warning(_shown_path(source, settings), line, f"{shown} {reason}", "mend the link")


_LOCATED = 100  # broken links of one post whose line is looked for, which takes reading the post each time


def _line(source: Source, ref: str, shown: str) -> int:
    """The file's line where a reference stands as written; 0 if it stands in the frontmatter."""
    for written in (ref, shown, escape(ref), shown.rpartition("/")[2]):
        at = source.body.find(written) if written else -1
        if at >= 0:
            return source.body_line + source.body.count("\n", 0, at)
    return 0


def _shown_path(source: Source, settings: Settings) -> str:
    return f"{settings.posts.dir}/{source.post.path}"

"""What a reader sees in place of a shortcode, for those that blogs use: a table from name to form.

No site's own templates are known here, so each form is the plainest thing that keeps the meaning: a
picture with its caption, a link to what was embedded, a quotation, a code block. What is not in the
table is left out and reported, but for a picture or an address that it names; the text that it wraps stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from publisher.content.forms import address, embedded, linked, named, picture, plain_words
from publisher.content.markdown import inline_html
from publisher.content.standins import Form, Pairing
from publisher.content.urls import IMAGE_TYPES, extension

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.model.post import Post
    from publisher.model.settings import Settings


_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Call:
    """A tag taken apart: its name, plain and named arguments. ``alone`` means that it closes itself."""

    name: str
    plain: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    closing: bool = False
    alone: bool = False
    component: bool = False

    def value(self, *keys: str, at: int = -1) -> str:
        """The first of the named arguments that is given, else the plain one at a place, else empty."""
        table = dict(self.named)
        for key in keys:
            if table.get(key):
                return table[key]
        return self.plain[at] if 0 <= at < len(self.plain) else ""


def form_of(call: Call) -> Form:
    """The form of any tag; one that nobody knows is left out, with a problem that names it."""
    name = call.name.lower().replace("-", "").replace("_", "")
    if not name:
        return Form(pairing=Pairing.CLOSE) if call.closing else Form()
    if name in _WRAPPING:
        return _wrapping(name, call)
    if name in _SILENT or call.closing:
        return Form()
    if name in _FORMS:
        form = _FORMS[name](call)
        if form.block or form.inline or form.problem:
            return form
        return Form(problem=f"{call.name} says nothing that could be shown", remedy="give it what it needs")
    return _unknown(call)


def is_wrapping(name: str) -> bool:
    """Whether a tag of this name wraps text: a notice, a quotation, something folded."""
    return name.lower().replace("-", "").replace("_", "") in _WRAPPING


def _unknown(call: Call) -> Form:
    """What an unknown tag names tells what it shows: a picture, or on a line of its own an address."""
    known_as = f"unknown {'component' if call.component else 'shortcode'} {call.name}"
    values = (*dict(call.named).values(), *call.plain) if call.alone or not call.component else ()
    if any(extension(value) in IMAGE_TYPES for value in values):
        src = next(value for value in values if extension(value) in IMAGE_TYPES)
        caption = call.value("caption")
        shown = picture(src, call.value("alt", "title") or plain_words(caption), caption)
        return replace(shown, problem=f"{known_as} is shown as its picture alone", remedy=_REMEDY)
    if url := next((value for value in values if value.startswith(("https://", "http://"))), ""):
        shown = replace(embedded(url, call.value("title", "caption", "label")), inline="", attribute="")
        return replace(shown, problem=f"{known_as} is left out, or a link where it stands alone", remedy=_REMEDY)
    return Form(problem=f"{known_as} is left out", remedy=_REMEDY)


_REMEDY = "write it in Markdown, or take it out"


def expression(text: str, post: Post, settings: Settings) -> Form | None:
    """What Liquid or Nunjucks would write for ``{{ text }}``, as far as a file alone tells; None if unknown."""
    value, _, filters = (part.strip() for part in text.partition("|"))
    root = settings.site.base_url.rstrip("/")
    if value[:1] in {'"', "'"}:
        return _filtered(value.strip("\"'"), filters, root)
    known = {
        "site.baseurl": root,
        "site.url": "" if "site.baseurl" in filters else root,
        "base_url": root,
        "config.base_url": root,
        "site.title": settings.site.title,
        "config.title": settings.site.title,
        "page.title": post.title,
        "title": post.title,
        "page.url": post.permalink,
        "page.permalink": post.permalink,
        "page.date": post.published.date().isoformat(),
        "page.description": post.description,
        "content": "",
        "toc": "",
    }
    return Form(inline=escape(known[value]), attribute=escape(known[value])) if value in known else None


def _filtered(text: str, filters: str, root: str) -> Form:
    name = filters.partition(":")[0].strip()
    if name in {"relative_url", "absolute_url", "url", "prepend", "relurl", "absurl"} and "://" not in text:
        return address(f"{root}/{text.lstrip('/')}")
    return Form(inline=escape(text), attribute=escape(text))


def _wrapping(name: str, call: Call) -> Form:
    if call.closing:
        return Form(pairing=Pairing.CLOSE, name=name)
    opening, closing = _WRAPPING[name](call)
    return Form(opening, closing, pairing=Pairing.OPEN, name=name)


# The forms of single shortcodes.


def _figure(call: Call) -> Form:
    src = call.value("src", "url", "image", "path", "img", "file", "filename", at=0)
    caption = call.value("caption", "title", "figcaption")
    alt = call.value("alt", at=1) or plain_words(caption)
    return picture(src, alt, caption, call.value("link", "href")) if src else Form()


def _image(call: Call) -> Form:
    src = call.value("src", "url", "image", "path", "img", "file", "href", at=0)
    if "." not in src:  # Octopress and Jekyll plugins put a class before the address
        src = next((one for one in call.plain if "." in one), src)
    caption = call.value("caption")
    return picture(src, call.value("alt", "title", at=1) or plain_words(caption), caption) if src else Form()


def _include(call: Call) -> Form:
    """Jekyll's include: the name of the file tells what it is."""
    name = call.plain[0].rpartition("/")[2].rpartition(".")[0] if call.plain else ""
    inner = Call(name, call.plain[1:], call.named)
    if name.lower().replace("-", "").replace("_", "") in _FORMS | _WRAPPING:
        return form_of(inner)
    return Form(problem=f"include {name or 'without a name'} is left out", remedy="write it in Markdown")


def _site(pattern: str, *keys: str) -> Callable[[Call], Form]:
    """An embed whose only argument is an id, or already a URL."""

    def form(call: Call) -> Form:
        ident = call.value(*keys, "id", "url", "src", "href", at=0)
        url = ident if "://" in ident else pattern.format(quote(ident, safe="/?=&"))
        return embedded(url, call.value("title", "caption")) if ident else Form()

    return form


def _tweet(call: Call) -> Form:
    ident = call.value("id", "tweetid", "url", at=-1) or (call.plain[-1] if call.plain else "")
    user = call.value("user", "username") or (call.plain[0] if len(call.plain) > 1 else "i/web")
    url = ident if "://" in ident else f"https://twitter.com/{quote(user, safe='/')}/status/{quote(ident)}"
    return embedded(url) if ident else Form()


def _gist(call: Call) -> Form:
    ident = "/".join(part for part in (call.value("user", at=0), call.value("id", at=1)) if part)
    ident = call.value("url") or ident or call.value("id")
    return (
        embedded(ident if "://" in ident else f"https://gist.github.com/{quote(ident, safe='/')}") if ident else Form()
    )


def _media(call: Call) -> Form:
    url = call.value("src", "url", "mp4", "mp3", "webm", "ogg", "file", "path", "video", "audio", at=0)
    return embedded(url, call.value("title", "caption"), enclosure=True) if url else Form()


def _reference(call: Call) -> Form:
    return named(call.value("path", "page", "href", at=0) or " ".join(call.plain))


def _notebook(call: Call) -> Form:
    """A notebook that a plugin would unfold; the notebook itself is what can be linked."""
    path = call.value("path", "src", at=0)
    if not path:
        return Form()
    shown = linked(path, f"Notebook: {path.rpartition('/')[2]}")
    return replace(shown, problem=f"{call.name} is shown as a link to the notebook", remedy=_REMEDY)


def _asset(call: Call) -> Form:
    return address(call.value("path", "src", "url", "href", at=0))


def _text(call: Call) -> Form:
    words = escape(" ".join(call.plain) or call.value("text", "content", "email", "title"))
    return Form(inline=words, attribute=words)


def _button(call: Call) -> Form:
    url = call.value("href", "url", "link", "src", at=0)
    return linked(url, call.value("text", "label", "content", "title", at=1)) if url else Form()


def _rule(_call: Call) -> Form:
    return Form("<hr />\n", inline=" ")


# The forms of shortcodes that wrap text.


def _boxed(call: Call) -> tuple[str, str]:
    """A notice of any kind: a quotation that begins with its title."""
    words = (
        call.value("title", "heading"),
        call.value("type", "kind", "style", "level", "icon"),
        *call.plain,
        call.name,
    )
    title = next((word for word in words if word and word.lower() not in _NO_TITLES), call.name)
    return f"<blockquote>\n<p><strong>{inline_html(title[:1].upper() + title[1:])}</strong></p>\n", "</blockquote>\n"


def _quoted(call: Call) -> tuple[str, str]:
    who = ", ".join(one for one in (call.value("author", "by", "name", at=0), call.value("source", "title")) if one)
    url = call.value("link", "url", "href", "cite")
    if not who and not url:
        return "<blockquote>\n", "</blockquote>\n"
    named_ = f'<a href="{escape(url)}">{escape(who or url)}</a>' if "://" in url else escape(who or url)
    return "<blockquote>\n", f"<p><cite>{named_}</cite></p>\n</blockquote>\n"


def _folded(call: Call) -> tuple[str, str]:
    title = call.value("summary", "title", "label", "header", at=0) or "Details"
    return f"<details>\n<summary>{escape(title)}</summary>\n", "</details>\n"


def _labelled(call: Call) -> tuple[str, str]:
    title = call.value("name", "title", "label", "header", "tabname", at=0)
    return (f"<p><strong>{escape(title)}</strong></p>\n" if title else ""), ""


def _each(names: str, form: _Made) -> dict[str, _Made]:
    return dict.fromkeys(names.split(), form)


_NO_TITLES = frozenset({"true", "false", "callout", "alert", "admonition", "notice", "div", "block"})
_WRAPPING: dict[str, Callable[[Call], tuple[str, str]]] = {
    **_each(
        "notice note tip info warning danger caution important alert admonition callout hint aside box message "
        "attention",
        _boxed,
    ),
    **_each("quote blockquote pullquote epigraph", _quoted),
    **_each("details expand collapse collapsible spoiler fold accordionitem", _folded),
    **_each("tab tabitem tabpanel codetab step accordion", _labelled),
}
_FORMS: dict[str, Callable[[Call], Form]] = {
    **_each("figure fig imgcap imagecaption captionedimage", _figure),
    **_each("image img picture photo responsiveimage imgproc resizeimage lightbox thumbnail", _image),
    "include": _include,
    "includecached": _include,
    "includerelative": _include,
    "youtube": _site("https://www.youtube.com/watch?v={}", "videoid", "v"),
    "youtubelite": _site("https://www.youtube.com/watch?v={}", "videoid", "v"),
    "vimeo": _site("https://vimeo.com/{}"),
    "dailymotion": _site("https://www.dailymotion.com/video/{}"),
    "bilibili": _site("https://www.bilibili.com/video/{}", "bvid"),
    "instagram": _site("https://www.instagram.com/p/{}/"),
    "codepen": _site("https://codepen.io/{}"),
    "codesandbox": _site("https://codesandbox.io/s/{}"),
    "jsfiddle": _site("https://jsfiddle.net/{}"),
    "asciinema": _site("https://asciinema.org/a/{}"),
    "spotify": _site("https://open.spotify.com/{}"),
    "soundcloud": _site("https://soundcloud.com/{}"),
    "slideshare": _site("https://www.slideshare.net/slideshow/embed_code/{}"),
    "scribd": _site("https://www.scribd.com/doc/{}"),
    "speakerdeck": _site("https://speakerdeck.com/{}"),
    "github": _site("https://github.com/{}", "repo"),
    "mastodon": _site("{}"),
    "toot": _site("{}"),
    **_each("iframe embed rawiframe pdf linkpreview bookmark oembed gslides googleslides bluesky bsky", _site("{}")),
    **_each("tweet twitter twittersimple x xsimple", _tweet),
    "gist": _gist,
    **_each("notebook ipynb jupyter", _notebook),
    **_each("button btn linkbutton", _button),
    **_each("video audio mp4 mp3 selfhostedvideo podcast", _media),
    **_each("ref relref posturl link", _reference),
    **_each("relurl absurl absoluteurl relativeurl asset assetpath static baseurl", _asset),
    **_each("cloakemail email abbr kbd text mark key", _text),
    **_each("hr line divider", _rule),
}
_SILENT = frozenset(
    str.split(
        "toc tableofcontents ad ads adsense adsenseinarticle clear center columns column row grid div section wrap "
        "rawhtml html raw unsafe safe markdown md inline noescape nomarkdown tabs tabbed codetabs steps cards math "
        "katex latex mathjax equation icon fa fas fab emoji fontawesome br newline space gallery carousel else elsif "
        "elseif empty noparse fragment capture strip spaceless nbsp lead small"
    )
)

"""The parser's HTML made fit to leave its page: absolute links, ids on headings, readable footnotes.

Two ways to the same end. ``own_links`` takes HTML that holds nothing but the parser's own tags, whose shape
is known. ``raw_links`` takes any HTML an author may have written, and leaves every byte alone that is not
a URL; it is in markup.py.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

from publisher.content.anchors import Anchors, anchor

if TYPE_CHECKING:
    from publisher.content.references import References

_OWN = re.compile(
    r'<a href="([^"]*)"(?P<rel> rel="enclosure")?'
    r'|<img src="([^"]*)" alt="([^"]*)"([^<>]*)>'
    r"|<h([1-6])((?: [^<>]*)?)>(?=(.*?)</h[1-6]>)",
    re.DOTALL,
)
_NOTE_REFERENCE = re.compile(r'<sup class="footnote-reference"><a href="#[^"]*">(\d+)</a></sup>')
_NOTE = re.compile(r'<div class="footnote-definition" id="[^"]*"><sup class="footnote-definition-label">(\d+)</sup>')
_FORMULA_BLOCK = re.compile(r'<p><span class="math math-display">\n?([^<]*)</span></p>')
_FORMULA = re.compile(r'<span class="math math-(?:inline|display)">([^<]*)</span>')
_LANGUAGE = re.compile(r'<code class="language-([^"]*)">')
_WORD = re.compile(r"\{?\.?([\w+#.\-]+)")
_ID = re.compile(r'\bid="([^"]*)"')
_TAGS = re.compile(r"<[^<>]*>")
_BROKEN = "<a\0"  # NUL cannot be in a text, so this cannot be an author's
_BARE_URL = re.compile(
    r"<(?P<name>a|code|pre|script|style|svg|textarea|button|title)\b.*?(?:</(?P=name)\s*>|\Z)|<!--.*?(?:-->|\Z)"
    r"|<[A-Za-z/][^<>]*>|(?<![\w/=.:\-])(?P<url>https?://[^\s<>]+)",
    re.DOTALL | re.IGNORECASE,
)
_BARE_END = re.compile(r"(?:&(?:quot|gt|lt|#x27|#39);.*|[?!.,:;*_~'\"]+)$")


def finish(html: str, *, notes: bool, formulas: bool, code: bool) -> str:
    """The parser's own markup in words that feeds and pages share: footnotes, formulas, languages of code."""
    if notes:
        html = _footnotes(html)
    if formulas:
        html = _FORMULA_BLOCK.sub(r'<pre><code class="language-math">\1</code></pre>', html)
        html = _FORMULA.sub(r'<code class="language-math">\1</code>', html)
    return _LANGUAGE.sub(_language, html) if code else html


def _footnotes(html: str) -> str:
    """Numbered ids that say what they are; the number of a note leads back to where it was called."""
    called: set[str] = set()

    def call(found: re.Match[str]) -> str:
        number = found[1]
        ident = "" if number in called else f' id="fnref-{number}"'
        called.add(number)
        return f'<sup><a href="#fn-{number}"{ident}>{number}</a></sup>'

    html = _NOTE_REFERENCE.sub(call, html)
    return _NOTE.sub(r'<div id="fn-\1"><sup><a href="#fnref-\1">\1</a></sup>', html)


def _language(found: re.Match[str]) -> str:
    """Only the language: ``rust,ignore``, ``{.python}`` and ``go{1,3}`` say more than that."""
    word = _WORD.match(found[1])
    return f'<code class="language-{word[1].lower()}">' if word else "<code>"


def link_bare_urls(html: str) -> str:
    """``https://…`` in running text becomes a link, by GitHub's rules for where it ends."""
    return _BARE_URL.sub(_bare_url, html)


def _bare_url(found: re.Match[str]) -> str:
    url = found["url"]
    if not url:
        return found[0]
    url = _BARE_END.sub("", url)
    while url.endswith(")") and url.count(")") > url.count("("):
        url = _BARE_END.sub("", url[:-1])
    if url.rpartition("/")[2] == "" and url.count("/") == len("//"):
        return found[0]
    return f'<a href="{url}">{url}</a>{found[0][len(url) :]}'


def own_links(html: str, references: References) -> str:
    """Absolute links and heading ids in HTML that holds the parser's own tags only."""
    anchors = Anchors()
    is_plain, url_of = references.is_plain, references.url

    def rewritten(found: re.Match[str]) -> str:
        value = found[1]
        if value is not None:
            rel = found["rel"] or ""
            if is_plain(value) and not rel:
                return found[0]
            url = url_of(unescape(value))
            if rel and url:
                references.medium(url)
            return f'<a href="{escape(url)}"{rel}' if url else _BROKEN
        if found[6]:
            return heading(found[6], found[7], found[8], anchors)
        return image(found[3], found[4], found[5], references)

    return without_broken(_OWN.sub(rewritten, html))


def heading(level: str, attributes: str, text: str, anchors: Anchors) -> str:
    """A heading's opening tag with an id: the author's, else one made of its words."""
    ident = _ID.search(attributes)
    if ident:
        anchors.take(ident[1])
        return f"<h{level}{attributes}>"
    if "<" in text or "&" in text:
        text = unescape(_TAGS.sub("", text))
    return f'<h{level} id="{anchors.take(anchor(text))}"{attributes}>'


def image(src: str, alt: str, rest: str, references: References) -> str:
    """An image with an absolute address; its text alone where there is no image."""
    plain = references.is_plain(src)
    url = src if plain else escape(references.url(unescape(src), image=True)) if src else ""
    if not url:
        return alt
    references.picture(unescape(url), unescape(alt))
    return f'<img src="{url}" alt="{alt}"{rest}>'


def without_broken(html: str) -> str:
    """Links that lead nowhere are taken out; their text stays."""
    first, *others = html.split(_BROKEN)
    if not others:
        return html
    return first + "".join(other.partition(">")[2].replace("</a>", "", 1) for other in others)

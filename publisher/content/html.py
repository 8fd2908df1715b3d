"""The parser's HTML made fit to leave its page: absolute links, ids on headings, readable footnotes.

Two ways to the same end. ``own_links`` takes HTML that holds nothing but the parser's own tags, whose shape
is known. ``raw_links`` takes any HTML an author may have written, and leaves every byte alone that is not
a URL; it is in markup.py.
"""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from typing import TYPE_CHECKING

from publisher.content.anchors import Anchors, anchor
from publisher.content.references import PLAIN

if TYPE_CHECKING:
    from publisher.content.references import References

_NOTE_REFERENCE = re.compile(r'<sup class="footnote-reference"><a href="#[^"]*">(\d+)</a></sup>')
_NOTE = re.compile(r'<div class="footnote-definition" id="[^"]*"><sup class="footnote-definition-label">(\d+)</sup>')
_FORMULA_BLOCK = re.compile(r'<p><span class="math math-display">\n?([^<]*)</span></p>')
_FORMULA = re.compile(r'<span class="math math-(?:inline|display)">([^<]*)</span>')
_LANGUAGE = re.compile(r'<code class="language-([^"]*)">')
_WORD = re.compile(r"\{?\.?([\w+#.\-]+)")
_ID = re.compile(r'\bid="([^"]*)"')
_TAGS = re.compile(r"<[^<>]*>")
_BROKEN = "<a\0"  # NUL cannot be in a text, so this cannot be an author's
COMMENT = r"<!--(?:-?>|.*?(?:--!?>|\Z))"  # ends as browsers end it (WHATWG HTML, 13.2.5.43); with DOTALL
_BARE_URL = re.compile(
    r"<(?P<name>(?i:a|code|pre|script|style|svg|textarea|button|title))\b.*?(?:</(?i:(?P=name))\s*>|\Z)|"
    + COMMENT
    + r"|<[A-Za-z/][^<>]*>|h(?<![\w/=.:\-]h)ttps?://[^\s<>\"]+",
    re.DOTALL,
)
_QUOTE = re.compile(r"&(?:quot|gt|lt|#x27|#39);")
_SENTENCE_ENDS = "?!.,:;*_~'\""


def finish(html: str, *, notes: bool, formulas: bool) -> str:
    """The parser's own markup in words that feeds and pages share: footnotes, formulas, languages of code."""
    if notes:
        html = _footnotes(html)
    if formulas:
        html = _FORMULA_BLOCK.sub(r'<pre><code class="language-math">\1</code></pre>', html)
        html = _FORMULA.sub(r'<code class="language-math">\1</code>', html)
    return _LANGUAGE.sub(_language, html)


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
    text = found[0]
    if text[0] == "<":
        return text
    url = _QUOTE.split(text, maxsplit=1)[0].rstrip(_SENTENCE_ENDS)
    if (unopened := url.count(")") - url.count("(")) > 0:
        closing = len(url) - len(url.rstrip(")"))
        url = url[: len(url) - min(unopened, closing)].rstrip(_SENTENCE_ENDS)
    if not url.partition("://")[2]:
        return text
    return f'<a href="{url}">{url}</a>{text[len(url) :]}'


@cache
def _own_pattern(base_url: str) -> re.Pattern[str]:
    """What has to change in the parser's own HTML. Links to other sites are passed over: most links are."""
    return re.compile(
        rf'<a href="(?!(?!{re.escape(base_url)}){PLAIN}">)([^"]*)"( rel="enclosure")?'
        r'|<img src="([^"]*)" alt="([^"]*)"([^<>]*)>'
        r"|<h([1-6])((?: [^<>]*)?)>(?=(.*?)</h[1-6]>)",
        re.DOTALL,
    )


def own_links(html: str, references: References) -> str:
    """Absolute links and heading ids in HTML that holds the parser's own tags only."""
    anchors, url_of = Anchors(), references.url

    def rewritten(found: re.Match[str]) -> str:
        value = found[1]
        if value is not None:
            url = url_of(unescape(value))
            if found[2] and url:
                references.medium(url)
            return f'<a href="{quoted(url)}"{found[2] or ""}' if url else _BROKEN
        if found[6]:
            return heading(found[6], found[7], found[8], anchors)
        return image(found[3], found[4], found[5], references)

    return without_broken(_own_pattern(references.index.base_url).sub(rewritten, html))


def heading(level: str, attributes: str, text: str, anchors: Anchors) -> str:
    """A heading's opening tag with an id: the author's, else one made of its words."""
    if attributes and (ident := _ID.search(attributes)):
        anchors.take(ident[1])
        return f"<h{level}{attributes}>"
    if "<" in text or "&" in text:
        text = unescape(_TAGS.sub("", text))
    return f'<h{level} id="{anchors.take(anchor(text))}"{attributes}>'


def image(src: str, alt: str, rest: str, references: References) -> str:
    """An image with an absolute address; its text alone where there is no image."""
    plain = references.is_plain(src)
    url = src if plain else quoted(references.url(unescape(src), image=True)) if src else ""
    if not url:
        return alt
    references.picture(unescape(url), unescape(alt))
    return f'<img src="{url}" alt="{alt}"{rest}>'


def quoted(url: str) -> str:
    """A URL that was tidied, as it stands between double quotes."""
    return url.replace("&", "&amp;") if "&" in url else url


def without_broken(html: str) -> str:
    """Links that lead nowhere are taken out; their text stays."""
    first, *others = html.split(_BROKEN)
    if not others:
        return html
    return first + "".join(other.partition(">")[2].replace("</a>", "", 1) for other in others)

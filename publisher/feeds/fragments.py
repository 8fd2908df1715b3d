"""One entry as a piece of text in each format, ready to be joined into feed documents.

Every text comes in free of characters that XML forbids (content/ sees to that); here it is only
escaped. HTML goes into CDATA sections, which any XML parser reads back exactly, at no cost.

- RSS 2.0 with the RSS Advisory Board's profile: one enclosure, ``description`` before
  ``content:encoded``, authors as dc:creator; ``&``, ``<`` and ``>`` of titles, names and categories
  as hexadecimal references.
- Atom 1.0: RFC 4287. Enclosures are links of their own relation; text that readers could take for HTML
  is escaped once more and says so (type="html", section 3.1.1.2).
- JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import json
import re
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from publisher.feeds.moments import rfc822, rfc3339
from publisher.model.feed import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.model.entry import Author, Entry, Item


_LIKE_HTML = re.compile(r"</?[A-Za-z]|&#?\w")


def fragment(item: Item, wanted: Format, *, full: bool) -> str:
    """The entry in one format; ``full`` is the feed's setting, which a post may overrule."""
    whole = item.entry.content == "full" if item.entry.content else full
    return _WRITERS[wanted](item, whole)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return _escaped(text).replace('"', "&quot;")


def _hexed(text: str) -> str:
    # Readers differ on whether RSS's plain elements are text or HTML; hexadecimal references survive both.
    return text.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&#x3E;")


def _cdata(html: str) -> str:
    return f"<![CDATA[{html.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _labels(entry: Entry) -> Iterable[str]:
    return dict.fromkeys((*entry.tags, *entry.categories))


def _rss(item: Item, full: bool) -> str:
    entry, body = item.entry, item.body
    permanent = "" if entry.id == entry.url else ' isPermaLink="false"'
    parts = [
        (
            f"    <item>\n      <title>{_hexed(entry.title)}</title>\n      <link>{_escaped(entry.url)}</link>\n"
            f"      <guid{permanent}>{_escaped(entry.id)}</guid>\n      <pubDate>{rfc822(entry.published)}</pubDate>\n"
        )
    ]
    parts += [f"      <dc:creator>{_hexed(author.name)}</dc:creator>\n" for author in entry.authors]
    parts += [f"      <category>{_hexed(label)}</category>\n" for label in _labels(entry)]
    if body.summary:
        # RSS reads a description as HTML, so plain text is escaped once more.
        parts.append(f"      <description>{_escaped(_escaped(body.summary))}</description>\n")
    if full and body.feed_html:
        # The profile wants a description before the content; a post without words (one picture) is its own.
        element = "content:encoded" if body.summary else "description"
        parts.append(f"      <{element}>{_cdata(body.feed_html)}</{element}>\n")
    if body.enclosure:
        one = body.enclosure
        media = f'length="{one.length}" type="{_attribute(one.media_type)}"'
        parts.append(f'      <enclosure url="{_attribute(one.url)}" {media}/>\n')
    if body.image:
        parts.append(f'      <media:thumbnail url="{_attribute(body.image.url)}"/>\n')
    parts.append("    </item>\n")
    return "".join(parts)


def _atom(item: Item, full: bool) -> str:
    entry, body = item.entry, item.body
    language = f' xml:lang="{_attribute(entry.language)}"' if entry.language else ""
    parts = [
        (
            f"  <entry{language}>\n    <id>{_escaped(entry.id)}</id>\n{_atom_text('title', entry.title)}"
            f'    <link rel="alternate" type="text/html" href="{_attribute(entry.url)}"/>\n'
            f"    <published>{rfc3339(entry.published)}</published>\n"
            f"    <updated>{rfc3339(entry.atom_updated)}</updated>\n"
        )
    ]
    parts += [_atom_author(author) for author in entry.authors]
    parts += [f'    <category term="{_attribute(label)}"/>\n' for label in _labels(entry)]
    if body.enclosure:
        one = body.enclosure
        parts.append(
            f'    <link rel="enclosure" type="{_attribute(one.media_type)}" length="{one.length}" '
            f'href="{_attribute(one.url)}"/>\n'
        )
    with_content = full and bool(body.feed_html)
    if words := body.summary or ("" if with_content else entry.title):  # RFC 4287 4.1.1.1: an entry has some text
        parts.append(_atom_text("summary", words))
    if with_content:
        parts.append(f'    <content type="html">{_cdata(body.feed_html)}</content>\n')
    if body.image:
        parts.append(f'    <media:thumbnail url="{_attribute(body.image.url)}"/>\n')
    parts.append("  </entry>\n")
    return "".join(parts)


def _atom_text(name: str, text: str) -> str:
    if _LIKE_HTML.search(text):
        return f'    <{name} type="html">{_escaped(_escaped(text))}</{name}>\n'
    return f"    <{name}>{_escaped(text)}</{name}>\n"


def _atom_author(author: Author) -> str:
    email = f"<email>{_escaped(author.email)}</email>" if author.email else ""
    uri = f"<uri>{_escaped(author.uri)}</uri>" if author.uri else ""
    return f"    <author><name>{_escaped(author.name)}</name>{uri}{email}</author>\n"


def _json(item: Item, full: bool) -> str:
    entry, body = item.entry, item.body
    # The members by hand: one body is most of the text, and making an encoder costs as much as encoding it.
    text = encode_basestring
    parts = [f'{{"id": {text(entry.id)}, "url": {text(entry.url)}, "title": {text(entry.title)}']
    parts.append(f'"content_html": {text(body.feed_html)}' if full else f'"content_text": {text(body.summary)}')
    if body.summary:
        parts.append(f'"summary": {text(body.summary)}')
    if body.image:
        parts.append(f'"image": {text(body.image.url)}')
    parts.append(f'"date_published": "{rfc3339(entry.published)}", "date_modified": "{rfc3339(entry.updated)}"')
    if entry.authors:
        parts.append(f'"authors": {_dumped([json_author(author) for author in entry.authors])}')
    if entry.tags or entry.categories:
        parts.append(f'"tags": [{", ".join(map(text, _labels(entry)))}]')
    if entry.language:
        parts.append(f'"language": {text(entry.language)}')
    if body.enclosure:
        one = body.enclosure
        size = {"size_in_bytes": one.length} if one.length else {}
        parts.append(f'"attachments": {_dumped([{"url": one.url, "mime_type": one.media_type, **size}])}')
    return ", ".join(parts) + "}"


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def json_author(author: Author) -> dict[str, str]:
    """An author object of JSON Feed 1.1; an email address serves as url where there is no other."""
    url = author.uri or (f"mailto:{author.email}" if author.email else "")
    return {"name": author.name, "url": url} if url else {"name": author.name}


_WRITERS = {Format.RSS: _rss, Format.ATOM: _atom, Format.JSON: _json}

"""One entry as a piece of text in each format, ready to be joined into feed documents.

Every text comes in free of characters that XML forbids (content/ sees to that); here it is only
escaped. HTML goes into CDATA sections, which any XML parser reads back exactly, at no cost.

- RSS 2.0 with the RSS Advisory Board's profile: one enclosure, ``description`` before
  ``content:encoded``, authors as dc:creator, ``&`` and ``<`` in titles as hexadecimal references.
- Atom 1.0: RFC 4287. Enclosures are links of their own relation.
- JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from publisher.feeds.moments import rfc822, rfc3339
from publisher.model.feed import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.model.entry import Author, Entry, Item


def fragment(item: Item, wanted: Format, *, full: bool) -> str:
    """The entry in one format; ``full`` is the feed's setting, which a post may overrule."""
    whole = item.entry.content == "full" if item.entry.content else full
    return _WRITERS[wanted](item, whole)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return _escaped(text).replace('"', "&quot;")


def _title(text: str) -> str:
    # Readers differ on whether an RSS title is text or HTML; hexadecimal references survive both.
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
            f"    <item>\n      <title>{_title(entry.title)}</title>\n      <link>{_escaped(entry.url)}</link>\n"
            f"      <guid{permanent}>{_escaped(entry.id)}</guid>\n      <pubDate>{rfc822(entry.published)}</pubDate>\n"
        )
    ]
    parts += [f"      <dc:creator>{_escaped(author.name)}</dc:creator>\n" for author in entry.authors]
    parts += [f"      <category>{_escaped(label)}</category>\n" for label in _labels(entry)]
    if body.summary:
        # RSS reads a description as HTML, so plain text is escaped once more.
        parts.append(f"      <description>{_escaped(_escaped(body.summary))}</description>\n")
    if full:
        parts.append(f"      <content:encoded>{_cdata(body.feed_html)}</content:encoded>\n")
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
            f"  <entry{language}>\n    <id>{_escaped(entry.id)}</id>\n    <title>{_escaped(entry.title)}</title>\n"
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
    if body.summary:
        parts.append(f"    <summary>{_escaped(body.summary)}</summary>\n")
    if full:
        parts.append(f'    <content type="html">{_cdata(body.feed_html)}</content>\n')
    if body.image:
        parts.append(f'    <media:thumbnail url="{_attribute(body.image.url)}"/>\n')
    parts.append("  </entry>\n")
    return "".join(parts)


def _atom_author(author: Author) -> str:
    email = f"<email>{_escaped(author.email)}</email>" if author.email else ""
    uri = f"<uri>{_escaped(author.uri)}</uri>" if author.uri else ""
    return f"    <author><name>{_escaped(author.name)}</name>{uri}{email}</author>\n"


def _json(item: Item, full: bool) -> str:
    entry, body = item.entry, item.body
    made: dict[str, Any] = {"id": entry.id, "url": entry.url, "title": entry.title}
    if full:
        made["content_html"] = body.feed_html
    else:
        made["content_text"] = body.summary
    if body.summary:
        made["summary"] = body.summary
    if body.image:
        made["image"] = body.image.url
    made["date_published"] = rfc3339(entry.published)
    made["date_modified"] = rfc3339(entry.updated)
    if entry.authors:
        made["authors"] = [json_author(author) for author in entry.authors]
    if entry.tags or entry.categories:
        made["tags"] = list(_labels(entry))
    if entry.language:
        made["language"] = entry.language
    if body.enclosure:
        one = body.enclosure
        size = {"size_in_bytes": one.length} if one.length else {}
        made["attachments"] = [{"url": one.url, "mime_type": one.media_type, **size}]
    return json.dumps(made, ensure_ascii=False)


def json_author(author: Author) -> dict[str, str]:
    """An author object of JSON Feed 1.1; an email address serves as url where there is no other."""
    url = author.uri or (f"mailto:{author.email}" if author.email else "")
    return {"name": author.name, "url": url} if url else {"name": author.name}


_WRITERS = {Format.RSS: _rss, Format.ATOM: _atom, Format.JSON: _json}

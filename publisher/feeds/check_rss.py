"""RSS 2.0 as a table: the specification and the RSS Advisory Board's best practices profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from publisher.feeds.check_atom import IN_CHANNEL, IN_ITEM
from publisher.feeds.check_constructs import XHTML_BODY
from publisher.feeds.check_content import Relative, html_faults
from publisher.feeds.check_dates import rfc822
from publisher.feeds.check_extensions import (
    ABOUT_ENTRY,
    ABOUT_FEED,
    ATOM,
    CONTENT,
    DC,
    ENCODED,
    KNOWN,
    SHOWN_PREFIXES,
    SLASH,
    XHTML,
    history_faults,
)
from publisher.feeds.check_rules import Document, Fault, Rule, all_of, anything, error, shown, warning
from publisher.feeds.check_text import (
    integer,
    language,
    looks_like_markup,
    mailbox,
    markup,
    media_type,
    not_blank,
    one_of,
    pattern,
)
from publisher.feeds.check_tree import (
    Child,
    Element,
    ElementRule,
    Shape,
    Vocabulary,
    children,
    local,
    namespace,
    text_of,
)
from publisher.feeds.check_urls import is_absolute, uri, web_address
from publisher.model.problem import Level

Found = Iterator[tuple[Element, Fault]]

_RSS = "RSS 2.0"
_PROFILE = "RSS Profile"
_ENCODED_TAG = f"{{{CONTENT}}}encoded"
_SELF_LINK = f"{{{ATOM}}}link"
_HEX = "Write &#x26; for & and &#x3C; for <, or leave the markup out."


def plain_text(element: Element, document: Document) -> Found:
    """Text that readers may take for HTML, unless its lines say with hexadecimal references that it is not."""
    text = text_of(element).strip()
    first = element.sourceline or 0
    hexed = any(line in document.hexed for line in range(first, first + text_of(element).count("\n") + 1))
    for found in markup(text):
        if found.startswith("</") or not hexed:
            what = f"holds HTML where plain text is meant: {shown(found)}"
            yield element, warning(what, f"{_PROFILE}, character data", _HEX)
        return
    if not hexed and (start := looks_like_markup(text)):
        what = f"holds what readers may take for HTML: {shown(start)}"
        yield element, warning(what, f"{_PROFILE}, character data", _HEX)


def _html(value: str, _document: Document) -> Iterator[Fault]:
    yield from html_faults(value, Relative.FORBIDDEN)


def _link(value: str, document: Document) -> Iterator[Fault]:
    yield from uri(value, document)


def _image_type(value: str, _document: Document) -> Iterator[Fault]:
    ending = value.rpartition(".")[2].lower()
    if ending.isalnum() and "/" not in ending and ending not in {"jpg", "jpeg", "gif", "png"}:
        yield warning("is no GIF, JPEG or PNG", f"{_RSS}, image", "Offer the picture in one of these formats.")


def _enclosure_length(value: str, document: Document) -> Iterator[Fault]:
    if value == "-1":
        yield error("is -1", f"{_PROFILE}, enclosure", "Write 0 where the length is unknown.")
    else:
        yield from integer(0, None, f"{_RSS}, enclosure")(value, document)


def _hour(value: str, document: Document) -> Iterator[Fault]:
    if value == "24":
        yield warning("says 24", f"{_PROFILE}, skipHours", "Write 0 for midnight.")
    else:
        yield from integer(0, 23, f"{_RSS}, skipHours")(value, document)


def _permalink(element: Element, document: Document) -> Found:
    """A guid is an address unless it says it is none."""
    value, flag = text_of(element).strip(), element.get("isPermaLink", "true")
    remedy = 'Add isPermaLink="false", or write the address of the item.'
    if flag == "false":
        if not value:
            yield element, warning("is empty", f"{_RSS}, guid", "Write something that is this item's alone.")
        elif len(value) < 9 and value.isdigit():  # noqa: PLR2004 - what the validator takes for a counter
            yield element, warning(f"is a mere number: {shown(value)}", f"{_RSS}, guid", "Write a longer, unique one.")
    elif not is_absolute(value):
        yield element, error(f"is no address, but says it is a permalink: {shown(value)}", f"{_RSS}, guid", remedy)
    elif value.lower().startswith(("tag:", "urn:")):
        yield element, error(f"names no page, but says it is a permalink: {shown(value)}", f"{_RSS}, guid", remedy)
    else:
        for fault in uri(value, document):
            yield element, fault


def _unlike_each_other(name: str) -> ElementRule:
    """Children that repeat each other's values."""

    def ask(element: Element, _document: Document) -> Found:
        seen: set[str] = set()
        for child in element.findall(name):
            value = text_of(child).strip()
            value = "0" if value == "24" else value
            if value in seen:
                yield child, error(f"repeats {shown(value)}", f"{_RSS}, {element.tag}", "Take it out.")
            seen.add(value)

    return ask


def _unique_guids(channel: Element, _document: Document) -> Found:
    seen: dict[str, int] = {}
    for item in channel.findall("item"):
        for guid in item.findall("guid")[:1]:
            value = text_of(guid).strip()
            if value and value in seen:
                what = f"is the same as on line {seen[value]}: {shown(value)}"
                yield guid, error(what, f"{_RSS}, guid", "Give each item a guid of its own.")
            seen.setdefault(value, guid.sourceline or 0)


def _self_link(channel: Element, document: Document) -> Found:
    if not document.url:
        return
    links = [link for link in channel.findall(_SELF_LINK) if link.get("rel") == "self"]
    if not links:
        what = 'lacks <atom:link rel="self">'
        yield channel, warning(what, f"{_PROFILE}, atom:link", f"Add one with href {document.url}")


def _order(channel: Element, _document: Document) -> Found:
    early = None
    for child in children(channel):
        if child.tag == "item":
            early = early if early is not None else child
        elif early is not None and (child.tag in _CHANNEL or child.tag == _SELF_LINK):
            yield (
                early,
                warning("stands before the channel's own elements", f"{_PROFILE}, item", "Move the items to the end."),
            )
            return


def _picture_of_the_channel(channel: Element, _document: Document) -> Found:
    for name in ("title", "link"):
        own, image = channel.find(name), channel.find(f"image/{name}")
        if own is not None and image is not None and text_of(own).strip() not in {"", text_of(image).strip()}:
            what = f"differs from the channel's <{name}>"
            yield image, warning(what, f"{_PROFILE}, image", "Let both say the same.")


def _says_something(item: Element, _document: Document) -> Found:
    if item.find("title") is None and item.find("description") is None:
        yield item, error("has neither <title> nor <description>", f"{_RSS}, item", "Add one of them.")


def _summary_first(item: Element, _document: Document) -> Found:
    tags = [child.tag for child in children(item)]
    if _ENCODED_TAG in tags and "description" not in tags[: tags.index(_ENCODED_TAG)]:
        yield (
            item,
            warning(
                "has no <description> before <content:encoded>",
                f"{_PROFILE}, content:encoded",
                "Put the summary first.",
            ),
        )


def _dated_comments(channel: Element, _document: Document) -> Found:
    if channel.find("lastBuildDate") is None:
        for item in channel.findall("item"):
            if item.find(f"{{{SLASH}}}comments") is not None:
                yield (
                    item,
                    warning(
                        "counts comments, but the channel has no <lastBuildDate>",
                        f"{_PROFILE}, slash:comments",
                        "Add it.",
                    ),
                )


def _foreign_attributes(channel: Element, _document: Document) -> Found:
    """Attributes of extensions on RSS's own elements; the Advisory Board's specification allows them."""
    docs = channel.find("docs")
    if docs is not None and text_of(docs).strip() == "http://www.rssboard.org/rss-specification":
        return
    for node in channel.getroottree().iter():
        if isinstance(node.tag, str) and not node.tag.startswith("{"):
            for name in node.attrib:
                if namespace(name) not in {"", "http://www.w3.org/XML/1998/namespace"}:
                    what = f"has an attribute of an extension: {local(name)[:60]}"
                    yield node, warning(what, f"{_PROFILE}, namespaces", "Use an element of the extension.")


def _said_twice(pairs: Mapping[str, str]) -> ElementRule:
    """An element of RSS beside one of an extension that means the same."""

    def ask(element: Element, _document: Document) -> Found:
        present = {child.tag for child in children(element)}
        for own, other in pairs.items():
            if own in present and other in present:
                what = f"says the same as <{own}>"
                first = element.find(other)
                yield first, warning(what, f"{_PROFILE}, extensions", f"Keep <{own}>, or the other alone.")

    return ask


def _text(rule: Rule, about: str, *, plain: bool = False, **attributes: Rule) -> Shape:
    return Shape(f"{_RSS}, {about}", text=rule, attributes=attributes, whole=(plain_text,) if plain else ())


def _requiring(shape: Shape, *names: str) -> Shape:
    return Shape(shape.source, shape.text, attributes=shape.attributes, required=names, whole=shape.whole)


_DC_FOR_CHANNEL = {
    "managingEditor": "creator",
    "webMaster": "publisher",
    "pubDate": "date",
    "language": "language",
    "copyright": "rights",
}
_DC_FOR_ITEM = {"author": "creator", "category": "subject", "pubDate": "date", "source": "source"}
_ATOM_FOR_ITEM = {"guid": f"{{{ATOM}}}id", "pubDate": f"{{{ATOM}}}published", "description": f"{{{ATOM}}}content"}
_CATEGORY = Child(_text(not_blank, "category", plain=True, domain=anything), many=True)
_REQUIRED = Level.ERROR
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_IMAGE = Shape(
    f"{_RSS}, image",
    children={
        "url": Child(_text(all_of(uri, _image_type), "image"), _REQUIRED),
        "title": Child(_text(not_blank, "image", plain=True), _REQUIRED),
        "link": Child(_text(_link, "image"), _REQUIRED),
        "width": Child(_text(integer(1, 144, f"{_RSS}, image"), "image")),
        "height": Child(_text(integer(1, 400, f"{_RSS}, image"), "image")),
        "description": Child(_text(anything, "image", plain=True)),
    },
)
_FORM_NAME = pattern(
    r"[A-Za-z][\w:.\-]*\Z", "is no name of a form's field", f"{_PROFILE}, textInput", "Use letters, digits, - _ : and ."
)
_TEXT_INPUT = Shape(
    f"{_RSS}, textInput",
    children={
        "title": Child(_text(anything, "textInput", plain=True), _REQUIRED),
        "description": Child(_text(anything, "textInput"), _REQUIRED),
        "name": Child(_text(_FORM_NAME, "textInput"), _REQUIRED),
        "link": Child(_text(_link, "textInput"), _REQUIRED),
    },
)
_CLOUD = Shape(
    f"{_RSS}, cloud",
    attributes={
        "domain": not_blank,
        "path": anything,
        "port": integer(1, 65535, f"{_RSS}, cloud"),
        "registerProcedure": anything,
        "protocol": one_of(("xml-rpc", "soap", "http-post"), f"{_RSS}, cloud"),
    },
    required=("domain", "path", "port", "registerProcedure", "protocol"),
)
_ENCLOSURE = Shape(
    f"{_RSS}, enclosure",
    attributes={"url": web_address, "length": _enclosure_length, "type": media_type},
    required=("url", "length", "type"),
)
_ITEM = Shape(
    f"{_RSS}, item",
    children={
        "title": Child(_text(not_blank, "item", plain=True)),
        "link": Child(_text(_link, "item")),
        "description": Child(_text(_html, "item")),
        "author": Child(_text(mailbox, "author")),
        "category": _CATEGORY,
        "comments": Child(_text(uri, "comments")),
        "enclosure": Child(
            _ENCLOSURE,
            repeated=warning(
                "occurs more than once in <item>", f"{_PROFILE}, enclosure", "Readers take one; link the others."
            ),
        ),
        "guid": Child(
            Shape(
                f"{_RSS}, guid",
                text=anything,
                attributes={"isPermaLink": one_of(("true", "false"), f"{_RSS}, guid")},
                whole=(_permalink,),
            ),
            Level.WARNING,
            remedy="Add one, so that readers know an item again.",
        ),
        "pubDate": Child(_text(rfc822, "item")),
        "source": Child(_requiring(_text(anything, "source", plain=True, url=uri), "url")),
        _ENCODED_TAG: ENCODED,
        **ABOUT_ENTRY,
        **IN_ITEM,
        f"{{{XHTML}}}body": Child(XHTML_BODY),
    },
    whole=(
        _says_something,
        _summary_first,
        _said_twice({own: f"{{{DC}}}{other}" for own, other in _DC_FOR_ITEM.items()}),
        _said_twice(_ATOM_FOR_ITEM),
        _said_twice({"description": f"{{{XHTML}}}body"}),
    ),
)
_CHANNEL: Mapping[str, Child] = {
    "title": Child(_text(not_blank, "channel", plain=True), _REQUIRED),
    "link": Child(_text(_link, "channel"), _REQUIRED),
    "description": Child(_text(anything, "channel", plain=True), _REQUIRED),
    "language": Child(_text(language, "language")),
    "copyright": Child(_text(anything, "copyright", plain=True)),
    "managingEditor": Child(_text(mailbox, "managingEditor")),
    "webMaster": Child(_text(mailbox, "webMaster")),
    "pubDate": Child(_text(rfc822, "channel")),
    "lastBuildDate": Child(_text(rfc822, "channel")),
    "category": _CATEGORY,
    "generator": Child(_text(anything, "generator")),
    "docs": Child(_text(uri, "docs")),
    "cloud": Child(_CLOUD),
    "ttl": Child(_text(integer(1, None, f"{_RSS}, ttl"), "ttl")),
    "image": Child(_IMAGE),
    "rating": Child(_text(anything, "rating")),
    "textInput": Child(_TEXT_INPUT),
    "skipHours": Child(
        Shape(
            f"{_RSS}, skipHours",
            children={"hour": Child(_text(_hour, "skipHours"), _REQUIRED, many=True)},
            whole=(_unlike_each_other("hour"),),
        )
    ),
    "skipDays": Child(
        Shape(
            f"{_RSS}, skipDays",
            children={"day": Child(_text(one_of(_DAYS, f"{_RSS}, skipDays"), "skipDays"), _REQUIRED, many=True)},
            whole=(_unlike_each_other("day"),),
        )
    ),
}


def _text_input_is_unused(channel: Element, _document: Document) -> Found:
    for found in channel.findall("textInput")[:1]:
        yield found, warning("is ignored by most readers", f"{_PROFILE}, textInput", "Leave it out.")


RSS = Shape(
    f"{_RSS}, rss",
    attributes={"version": one_of(("2.0", "0.92", "0.91"), f"{_RSS}, rss")},
    required=("version",),
    children={
        "channel": Child(
            Shape(
                f"{_RSS}, channel",
                children={**_CHANNEL, "item": Child(_ITEM, many=True), **ABOUT_FEED, **IN_CHANNEL},
                whole=(
                    _self_link,
                    history_faults,
                    _order,
                    _unique_guids,
                    _picture_of_the_channel,
                    _dated_comments,
                    _text_input_is_unused,
                    _said_twice({own: f"{{{DC}}}{other}" for own, other in _DC_FOR_CHANNEL.items()}),
                    _said_twice({"lastBuildDate": "{http://purl.org/dc/terms/}modified"}),
                    _foreign_attributes,
                ),
            ),
            _REQUIRED,
        )
    },
)
_NAMES = [*_CHANNEL, *_ITEM.children, *_IMAGE.children, *_TEXT_INPUT.children, "item", "channel", "hour", "day", "rss"]
VOCABULARY = Vocabulary(
    core="",
    anywhere=frozenset({DC}),
    known={**KNOWN, ATOM: frozenset(tag.rpartition("}")[2] for tag in (*IN_CHANNEL, *IN_ITEM))},
    hints={name.lower(): name for name in _NAMES if "}" not in name},
    prefixes=SHOWN_PREFIXES,
)

"""Rules for short values: plain text, numbers, languages, media types, mailboxes, enumerations."""

from __future__ import annotations

import re
from html.entities import name2codepoint
from typing import TYPE_CHECKING
from urllib.parse import unquote

from publisher.feeds.check_html import HTML_ELEMENTS
from publisher.feeds.check_rules import Fault, Rule, error, shown, warning, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.feeds.check_rules import Document

# ISO 639-1; three-letter codes (ISO 639-2, 639-3) are taken on trust.
_LANGUAGES = words(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz "
    "ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik "
    "in io is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg "
    "mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro "
    "ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty "
    "ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
_LANGUAGE_TAG = re.compile(r"([A-Za-z]{2,3}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*\Z")
_TOKEN = r"[A-Za-z0-9!#$&^_.+\-]+"  # noqa: S105 - RFC 6838 calls it a token, it opens nothing
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:\s*;\s*{_TOKEN}=(?:{_TOKEN}|\"(?:[^\"\\]|\\.)*\"))*\Z")
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\Z"
)
_ADDRESS_INSIDE = re.compile(r"<[^<>@\s]{1,64}@[^<>@\s]{1,255}\.[^<>@\s.]{1,63}>")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_END_TAG = re.compile(r"</([A-Za-z][A-Za-z0-9]*)>")
_REFERENCE = re.compile(r"&(#?\w+)")
_LOOKS_LIKE_MARKUP = re.compile(r"</?[A-Za-z/]|&#[xX0-9]")

_AS_TEXT = "Write the title without markup."


def not_blank(value: str, _document: Document) -> Iterator[Fault]:
    """A value that says something."""
    if not value.strip():
        yield warning("is empty", "good practice", "Give it a text, or leave it out.")


def markup(value: str) -> Iterator[str]:
    """What in a plain text a reader would take for HTML: end tags, then character references."""
    for name in _END_TAG.findall(value):
        if name.lower() in HTML_ELEMENTS:
            yield f"</{name}>"
    for name in _REFERENCE.findall(value):
        if name in name2codepoint or name == "apos" or not name.isalpha():
            yield f"&{name}"


def looks_like_markup(value: str) -> str:
    """The first thing in a text that some readers would take for the start of a tag, or nothing."""
    found = _LOOKS_LIKE_MARKUP.search(value)
    return found[0] if found else ""


def plain_attribute(value: str, _document: Document) -> Iterator[Fault]:
    """Plain text in an attribute."""
    for found in markup(value):
        yield warning(f"holds HTML where plain text is meant: {shown(found)}", "good practice", _AS_TEXT)
        return


def person_name(value: str, _document: Document) -> Iterator[Fault]:
    """A name, with no address in it."""
    if _ADDRESS_INSIDE.search(value):
        yield warning(f"holds an email address: {shown(value)}", "RFC 4287 3.2.1", "Put it in <email>.")


def integer(lowest: int, highest: int | None, source: str) -> Rule:
    """A rule for whole numbers within bounds; None is no upper bound."""

    def ask(value: str, _document: Document) -> Iterator[Fault]:
        # Twenty digits are beyond any bound here, and int() refuses thousands of them.
        number = int(value) if _INTEGER.match(value) and len(value) <= 20 else None  # noqa: PLR2004 - the digits of the largest number that a feed could mean
        if number is None or number < lowest or (highest is not None and number > highest):
            wanted = f"from {lowest} to {highest}" if highest is not None else f"of at least {lowest}"
            yield error(f"is no whole number {wanted}: {shown(value)}", source, "Write the number in digits.")

    return ask


def one_of(allowed: tuple[str, ...], source: str) -> Rule:
    """A rule for values out of a closed list."""

    def ask(value: str, _document: Document) -> Iterator[Fault]:
        if value not in allowed:
            listed = ", ".join(allowed)
            yield error(f"must be one of {listed}: {shown(value)}", source, "Use one of these, letter for letter.")

    return ask


def pattern(expression: str, what: str, source: str, remedy: str) -> Rule:
    """A rule for values of a certain shape."""
    compiled = re.compile(expression)

    def ask(value: str, _document: Document) -> Iterator[Fault]:
        if not compiled.match(value):
            yield error(f"{what}: {shown(value)}", source, remedy)

    return ask


def language(value: str, _document: Document) -> Iterator[Fault]:
    """A language tag of BCP 47 whose first part is a known code."""
    found = _LANGUAGE_TAG.match(value)
    primary = found[1].lower() if found else ""
    if not found or (len(primary) == 2 and primary not in _LANGUAGES):  # noqa: PLR2004 - ISO 639-1
        yield error(f"is no language tag: {shown(value)}", "BCP 47 2.1", 'Write a tag like "en" or "pt-BR".')


def xml_language(value: str, document: Document) -> Iterator[Fault]:
    """xml:lang, which may also be empty (XML 1.0 2.12)."""
    if value:
        yield from language(value, document)


def media_type(value: str, _document: Document) -> Iterator[Fault]:
    """A media type, parameters allowed."""
    if not _MEDIA_TYPE.match(value):
        yield error(f"is no media type: {shown(value)}", "RFC 6838 4.2", 'Write it like "audio/mpeg".')


def address(value: str, _document: Document) -> Iterator[Fault]:
    """A bare email address with a full host name, Atom's and iTunes' way."""
    if not _ADDRESS.match(value):
        yield error(f"is no email address: {shown(value)}", "RFC 4287 3.2.3", "Write user@example.com alone.")


def mailbox(value: str, _document: Document) -> Iterator[Fault]:
    """RSS's way: user@example.com (Real Name)."""
    text = unquote(value.partition(":")[2].partition("?")[0]) if value.startswith("mailto:") else value
    head, _, name = text.partition("(")
    remedy = "Write user@example.com (Real Name); for a name alone use <dc:creator>."
    if _ADDRESS.match(head.strip()):
        yield from _real_name(name, value, remedy)
    elif "@" in text[1:] and not text.endswith(")"):
        yield warning(f"is a mailbox in the wrong order: {shown(value)}", "RSS Profile, email addresses", remedy)
    else:
        yield error(f"is no email address: {shown(value)}", "RSS 2.0, author", remedy)


def _real_name(name: str, value: str, remedy: str) -> Iterator[Fault]:
    if not name.rstrip().endswith(")"):
        yield warning(f"has no real name: {shown(value)}", "RSS Profile, email addresses", remedy)
    for found in markup(name):
        yield warning(f"holds HTML where plain text is meant: {shown(found)}", "RSS Profile, character data", remedy)
        return

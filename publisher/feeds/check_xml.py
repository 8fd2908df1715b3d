"""From bytes to a tree: encodings, well-formedness, document types, namespaces, odd characters.

The parser never leaves the document: no entity is expanded into content, no DTD is loaded,
nothing is fetched, and libxml2's own limits (depth, size of a text, amplification) stand.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publisher.feeds.check_extensions import PREFIXES
from publisher.feeds.check_rules import Document, Fault, error, shown, warning, words
from publisher.feeds.check_tree import is_element, local, namespace
from publisher.feeds.check_urls import namespace_iri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.model.problem import Problem

_BOMS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_DECLARATION = re.compile(
    r"<\?xml\s+version\s*=\s*[\"']([^\"']{0,40})[\"'](?:\s+encoding\s*=\s*[\"']([^\"']{0,40})[\"'])?"
)
_HEXADECIMAL = re.compile(r"&#x|\n")
_MISREAD = re.compile("[\u00c2\u00c3][\u0080-\u00bf]")
_ODD = re.compile("[\u0080-\u009f\ufffd]")
# As Python names them. Others are read too, but warned about.
_COMMON = words(
    "utf-8 utf-16 ascii iso8859-1 iso8859-2 iso8859-7 iso8859-15 cp1250 cp1251 cp1252 cp1254 cp1255 cp1256 "
    "euc_jp shift_jis koi8-r gb18030 gbk gb2312 big5 euc_kr"
)
# Codecs of Python that are no encodings of documents, some of them slow.
_NO_ENCODINGS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"})

_XML = "XML 1.0"
_USUAL = {prefix: name for name, prefix in PREFIXES.items()}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of the bytes: a root element, or None; and what is wrong on the surface."""

    root: Any
    faults: tuple[tuple[int, Fault], ...]
    hexed: frozenset[int]


def parse(data: bytes) -> Parsed:
    """The document's root element and the faults of its surface, with their lines."""
    encoding, faults = _encoding(data)
    text = _decoded(data, encoding)
    if isinstance(text, Fault):
        return Parsed(None, (*faults, (_line_of_bad_byte(data, encoding), text)), frozenset())
    root, more = _tree(text)
    return Parsed(root, (*faults, *more), hexed_lines(text))


def hexed_lines(text: str) -> frozenset[int]:
    """The lines that hold a hexadecimal character reference."""
    line, lines = 1, set()
    for found in _HEXADECIMAL.finditer(text):
        if found[0] == "\n":
            line += 1
        else:
            lines.add(line)
    return frozenset(lines)


def _encoding(data: bytes) -> tuple[str, tuple[tuple[int, Fault], ...]]:
    """The codec the document is read with, and what is wrong with how it names it."""
    marked = next((name for bom, name in _BOMS if data.startswith(bom)), "")
    head = data[:400].decode(marked or ("utf-16" if b"\x00" in data[:4] else "latin-1"), "replace").lstrip("\ufeff")
    found = _DECLARATION.match(head)
    declared = (found[2] if found else None) or ""
    faults = [(1, fault) for fault in _declaration_faults(found[1] if found else "1.0", declared, marked)]
    return (marked or (declared if _known(declared) else "") or "UTF-8"), tuple(faults)


def _declaration_faults(version: str, declared: str, marked: str) -> Iterator[Fault]:
    if version != "1.0":
        yield error(f"declares version {shown(version)}", f"{_XML} 2.8", "Feeds are XML 1.0.")
    if declared and not _known(declared):
        yield error(f"declares an unknown encoding: {shown(declared)}", f"{_XML} 4.3.3", "Write it in UTF-8.")
    elif declared and marked and codecs.lookup(declared).name[:6] != codecs.lookup(marked).name[:6]:
        what = f"declares {shown(declared)}, but starts with the byte order mark of {marked}"
        yield error(what, f"{_XML} 4.3.3", "Write it in UTF-8 and declare that.")
    elif declared and codecs.lookup(declared).name not in _COMMON:
        yield warning(f"is written in {shown(declared)}", "RSS Profile, encoding", "Write it in UTF-8.")


def _known(encoding: str) -> bool:
    try:
        found = codecs.lookup(encoding)
        text = found._is_text_encoding  # noqa: SLF001 - nothing else tells text from "zlib"
        return bool(text) and found.name.replace("_", "-") not in _NO_ENCODINGS
    except (LookupError, ValueError, UnicodeError):
        return False


def _decoded(data: bytes, encoding: str) -> str | Fault:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return error(f"is not the {encoding} it says it is", f"{_XML} 4.3.3", "Write it in UTF-8 and declare that.")


def _line_of_bad_byte(data: bytes, encoding: str) -> int:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as bad:
        return data.count(b"\n", 0, bad.start) + 1
    except (UnicodeError, LookupError):
        pass
    return 1


def _tree(text: str) -> tuple[Any, tuple[tuple[int, Fault], ...]]:
    from lxml import etree  # noqa: PLC0415 - a run that checks nothing does without it

    parser = etree.XMLParser(
        encoding="utf-8",  # decoded and encoded again, whatever the document declares
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as refused:
        line = getattr(refused, "lineno", 0) or 1
        first = str(getattr(refused, "msg", refused)).partition(", line ")[0]
        fault = error(f"is not well-formed: {first}", _XML, "Mend the markup; nothing after it could be read.")
        return None, ((line, fault),)
    line = text.count("\n", 0, max(text.find("<!DOCTYPE"), 0)) + 1
    return root, tuple((line, fault) for fault in _doctype(root.getroottree().docinfo))


def _doctype(docinfo: Any) -> Iterator[Fault]:
    if not docinfo.doctype:
        return
    remedy = "Take the DOCTYPE out; write characters as they are."
    if docinfo.internalDTD is not None and any(True for _ in docinfo.internalDTD.iterentities()):
        yield error("declares entities, which feed readers refuse", "good practice", remedy)
    else:
        yield warning("has a DOCTYPE", "good practice", remedy)


def surface(root: Any, document: Document, core: str) -> Iterator[Problem]:
    """Faults that any element may have: prefixes, namespaces, references, misread characters."""
    if not root.getroottree().docinfo.doctype:  # iterwalk is slow among entities, which need one
        yield from _namespaces(root, document, core)
    for node in root.iter():
        line = node.sourceline or 0
        if not is_element(node):
            fault = error(f"refers to an entity: {shown(str(node))}", _XML, "Write the character itself.")
            yield document.problem(line, "The document", fault)
            continue
        for fault in _element_faults(node, core):
            yield document.problem(line, f"<{local(node.tag)[:60]}>", fault)


def _namespaces(root: Any, document: Document, core: str) -> Iterator[Problem]:
    """Each declaration once; asking every element for its map would cost their product."""
    from lxml import etree  # noqa: PLC0415 - as in _tree

    seen: set[tuple[str, str]] = set()
    waiting: list[tuple[str, str]] = []
    for event, what in etree.iterwalk(root, events=("start-ns", "start")):
        if event == "start-ns":
            waiting.append(what)
            continue
        for prefix, name in waiting:
            for fault in () if (prefix, name) in seen else _prefix_faults(prefix, name, document, core):
                yield document.problem(what.sourceline or 0, "The document", fault)
            seen.add((prefix, name))
        waiting.clear()


def _prefix_faults(prefix: str, name: str, document: Document, core: str) -> Iterator[Fault]:
    usual = _USUAL.get(prefix, name)
    if usual != name:
        what = f"uses the prefix {prefix}: for {shown(name)}"
        yield warning(what, "Namespaces in XML", f"That prefix is known for {usual}")
    if core and prefix and name in {core, "http://www.w3.org/1999/xhtml"}:
        what = f"writes {'Atom' if name == core else 'XHTML'} with the prefix {prefix[:60]}:"
        yield warning(what, "good practice", "Some readers know it only without a prefix; use xmlns=.")
    yield from namespace_iri(name, document)


def _element_faults(node: Any, core: str) -> Iterator[Fault]:
    parent = node.getparent()
    if not core and parent is not None and not namespace(node.tag) and namespace(parent.tag):
        yield error("is in no namespace, inside an extension", "RSS 2.0, extending RSS", "Give it the namespace.")
    for text in (node.text, node.tail, *node.attrib.values()):
        if text and not text.isascii() and (found := _ODD.search(text) or _mojibake(text)):
            what = f"holds a character that was misread: {shown(found[0])}"
            yield warning(what, "good practice", "Read the source in its true encoding.")
            return


def _mojibake(text: str) -> re.Match[str] | None:
    """UTF-8 that was read as Latin-1: only where the whole text could have been that."""
    found = _MISREAD.search(text)
    if found:
        try:
            text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return None
    return found

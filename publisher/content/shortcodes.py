"""Shortcodes and template tags in a post: Hugo's, Zola's, Jekyll's and Eleventy's, and MDX components.

This module finds them, takes them apart and tells the known from the unknown; what a reader sees in place
of a known one is said in fallbacks.py. Whether one stands in code is not decided here (see standins.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from publisher.content.fallbacks import Call, expression, form_of
from publisher.content.forms import address, code_block
from publisher.content.standins import Form, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.model.post import Post
    from publisher.model.settings import Settings

_TAG = re.compile(
    r"""
      \{\{[<%]/\*(?P<shown>[^{}]*)\*/[>%]\}\}
    | \{%\s*/\*(?P<zola_shown>[^{}]*)\*/\s*%\}
    | \{\{<(?P<hugo>(?:[^{}>"]|>(?!\}\})|"(?:[^"\\\n]|\\.)*+")*+)>\}\}
    | \{\{%(?P<hugo_md>(?:[^{}%"]|%(?!\}\})|"(?:[^"\\\n]|\\.)*+")*+)%\}\}
    | \{\{[<%](?P<hugo_rough>[^{}]*+)\}\}
    | \{%[-+]?(?P<liquid>(?:[^{}%"']|%(?!\})|"[^"\n]*+"|'[^'\n]*+')*+)%\}
    | \{%[-+]?(?P<liquid_rough>(?:[^{}%]|%(?!\}))*+)%\}
    | (?<!\$)\{\{-?\s*(?P<zola>[A-Za-z_]\w*\(
            (?:[^"'`{}()]|"(?:[^"{]|\{(?!\{))*+"|'(?:[^'{]|\{(?!\{))*+'|`(?:[^`{]|\{(?!\{))*+`)*+
        \))\s*-?\}\}
    | (?<!\$)\{\{-?\s*(?P<output>["'A-Za-z_][^{}\n]*)\}\}
    | \{\#\s(?P<comment>[^{}]*)\s\#\}
    | (?P<stray>\{\{[<%]|\{%)
    """,
    re.VERBOSE,
)
_STRAY_END = re.compile(r"%\}\}?|>\}\}")
# An expression of JavaScript in its braces, up to four levels deep.
BRACED = r"\{(?:[^{}]++|\{(?:[^{}]++|\{(?:[^{}]++|\{[^{}]*+\})*+\})*+\})*+\}"
_COMPONENT = re.compile(
    rf"""<(?P<close>/?)(?P<name>[A-Z][\w.]*)(?P<attributes>(?:[^<>"'{{]|"[^"<]*+"|'[^'<]*+'|{BRACED})*+)>"""
)
_ARGUMENT = re.compile(
    r"""(?:(?P<key>[\w:.\-]+)\s*[=:]\s*)?
        (?:"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>[^']*+)'|`(?P<raw>[^`]*+)`|\{(?P<braces>[^{}]*+)\}
        |"""
    + BRACED
    + r"""|(?P<plain>[^\s,"'`=]+))""",
    re.VERBOSE,
)
_NAME = re.compile(r"[-+~]?\s*(?P<close>/|end_?(?=[a-z])|end\b)?\s*(?P<name>[A-Za-z_][\w./:\-]*)?")
_VERBATIM = {
    "highlight": r"(?:\{%[-+]?\s*endhighlight\s*[-+]?%\}|\{\{[<%]\s*/\s*highlight\s*[>%]\}\})",
    "raw": r"\{%[-+]?\s*endraw\s*[-+]?%\}",
    "verbatim": r"\{%[-+]?\s*endverbatim\s*[-+]?%\}",
    "comment": r"(?:\{%[-+]?\s*endcomment\s*[-+]?%\}|\{\{[<%]\s*/\s*comment\s*[>%]\}\})",
    "mermaid": r"\{\{[<%]\s*/\s*mermaid\s*[>%]\}\}",
    "codeblock": r"\{%\s*endcodeblock\s*%\}",
}
_ENDS = {name: re.compile(pattern) for name, pattern in _VERBATIM.items()}
# Sites name their own wrappers of code after it: high, code, code-rust.
_CODE = re.compile(
    r"(?:high|hl|prism|listing|terminal|console|syntax|syntaxhighlight|source|sourcecode"
    r"|code(?:[-_](?!tabs?|group|pen|sandbox)(?P<language>\w+))?)",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[\w+#.\-]{1,20}")
_SHOWN_AS_WRITTEN = frozenset({"raw", "verbatim"})
_LONGEST_TAG = 20_000  # characters; what is longer is no tag


@dataclass(slots=True)
class _Progress:
    """Where the search stands, and which closing tags are known not to come any more."""

    position: int = 0
    missing: frozenset[str] = frozenset()


def find_tags(text: str, post: Post, settings: Settings) -> Iterator[Mark]:
    """The template tags of a text, in order, not overlapping; linear in its length."""
    at = _Progress()
    while (start := text.find("{", at.position)) >= 0:
        yield from _strays(text, at.position, start)
        at.position = start + 1
        if found := _TAG.match(text, start):
            at.position = found.end()
            yield from _marks(text, found, at, post, settings)
    yield from _strays(text, at.position, len(text))


def _strays(text: str, start: int, end: int) -> Iterator[Mark]:
    """Ends of tags that nothing opened."""
    for found in _STRAY_END.finditer(text, start, end):
        yield _mark(found, Form(problem=f"{found[0]} closes nothing", remedy="take it out"))


def _marks(text: str, found: re.Match[str], at: _Progress, post: Post, settings: Settings) -> Iterator[Mark]:
    if found["liquid"] is None and found["hugo"] is None and found["hugo_md"] is None:
        yield _plain(found, post, settings)
        return
    call = _call(found["liquid"] or found["hugo"] or found["hugo_md"] or "")
    if call.name.lower() == "baseurl" and not call.plain:
        at.position += text.startswith("/", at.position)  # the address brings its own
        yield Mark(found.start(), at.position, address(settings.site.base_url), text[found.start() : at.position])
        return
    end = _end_of_verbatim(text, call, at)
    if end is None:
        yield _mark(found, form_of(call))
    else:
        yield from _verbatim(text, found, call, end)
        at.position = end.end()


def find_components(text: str) -> Iterator[Mark]:
    """The components of an MDX text: elements whose name begins with a capital letter."""
    for found in _COMPONENT.finditer(text):
        attributes = found["attributes"]
        alone = attributes.endswith("/")
        call = Call(
            found["name"],
            *_arguments(attributes.rstrip("/")),
            closing=bool(found["close"]),
            alone=alone,
            component=True,
        )
        yield _mark(found, form_of(call))


def _plain(found: re.Match[str], post: Post, settings: Settings) -> Mark:
    """A tag that needs nothing but itself: an escaped one, an expression, a comment, a stray brace."""
    shown = found["shown"] if found["shown"] is not None else found["zola_shown"]
    if shown is not None:
        return _documented(found)
    if found["zola"] is not None:
        return _mark(found, form_of(_call(found["zola"])))
    if found["output"] is not None:
        form = expression(found["output"].strip().rstrip("-").strip(), post, settings)
        return _mark(found, form or form_of(_call(found["output"])))
    if found["comment"] is not None:
        return _mark(found, Form())
    rough = found["hugo_rough"] or found["liquid_rough"]
    if rough is not None and len(rough) < _LONGEST_TAG:
        return _mark(found, form_of(_call(rough.rstrip("%>"))))
    return _mark(found, Form(problem=f"{found[0][:3]} is never closed", remedy="close it, or take it out"))


def _documented(found: re.Match[str]) -> Mark:
    """Hugo's and Zola's way of showing a shortcode without calling it; its comment signs go, also in code."""
    text = re.sub(r"/\*|\*/", "", found[0])
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Mark(found.start(), found.end(), Form(inline=escaped, attribute=escaped.replace('"', "&quot;")), text)


def _mark(found: re.Match[str], form: Form) -> Mark:
    return Mark(found.start(), found.end(), form, found[0])


def _end_of_verbatim(text: str, call: Call, at: _Progress) -> re.Match[str] | None:
    """The closing tag of a tag whose inside is not read; None for any other tag and where none follows."""
    ending = None if call.closing or call.name in at.missing else _ending(call.name)
    if ending is None:
        return None
    end = ending.search(text, at.position)
    if end is None:
        at.missing |= {call.name}
    return end


@lru_cache(maxsize=64)
def _ending(name: str) -> re.Pattern[str] | None:
    if name in _ENDS or not _CODE.fullmatch(name):
        return _ENDS.get(name)
    word = re.escape(name)
    return re.compile(rf"\{{%[-+]?\s*end_?{word}\s*[-+]?%\}}|\{{\{{[<%]\s*/\s*{word}\s*[>%]\}}\}}")


def _verbatim(text: str, found: re.Match[str], call: Call, end: re.Match[str]) -> Iterator[Mark]:
    inside = text[found.end() : end.start()]
    if call.name in _SHOWN_AS_WRITTEN:  # Liquid runs before Markdown, so its tags go even from code
        yield Mark(found.start(), found.end(), Form(), "")
        yield Mark(end.start(), end.end(), Form(), "")
    elif call.name == "comment":
        yield Mark(found.start(), end.end(), Form(), text[found.start() : end.end()])
    else:
        yield Mark(found.start(), end.end(), code_block(inside, _language(call)), text[found.start() : end.end()])


def _language(call: Call) -> str:
    named = _CODE.fullmatch(call.name)
    inside_name = "mermaid" if call.name == "mermaid" else named["language"] if named else ""
    language = inside_name or call.value("lang", "language", at=0)
    return language if _LANGUAGE.fullmatch(language) else ""


def _call(tag: str) -> Call:
    """A tag's inside, taken apart: ``name args``, ``/name``, ``endname`` or ``name(args)``."""
    tag = tag.strip().rstrip("-+~").strip()
    found = _NAME.match(tag)
    name = found["name"] or "" if found else ""
    closing = bool(found and found["close"])
    rest = tag[found.end() :].strip() if found else ""
    alone = rest.endswith("/")
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    return Call(name, *_arguments(rest.rstrip("/")), closing=closing, alone=alone)


def _arguments(text: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    plain: list[str] = []
    named: list[tuple[str, str]] = []
    for found in _ARGUMENT.finditer(text[:_LONGEST_TAG]):
        value = next(
            (found[group] for group in ("double", "single", "raw", "braces", "plain") if found[group] is not None), ""
        ).strip("\"'`" if found["braces"] else "")
        value = value.replace('\\"', '"')
        if found["key"]:
            named.append((found["key"].lower(), value))
        else:
            plain.append(value)
    return tuple(plain), tuple(named)

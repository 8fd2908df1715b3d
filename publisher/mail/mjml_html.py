"""MJML becomes the HTML of a mail: the one module that knows mjml-python and css-inline.

MJML passes unknown elements, drops unknown attributes and names no line when a tag is left open, so templates are
read here first.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING
from xml.parsers import expat

from publisher.errors import TemplateError
from publisher.model.problem import Problem, error

if TYPE_CHECKING:
    from collections.abc import Mapping

_PADDING = "padding padding-bottom padding-left padding-right padding-top"
_BORDER = "border border-bottom border-left border-radius border-right border-top"
_FONT = "color font-family font-size font-style font-weight letter-spacing line-height text-decoration text-transform"
_LINK = "href name rel target title"
_ICONS = (
    "icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url icon-width "
    "icon-wrapped-alt icon-wrapped-url"
)
_BACKGROUND = (
    "background-color background-position background-position-x background-position-y "
    "background-repeat background-size background-url"
)
_ROW = f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align text-padding"
_HAMBURGER = (
    "ico-align ico-close ico-color ico-font-family ico-font-size ico-line-height ico-open ico-padding "
    "ico-padding-bottom ico-padding-left ico-padding-right ico-padding-top ico-text-decoration ico-text-transform"
)

# What MJML 4 knows of each element that may stand in our templates. Elements that reach for other
# files or for other people's servers are missing on purpose: see ELSEWHERE.
HEAD = {
    "mjml": "dir lang owa",
    "mj-head": "",
    "mj-attributes": "",
    "mj-breakpoint": "width",
    "mj-html-attributes": "",
    "mj-html-attribute": "name",
    "mj-preview": "",
    "mj-selector": "path",
    "mj-style": "inline",
    "mj-title": "",
    "mj-raw": "position",
}
BODY = {
    "mj-accordion": f"border container-background-color font-family {_ICONS} {_PADDING}",
    "mj-accordion-element": f"background-color border font-family {_ICONS}",
    "mj-accordion-text": (
        f"background-color color font-family font-size font-weight letter-spacing line-height {_PADDING}"
    ),
    "mj-accordion-title": f"background-color color font-family font-size font-weight {_PADDING}",
    "mj-body": "background-color width",
    "mj-button": (
        f"align background-color {_BORDER} container-background-color {_FONT} height {_LINK} inner-padding "
        f"{_PADDING} text-align vertical-align width"
    ),
    "mj-carousel": (
        f"align border-radius container-background-color icon-width left-icon {_PADDING} right-icon tb-border "
        "tb-border-radius tb-hover-border-color tb-selected-border-color tb-width thumbnails"
    ),
    "mj-carousel-image": "alt border-radius href rel src target tb-border tb-border-radius thumbnails-src title",
    "mj-column": (
        f"background-color {_BORDER} direction inner-background-color inner-border inner-border-bottom "
        f"inner-border-left inner-border-radius inner-border-right inner-border-top {_PADDING} vertical-align width"
    ),
    "mj-divider": f"align border-color border-style border-width container-background-color {_PADDING} width",
    "mj-group": "background-color direction vertical-align width",
    "mj-hero": (
        "background-color background-height background-position background-url background-width border-radius height "
        "inner-background-color inner-padding inner-padding-bottom inner-padding-left inner-padding-right "
        f"inner-padding-top mode {_PADDING} vertical-align"
    ),
    "mj-image": (
        f"align alt {_BORDER} container-background-color fluid-on-mobile font-size height {_LINK} max-height "
        f"{_PADDING} sizes src srcset usemap width"
    ),
    "mj-navbar": f"align base-url hamburger {_HAMBURGER} {_PADDING}",
    "mj-navbar-link": f"{_FONT} href name {_PADDING} rel target",
    "mj-section": _ROW,
    "mj-spacer": f"{_BORDER} container-background-color height {_PADDING}",
    "mj-table": (
        "align border cellpadding cellspacing color container-background-color font-family font-size font-weight "
        f"line-height {_PADDING} role table-layout vertical-align width"
    ),
    "mj-text": f"align container-background-color {_FONT} height {_PADDING} vertical-align",
    "mj-wrapper": _ROW,
}
_OWN = frozenset({"css-class", "mj-class"})
ATTRIBUTES = {name: frozenset(known.split()) for name, known in HEAD.items()} | {
    name: _OWN.union(known.split()) for name, known in BODY.items()
}
_ANY = frozenset[str]().union(*ATTRIBUTES.values())  # what sets defaults may name whatever some element knows
ATTRIBUTES |= {"mj-all": _ANY, "mj-class": _ANY | {"name"}}
ELSEWHERE = {
    "mj-include": 'It reads other files: write {% include "mail/….mjml.j2" %} instead.',
    "mj-font": "It makes each reader fetch a font from somebody's server: name fonts that readers have in font-family.",
    "mj-social": "It shows pictures from somebody's server: write links.",
    "mj-social-element": "It shows pictures from somebody's server: write links.",
}
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
PICTURES = frozenset({"mj-image", "mj-carousel-image", "img"})
REMEDY = "Mend the template, or remove it to use the one that ships with Publisher."

_LEFT_ALONE = 'data-css-inline="ignore"'
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_OTHERWISE = re.compile(r"\{%-? *(?:else|elif\b[^<>%]*?) *-?%\}[^<>]*?\{%-? *endif *-?%\}")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_VOID_TAG = re.compile(rf"<({'|'.join(sorted(VOID))})\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)/?>")


def faults(template: str, path: str) -> tuple[Problem, ...]:
    """Read an MJML template, or a part of one, before it is rendered.

    Found are tags left open, unknown elements and attributes, and pictures without alt texts. Jinja is blanked out
    with its lines kept, so that lines are the template's own; where it chooses between the attributes of a tag, the
    first choice is read.
    """
    blank = _JINJA.sub(_blank, _OTHERWISE.sub(_blank, template))
    reader = _Reader(path)
    reader.read(_VOID_TAG.sub(r"<\1\2/>", _NAMED.sub("&amp;", blank)))
    return tuple(reader.found)


class _Reader:
    """Reads MJML with its Jinja blanked out, and notes what is wrong with it."""

    def __init__(self, path: str) -> None:
        self.found: list[Problem] = []
        self._path = path
        self._open: list[tuple[str, int]] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, source: str) -> None:
        try:
            # parts have no root, or many: this one takes no line of its own
            self._parser.Parse(f"<part>{source}</part>", True)
        except expat.ExpatError as fault:
            words = expat.ErrorString(fault.code)
            self._note(fault.lineno, f"the tags do not match up ({words}){self._left_open()}", REMEDY)

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        self._open.append((tag, line))
        if tag.startswith("mj"):
            self._component(tag, attributes, line)
        if tag in PICTURES and "alt" not in attributes and not self._sets_defaults():
            self._note(
                line, f"<{tag}> has no alt text", 'Add alt="…" in words, or alt="" for a picture that only decorates.'
            )

    def _component(self, tag: str, attributes: Mapping[str, str], line: int) -> None:
        known = ATTRIBUTES.get(tag)
        if known is None:
            self._note(line, f"<{tag}> is no MJML component that can be used here", ELSEWHERE.get(tag, REMEDY))
            return
        for name in attributes.keys() - known:
            self._note(line, f"<{tag}> knows no attribute {name}", f"It knows: {', '.join(sorted(known)) or 'none'}.")

    def _end(self, _: str) -> None:
        self._open.pop()

    def _sets_defaults(self) -> bool:
        return any(tag == "mj-attributes" for tag, _ in self._open)

    def _left_open(self) -> str:
        if len(self._open) <= 1:
            return ""
        tag, line = self._open[-1]
        return f": <{tag}> of line {line} is open"

    def _note(self, line: int, message: str, remedy: str) -> None:
        self.found.append(error(self._path, line, message, remedy))


def to_html(mjml: str, css: str, bodies: Mapping[str, str], path: str) -> str:
    """Turn MJML into HTML with ``css`` inlined, and put each of ``bodies`` where its name stands.

    Bodies never meet the MJML parser, which is stricter than browsers. No address is fetched and none
    is added. Raises TemplateError, which names ``path``.
    """
    import css_inline  # noqa: PLC0415 - only a digest needs it
    import mjml as mjml_python  # noqa: PLC0415 - as above

    try:
        page = mjml_python.mjml2html(mjml, fonts={}, disable_comments=True, social_icon_origin="")
    except ValueError as fault:
        raise TemplateError(f"{path}: MJML refuses the template: {fault}", REMEDY) from fault
    for name, body in bodies.items():
        page = page.replace(escape(name), body)
    inliner = css_inline.CSSInliner(
        keep_style_tags=True,
        keep_at_rules=True,
        load_remote_stylesheets=False,
        extra_css=css,
    )
    # MJML's own style blocks are for the reader's program to read; only ours is inlined
    inlined = inliner.inline(page.replace("<style", f"<style {_LEFT_ALONE}"))
    return str(inlined).replace(f" {_LEFT_ALONE}", "")


def _blank(found: re.Match[str]) -> str:
    """Leave the lines, and after a statement a space: one may part attributes."""
    blank = " " if found.group().startswith("{%") else ""
    return blank + "\n" * found.group().count("\n")

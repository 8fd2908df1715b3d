"""MJML becomes the HTML of a mail: the one module that knows mjml-python and css-inline.

MJML passes unknown elements and names no line when a tag is left open, so templates are read here first.
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

# The components of MJML 4 that may stand in our templates. mj-include, mj-font and mj-social are
# missing on purpose: they reach for other files or for other people's servers.
ELEMENTS = frozenset(
    {
        "mjml",
        "mj-head",
        "mj-attributes",
        "mj-all",
        "mj-class",
        "mj-breakpoint",
        "mj-html-attributes",
        "mj-selector",
        "mj-html-attribute",
        "mj-preview",
        "mj-style",
        "mj-title",
        "mj-body",
        "mj-accordion",
        "mj-accordion-element",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-button",
        "mj-carousel",
        "mj-carousel-image",
        "mj-column",
        "mj-divider",
        "mj-group",
        "mj-hero",
        "mj-image",
        "mj-navbar",
        "mj-navbar-link",
        "mj-raw",
        "mj-section",
        "mj-spacer",
        "mj-table",
        "mj-text",
        "mj-wrapper",
    }
)
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
REMEDY = "Mend the template, or remove it to use the one that ships with Publisher."

_LEFT_ALONE = 'data-css-inline="ignore"'
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-fA-F]+);)")
_VOID_TAG = re.compile(rf"<({'|'.join(sorted(VOID))})\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)/?>")


def faults(template: str, path: str) -> tuple[Problem, ...]:
    """Read an MJML template before it is rendered: tags left open, unknown components, missing alt texts.

    Jinja is blanked out with its lines kept, so that lines are the template's own.
    """
    blank = _JINJA.sub(_blank, template)
    source = _VOID_TAG.sub(r"<\1\2/>", _NAMED.sub("&amp;", blank))
    found: list[Problem] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        line = parser.CurrentLineNumber
        if tag.startswith("mj") and tag not in ELEMENTS:
            found.append(error(path, line, f"<{tag}> is no MJML component that can be used here", REMEDY))
        if tag in {"mj-image", "img"} and "alt" not in attributes:
            say = 'Add alt="…" in words, or alt="" for a picture that only decorates.'
            found.append(error(path, line, f"<{tag}> has no alt text", say))

    parser.StartElementHandler = start
    try:
        parser.Parse(source, True)
    except expat.ExpatError as fault:
        words = expat.ErrorString(fault.code)
        found.append(error(path, fault.lineno, f"the tags do not match up ({words})", REMEDY))
    return tuple(found)


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
    return "\n" * found.group().count("\n")

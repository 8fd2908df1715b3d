"""An issue's content from its templates: subject, HTML and text that say the same.

Templates are looked up in the folders given, first hit wins. HTML stays below the size at which large
mailboxes cut a message off.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.errors import TemplateError
from publisher.mail import mjml_html
from publisher.mail.headers import one_line
from publisher.mail.plain_text import wrap
from publisher.mail.view import shorten, summarise
from publisher.model.issue import Content

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jinja2 import Environment

    from publisher.mail.view import EntryView, IssueView

MOST_BYTES = 95_000  # Gmail clips at 102 KB; links grow a little when they become personal
SUBJECT, HTML, TEXT, CSS = (
    "mail/issue.subject.j2",
    "mail/issue.mjml.j2",
    "mail/issue.txt.j2",
    "mail/issue.css",
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content, and in plain words what had to be left out to keep it deliverable (empty: nothing)."""

    content: Content
    warning: str = ""


class Templates:
    """The mail templates of one site, checked when they are first read."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raise TemplateError for a template with faults, all of them named with file and line."""
        self._environment = _environment(folders)
        source, self._path = self._source(HTML)
        self._css, _ = self._source(CSS)
        if found := mjml_html.faults(source, self._path):
            raise TemplateError("\n".join(str(problem) for problem in found))

    def render(self, view: IssueView) -> Rendered:
        """Render an issue; bodies give way to summaries, and summaries to titles, where it grows too large."""
        content = self._content(view)
        if _size(content) <= MOST_BYTES:
            return Rendered(content)
        brief = summarise(view)
        content = self._content(brief)
        if _size(content) <= MOST_BYTES:
            return Rendered(content, "the mail would be cut off by large mailboxes: summaries stand in for full text")
        shown, content = self._largest(brief)
        left = view.total - shown
        told = f"the mail would be cut off by large mailboxes: {left} of {view.total} entries are named by title only"
        return Rendered(content, told)

    def _largest(self, view: IssueView) -> tuple[int, Content]:
        """Find by halving how many entries fit."""
        fits, too_many = 0, len(view.entries)
        best = self._content(shorten(view, 0))
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            tried = self._content(shorten(view, middle))
            if _size(tried) <= MOST_BYTES:
                fits, best = middle, tried
            else:
                too_many = middle
        return fits, best

    def _content(self, view: IssueView) -> Content:
        marked, bodies = _with_markers(view)
        page = self._text(HTML, marked)
        html = mjml_html.to_html(page, self._css, bodies, self._path)
        return Content(one_line(self._text(SUBJECT, view)), html, _tidy(self._text(TEXT, view)))

    def _text(self, name: str, view: IssueView) -> str:
        try:
            return self._environment.get_template(name).render(issue=view)
        except Exception as fault:  # whatever Python can raise, a site's template may
            raise _told(fault, name) from fault

    def _source(self, name: str) -> tuple[str, str]:
        loader = self._environment.loader
        try:
            source, path, _ = loader.get_source(self._environment, name) if loader else ("", name, None)
        except Exception as fault:  # missing, unreadable or not UTF-8: told alike
            raise _told(fault, name) from fault
        return source, path or name


def _environment(folders: Sequence[Path]) -> Environment:
    import jinja2  # noqa: PLC0415 - 50 ms that most commands do without

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=jinja2.select_autoescape(enabled_extensions=("mjml.j2",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["wrapped"] = wrap
    made.filters["counted"] = counted
    return made


COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def counted(number: int) -> str:
    """Write a count the way prose does: in words up to twelve."""
    return COUNTS[number] if number < len(COUNTS) else str(number)


def _with_markers(view: IssueView) -> tuple[IssueView, dict[str, str]]:
    """Put a name in place of each whole body, one that no author can have written by chance."""
    seal = hashlib.sha256("".join(entry.html for entry in view.entries).encode()).hexdigest()[:16]
    bodies: dict[str, str] = {}
    entries: list[EntryView] = []
    for entry in view.entries:
        name = f"body-{entry.ordinal}-of-{seal}." if entry.html else ""
        bodies |= {name: entry.html} if name else {}
        entries.append(replace(entry, html=name))
    return replace(view, entries=tuple(entries)), bodies


def _size(content: Content) -> int:
    return len(content.html.encode())


def _tidy(text: str) -> str:
    """At most one empty line between paragraphs, no spaces at line ends, one newline at the end."""
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _told(fault: Exception, name: str) -> TemplateError:
    """Say in which file and line a template failed."""
    import jinja2  # noqa: PLC0415 - imported already by whoever failed

    path, line = name, 0
    if isinstance(fault, jinja2.TemplateSyntaxError):
        path, line = fault.filename or name, fault.lineno
    elif isinstance(fault, jinja2.TemplateNotFound):
        return TemplateError(f"there is no template named {fault.message}", mjml_html.REMEDY)
    else:
        path, line = _place(fault, name)
    place = f"{path}:{line}" if line else path
    return TemplateError(f"{place}: {str(fault) or type(fault).__name__}", mjml_html.REMEDY)


def _place(fault: BaseException, name: str) -> tuple[str, int]:
    """Find the innermost template line of a traceback; Jinja puts template files there."""
    path, line = name, 0
    step = fault.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            path, line = file, step.tb_lineno
        step = step.tb_next
    return path, line

"""Mail from its templates: subject, HTML and text that say the same.

Templates are looked up in the folders given, first hit wins; each kind of mail has one for its subject, one in MJML
and one for its text. HTML stays below the size at which large mailboxes cut a message off.
"""

from __future__ import annotations

import hashlib
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from publisher.errors import TemplateError
from publisher.mail import mjml_html
from publisher.mail.headers import one_line
from publisher.mail.plain_text import wrap
from publisher.mail.view import NAMED_AT_MOST, sample_issues, sample_letters, shorten, summarise
from publisher.model.issue import Content
from publisher.model.letter import LetterKind
from publisher.model.problem import Problem, error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from jinja2 import Environment, Undefined

    from publisher.mail.view import EntryView, IssueView, LetterView

    Given = Mapping[str, IssueView | LetterView]  # by the names that templates know them by

MOST_BYTES = 95_000  # Gmail clips at 102 KB; links grow a little when they become personal
ISSUE = "issue"
LETTERS = tuple(kind.value for kind in LetterKind)
CSS = "mail/style.css"
MJML = ".mjml.j2"


@dataclass(frozen=True, slots=True)
class Rendered:
    """Content, and in plain words what had to be left out to keep it deliverable (empty: nothing)."""

    content: Content
    warning: str = ""


class Templates:
    """The templates of some kinds of mail, checked when they are first read: an issue's, unless said otherwise."""

    def __init__(self, folders: Sequence[Path], kinds: Sequence[str] = (ISSUE,)) -> None:
        """Raise TemplateError for templates with faults, all of them named with file and line."""
        self._environment = _environment(folders)
        read = _Reading(self._environment)
        for kind in kinds:
            read.sound(_names(kind))
        if read.found:
            raise TemplateError("\n".join(str(problem) for problem in read.found))
        with _faults_told(CSS):
            self._css, _ = _source(self._environment, CSS)

    def render(self, view: IssueView) -> Rendered:
        """Render an issue; bodies give way to summaries, and summaries to titles, where it grows too large."""
        content = self._issue(view)
        if _size(content) <= MOST_BYTES:
            return Rendered(content)
        brief = summarise(view)
        content = self._issue(brief)
        if _size(content) <= MOST_BYTES:
            return Rendered(content, "the mail would be cut off by large mailboxes: summaries stand in for full text")
        shown, content = self._largest(brief)
        left = view.total - shown
        told = f"the mail would be cut off by large mailboxes: {left} of {view.total} entries are named by title only"
        if _size(content) > MOST_BYTES:
            told += ", and it is too large even so"
        return Rendered(content, told)

    def letter(self, kind: str, view: LetterView) -> Content:
        """Render a letter of one of the kinds that these templates are of."""
        given = {"letter": view, "mail": view}
        return self._content(kind, given, given, {})

    def _largest(self, view: IssueView) -> tuple[int, Content]:
        shown, content = self._fitting(partial(shorten, view), 0, len(view.entries))
        if _size(content) <= MOST_BYTES:
            return shown, content
        return 0, self._fitting(partial(shorten, view, 0), 1, NAMED_AT_MOST)[1]

    def _fitting(self, shortened: Callable[[int], IssueView], least: int, too_many: int) -> tuple[int, Content]:
        """Find by halving how many fit; ``least`` is what is shown in any case."""
        fits, best = least, self._issue(shortened(least))
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            tried = self._issue(shortened(middle))
            if _size(tried) <= MOST_BYTES:
                fits, best = middle, tried
            else:
                too_many = middle
        return fits, best

    def _issue(self, view: IssueView) -> Content:
        marked, bodies = _with_markers(view)
        return self._content(ISSUE, {"issue": view, "mail": view}, {"issue": marked, "mail": marked}, bodies)

    def _content(self, kind: str, given: Given, marked: Given, bodies: dict[str, str]) -> Content:
        subject, html, text = _names(kind)
        page = mjml_html.to_html(self._text(html, marked), self._css, bodies, html)
        return Content(one_line(self._text(subject, given)), page, _tidy(self._text(text, given)))

    def _text(self, name: str, given: Given) -> str:
        with _faults_told(name):
            return self._environment.get_template(name).render(given)


def check_templates(folders: Sequence[Path]) -> tuple[Problem, ...]:
    """Find the faults of all mail templates: what cannot be read, MJML that is none, names that nobody gives.

    Each kind of mail is rendered with sample values; a name is found wrong where these lead to it.
    """
    environment = _environment(folders)
    read = _Reading(environment)
    read.sound(sorted(name for name in environment.list_templates() if _is_template(name)))
    found = [*read.found]
    environment.undefined = _noting(found)
    for kind in (ISSUE, *LETTERS):
        for name in _names(kind):
            found += _tried(environment, kind, name, mjml=read.sound((name,)))
    return tuple(dict.fromkeys(found))


def _names(kind: str) -> tuple[str, str, str]:
    """Name the templates of a kind of mail: subject, HTML, text."""
    return f"mail/{kind}.subject.j2", f"mail/{kind}{MJML}", f"mail/{kind}.txt.j2"


def _is_template(name: str) -> bool:
    return name.startswith("mail/") and name.endswith(".j2") and "/." not in name  # not the hidden ones of editors


class _Reading:
    """Templates as they are read, with whatever they extend or include, each of them once."""

    def __init__(self, environment: Environment) -> None:
        self.found: list[Problem] = []
        self._environment = environment
        self._good: dict[str, bool] = {}

    def sound(self, names: Iterable[str]) -> bool:
        """Read templates, and tell whether none of them has a fault, nor has what they are made of."""
        faulty = [name for name in names if not self._read(name)]
        return not faulty

    def _read(self, name: str) -> bool:
        if name not in self._good:
            self._good[name] = True  # whoever includes itself is found out when it is rendered
            faults, parts = self._look(name)
            self.found += faults
            self._good[name] = self.sound(parts) and not faults
        return self._good[name]

    def _look(self, name: str) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
        """Give a template's own faults, and the names of its parts."""
        try:
            source, path = _source(self._environment, name)
            self._environment.get_template(name)
            parts = tuple(_parts(self._environment, source))
        except Exception as fault:  # noqa: BLE001 - unreadable, not UTF-8, no Jinja: told alike
            return (_told(fault, name),), ()
        known = {part for part, _ in parts if self._exists(part)}
        missing = tuple(
            error(path, line, f"there is no template named {part}", mjml_html.REMEDY)
            for part, line in parts
            if part not in known and line
        )
        faults = mjml_html.faults(source, path) if name.endswith(MJML) else ()
        return missing + faults, tuple(known)

    def _exists(self, name: str) -> bool:
        from jinja2 import TemplateNotFound  # noqa: PLC0415 - as in _environment

        try:
            _source(self._environment, name)
        except TemplateNotFound:
            return False
        except (OSError, UnicodeError):
            pass  # it is there, and is told when it is read
        return True


def _parts(environment: Environment, source: str) -> Iterator[tuple[str, int]]:
    """Name what a template extends, includes or imports, with the line; 0 where it may be missing."""
    from jinja2 import nodes  # noqa: PLC0415 - as in _environment

    for node in environment.parse(source).find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        named = getattr(node, "template", None)
        if isinstance(named, nodes.Const) and isinstance(named.value, str):
            yield named.value, 0 if getattr(node, "ignore_missing", False) else node.lineno


def _samples(kind: str) -> Iterator[Given]:
    if kind == ISSUE:
        yield from ({"issue": view, "mail": view} for view in sample_issues())
    else:
        yield from ({"letter": view, "mail": view} for view in sample_letters(kind))


def _tried(environment: Environment, kind: str, name: str, *, mjml: bool) -> Iterator[Problem]:
    """Render a template with each sample, and tell what stopped it. ``mjml``: MJML may be expected of it."""
    for given in _samples(kind):
        try:
            written = environment.get_template(name).render(given)
            if mjml and name.endswith(MJML):
                mjml_html.to_html(written, "", {}, name)
        except TemplateError as fault:
            yield error(name, 0, fault.message.removeprefix(f"{name}: "), fault.remedy)
        except Exception as fault:  # noqa: BLE001 - whatever Python can raise, a site's template may
            yield _told(fault, name)


def _noting(found: list[Problem]) -> type[Undefined]:
    """Make the value of names that nobody gives: noted where it is used, and nothing otherwise."""
    import jinja2  # noqa: PLC0415 - as in _environment

    class Noting(jinja2.ChainableUndefined):
        __slots__ = ()

        def _note(self) -> None:
            path, line = _template_at(inspect.currentframe())
            found.append(error(path, line, self._undefined_message, mjml_html.REMEDY))

        def __str__(self) -> str:
            self._note()
            return ""

        def __iter__(self) -> Iterator[object]:
            self._note()
            return iter(())

        def __bool__(self) -> bool:
            self._note()
            return False

        def __len__(self) -> int:
            self._note()
            return 0

    return Noting


def _template_at(frame: FrameType | None) -> tuple[str, int]:
    """Tell the file and line of the template that is being rendered."""
    while frame is not None:
        if template := frame.f_globals.get("__jinja_template__"):
            return template.filename, template.get_corresponding_lineno(frame.f_lineno)
        frame = frame.f_back
    return "", 0


def _environment(folders: Sequence[Path]) -> Environment:
    import jinja2  # noqa: PLC0415 - 50 ms that most commands do without

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=jinja2.select_autoescape(enabled_extensions=(MJML.lstrip("."),)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["wrapped"] = wrap
    made.filters["counted"] = counted
    return made


def _source(environment: Environment, name: str) -> tuple[str, str]:
    """Give a template's text and the path of its file."""
    source, path, _ = environment.loader.get_source(environment, name) if environment.loader else ("", name, None)
    return source, path or name


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


@contextmanager
def _faults_told(name: str) -> Iterator[None]:
    """Raise as a TemplateError whatever a template can raise."""
    try:
        yield
    except Exception as fault:  # whatever Python can raise, a site's template may
        raise TemplateError(str(_told(fault, name))) from fault


def _told(fault: Exception, name: str) -> Problem:
    """Say in which file and line a template failed."""
    import jinja2  # noqa: PLC0415 - imported already by whoever failed

    path, line = _place(fault, name)
    said = str(fault) or type(fault).__name__
    if isinstance(fault, jinja2.TemplateSyntaxError):
        path, line, said = fault.filename or name, fault.lineno, fault.message or said
    elif isinstance(fault, jinja2.TemplateNotFound):
        said = f"there is no template named {fault.name or fault.message}"
    elif isinstance(fault, UnicodeDecodeError):
        said = "it is not UTF-8"
    return error(path, line, said, mjml_html.REMEDY)


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

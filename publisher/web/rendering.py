"""The server's own pages, made from templates/web/: the site's templates first, then those that ship with Publisher."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from publisher.errors import TemplateError as Fault
from publisher.templating import search_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from publisher.model.settings import Settings

ENDS = ".html"


class WebPages:
    """The templates in effect for the site in ``folder``. Everything that is put into a page is escaped."""

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=_Templates(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=True,
        )

    def render(self, name: str, settings: Settings, **values: Any) -> str:
        """Make the page of ``templates/web/NAME``; every page knows what ``base.html`` names. Raises TemplateError."""
        try:
            template = self._environment.get_template(f"web/{name}")
            page = template.render({**_everywhere(settings), **values})
            page.encode()  # half a character cannot be sent
        except Exception as fault:  # a template may divide by zero, call what is no function, or be no text at all
            words = str(fault) if isinstance(fault, TemplateError) else f"{type(fault).__name__}: {fault}"
            where = _place(fault) or f"templates/web/{name}"
            raise Fault(f"{where}: {words}", "Mend the template, or remove it to use the shipped one.") from fault
        return page


def _everywhere(settings: Settings) -> dict[str, Any]:
    return {
        "site": settings.site,
        "web": web_root(settings),
        "has_archive": any(digest.archive for digest in settings.digests),
    }


class _Templates(FileSystemLoader):
    """The site's templates before those that ship with Publisher, also where one comes or goes while we serve."""

    def __init__(self, folder: Path) -> None:
        super().__init__([str(path) for path in search_path(folder)])

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Read a template, and tell how to find out whether it is still the one to be used."""
        source, file, is_unchanged = super().get_source(environment, template)
        return source, file, lambda: self._first(template) == file and is_unchanged()

    def _first(self, template: str) -> str:
        places = (f"{folder}/{template}" for folder in self.searchpath)
        return next((place for place in places if os.path.isfile(place)), "")  # noqa: PTH113 - as Jinja2 names them


def _place(fault: Exception) -> str:
    """The file and line of a template in which something went wrong; empty if that was in none."""
    if isinstance(fault, TemplateSyntaxError):
        return f"{fault.filename or fault.name}:{fault.lineno}"
    frames = traceback.extract_tb(fault.__traceback__)  # Jinja2 has put the lines of templates into it
    inside = [f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename.endswith(ENDS)]
    return inside[-1] if inside else ""


def web_root(settings: Settings) -> str:
    """The path below which the server's own pages lie: that of [web] public_url, ``/`` by default; ends in a slash."""
    return urlsplit(settings.web.public_url).path or "/"

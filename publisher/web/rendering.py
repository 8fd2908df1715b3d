"""The server's own pages, made from templates/web/: the site's templates first, then those that ship with Publisher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from publisher.errors import TemplateError as Fault
from publisher.templating import search_path

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.model.settings import Settings


class WebPages:
    """The templates in effect for the site in ``folder``. Everything that is put into a page is escaped."""

    def __init__(self, folder: Path) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([str(path) for path in search_path(folder)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=True,
        )

    def render(self, name: str, settings: Settings, **values: Any) -> str:
        """Make the page of ``templates/web/NAME``; every page knows ``site`` and ``web``. Raises TemplateError."""
        try:
            template = self._environment.get_template(f"web/{name}")
            return template.render(site=settings.site, web=web_root(settings), **values)
        except TemplateError as fault:
            where = getattr(fault, "filename", "") or f"templates/web/{name}"
            line = getattr(fault, "lineno", 0) or 0
            raise Fault(
                f"{where}:{line}: {fault}", "Mend the template, or remove it to use the shipped one."
            ) from fault


def web_root(settings: Settings) -> str:
    """The path below which the server's own pages lie: that of [web] public_url, ``/`` by default; ends in a slash."""
    return urlsplit(settings.web.public_url).path or "/"

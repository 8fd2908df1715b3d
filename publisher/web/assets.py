"""What our own pages look like, and the one script that moves any of them: files of templates/web/.

The site's own stand before those that ship with Publisher.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from publisher.errors import TemplateError
from publisher.templating import search_path
from publisher.web.kept import kept
from publisher.web.media_types import media_type

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from publisher.web.context import Context

FILES = ("web.css", "admin.js")
KEPT = "public, max-age=3600"


def routes(context: Context) -> list[BaseRoute]:
    """The routes below /assets/."""
    return [Route(f"/assets/{name}", partial(give, context.folder, name)) for name in FILES]


def give(site: Path, name: str, request: Request) -> Response:
    """Give one of them. Raises TemplateError if it is nowhere."""
    for folder in search_path(site):
        path = folder / "web" / name
        try:
            with path.open("rb") as stream:
                content, changed = stream.read(), int(os.fstat(stream.fileno()).st_mtime)
        except FileNotFoundError:
            continue
        except OSError as fault:
            raise TemplateError(f"{path} cannot be read: {fault.strerror}", "Make it readable for us.") from fault
        return kept(request.scope, content, media_type(name, content).name.decode(), changed, KEPT)
    raise TemplateError(f"templates/web/{name} is missing", "Install Publisher again.")

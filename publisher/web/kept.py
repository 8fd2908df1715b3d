"""Answers of ours that anybody may keep: past issues, and what our pages look like.

They are given as the files of the output are (answers.py): with an entity tag, and compressed for those who take that.
Nothing else of ours is compressed: how small a page becomes that holds a token and what somebody typed would tell what
the token is (BREACH).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from publisher.web.answers import Request, answer_with
from publisher.web.documents import Document, content_tag
from publisher.web.media_types import MediaType

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from publisher.web.answers import Answer

_ABOUT_IT = frozenset({200, 304})  # other answers are about the request


def asked(scope: Scope) -> Request:
    """The request as the output's answers want it."""
    return Request(scope["method"].encode(), scope["raw_path"], scope["headers"])


def response(found: Answer) -> Response:
    """An answer of the output as a response."""
    made = Response(found.body) if isinstance(found.body, bytes) else StreamingResponse(found.body.pieces())
    made.status_code = found.status
    made.raw_headers = list(found.headers)
    return made


class Seen:
    """Since when what is made for each path is what it is, as far as this process has seen. For every thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, int]] = {}

    def since(self, path: str, content: bytes, now: float) -> int:
        """Tell it, in seconds of the epoch. ``path`` is of something that there is: nothing is ever forgotten."""
        tag = content_tag(content)
        known, since = self._known.get(path, (b"", 0))
        if known != tag:
            since = int(now)
            self._known[path] = (tag, since)
        return since


def kept(
    scope: Scope, content: bytes, media_type: str, since: int, keeping: str, now: Callable[[], float] = time.time
) -> Response:
    """Answer a GET or HEAD with a text. ``keeping`` is its Cache-Control.

    ``since`` is when it became what it is, ``now`` gives the present, in seconds of the epoch.
    """
    kind = MediaType(media_type.encode("ascii"), is_text=True)
    document = Document(scope["raw_path"], kind, content, content_tag(content), min(since, int(now())))
    found = answer_with(document, asked(scope), now)
    if found is None:  # only what lies in a file can be gone
        raise AssertionError(document.path)
    made = response(found)
    del made.headers["referrer-policy"]  # that of our pages is stricter than the author's own
    if found.status in _ABOUT_IT:
        made.headers["Cache-Control"] = keeping
    return made

"""What is wrong with a request, as all of our JSON says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_json(
    status: int, error: str, remedy: str = "", *, field: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Say it in words. ``field`` names the part of the body that is at fault, if one is."""
    return JSONResponse({"error": error, "remedy": remedy, "field": field}, status, headers)

"""What is wrong with a request, as all of our JSON says it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping


def as_json(
    status: int, error: str, remedy: str = "", *, field: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Say it in words. ``field`` names the part of the body that is at fault, if one is."""
    return JSONResponse({"error": error, "remedy": remedy, "field": field}, status, headers)


@dataclass(eq=False)
class Refusal(Exception):
    """What keeps a request from being answered, as the answer tells it. ``field`` is the one at fault, if one is."""

    status: int
    error: str
    remedy: str = ""
    field: str = ""
    seconds: float = 0  # to wait

    def response(self) -> JSONResponse:
        """The answer."""
        headers = {"Retry-After": str(ceil(self.seconds))} if self.seconds else None
        return as_json(self.status, self.error, self.remedy, field=self.field, headers=headers)

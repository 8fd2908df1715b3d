"""The bodies of requests below /api/: objects of known keys, in JSON (RFC 8259)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from publisher.web.faults import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.web.asking import Asked


def read_object(asked: Asked, kinds: Mapping[str, type], needed: set[str]) -> dict[str, Any]:
    """Read a body that is an object of known keys, each of its kind. Raises Refusal."""
    given = _json(asked)
    for name in sorted(needed - given.keys()):
        raise Refusal(422, f"{name} is missing.", field=name)
    for name, value in given.items():
        if name not in kinds:
            known = f"Known are: {', '.join(kinds)}." if kinds else "None is known."
            raise Refusal(422, "There is an unknown key.", known)
        if not isinstance(value, kinds[name]):
            raise Refusal(422, f"{name} is not {'a text' if kinds[name] is str else 'an object'}.", field=name)
    return given


def read_nothing(asked: Asked) -> None:
    """Take a request that needs no body; an empty object will do. Raises Refusal."""
    if asked.body:
        read_object(asked, {}, set())


def _json(asked: Asked) -> dict[str, Any]:
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "The body is no JSON.", "Send it as application/json.")
    try:
        given = json.loads(asked.body.decode("utf-8"), parse_constant=_no_number)
        json.dumps(given, ensure_ascii=False).encode("utf-8")  # half a character, which cannot be written anywhere
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is no JSON.", "See RFC 8259.") from None
    if not isinstance(given, dict):
        raise Refusal(422, "The body is no object.")
    return given


def _no_number(name: str) -> float:
    raise ValueError(name)

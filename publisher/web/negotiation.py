"""Which content coding a client takes (RFC 9110, sections 8.4.1 and 12.5.3).

Ours are br, gzip and identity, liked in this order where a client likes them equally. Identity is taken by everybody
who does not refuse it, but comes after what a client names, unless it names that too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Coding = Literal["br", "gzip", "identity"]

BR: Coding = "br"
GZIP: Coding = "gzip"
IDENTITY: Coding = "identity"
ONLY_IDENTITY: tuple[Coding, ...] = (IDENTITY,)

_OURS = (BR, GZIP, IDENTITY)
_SPELLINGS = {"br": "br", "gzip": "gzip", "x-gzip": "gzip", "identity": "identity", "*": "*"}
_ELEMENT = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*(\d?\.?\d{0,9})0*\s*)?")
_UNNAMED = 1e-10  # below any weight that can be written


@lru_cache(maxsize=256)
def preferred(value: bytes | None) -> tuple[Coding, ...]:
    """The codings that an Accept-Encoding allows, the best first; none of those that it refuses.

    No header, or an empty one, asks for nothing: identity. An element that cannot be read is as if it were not there.
    """
    if value is None or not value.strip():
        return ONLY_IDENTITY
    weights = _weights(value.decode("latin-1").lower())
    rest = weights.get("*")
    weights.setdefault(IDENTITY, _UNNAMED if rest is None else rest)
    weighed = [(weights.get(coding, rest or 0.0), coding) for coding in _OURS]
    taken = [(weight, coding) for weight, coding in weighed if weight > 0]
    return tuple(coding for _, coding in sorted(taken, key=lambda pair: -pair[0]))


def _weights(value: str) -> dict[str, float]:
    """What a client says of each coding, from 0 to 1. Said twice, the greater counts, but a refusal above all."""
    weights: dict[str, float] = {}
    for element in value.split(","):
        found = _ELEMENT.fullmatch(element)
        name = _SPELLINGS.get(found[1]) if found else None
        weight = _weight(found[2]) if found else None
        if name is None or weight is None:
            continue
        known = weights.get(name, weight)
        weights[name] = 0.0 if min(known, weight) == 0 else max(known, weight)
    return weights


def _weight(text: str | None) -> float | None:
    if text is None:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if weight <= 1 else None

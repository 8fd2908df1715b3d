"""Rendered bodies and problems in the shapes in which the build state keeps them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from publisher.model.entry import Body, Enclosure, Image
from publisher.model.problem import Level, Problem
from publisher.output.state import BodyText, SpoiltState, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable


def digest_of(data: bytes) -> str:
    """A short digest: enough to tell one version of a file or text from another."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def text_of(body: Body) -> BodyText:
    """A body as the build state keeps it."""
    image, enclosure = body.image, body.enclosure
    media = ""
    if image or enclosure:
        media = json.dumps(
            [
                [image.url, image.alt] if image else None,
                [enclosure.url, enclosure.media_type, enclosure.length] if enclosure else None,
            ]
        )
    return BodyText(body.html, None if body.feed_html == body.html else body.feed_html, body.summary, media)


def body_of(text: BodyText) -> Body:
    """The body that ``text_of`` was given."""
    try:
        image, enclosure = decoded(text.media) if text.media else (None, None)
        return Body(
            text.html,
            text.html if text.feed_html is None else text.feed_html,
            text.summary,
            Image(*image) if image else None,
            Enclosure(*enclosure) if enclosure else None,
        )
    except (TypeError, ValueError) as fault:
        raise SpoiltState(str(fault)) from None


def digest_of_text(text: BodyText) -> str:
    """A digest of everything in a body."""
    return digest_of("\0".join((text.html, text.feed_html or "", text.summary, text.media)).encode())


def encode_problems(problems: Iterable[Problem]) -> str:
    """Problems as JSON; empty text for none."""
    rows = [[one.level.value, one.path, one.line, one.message, one.remedy] for one in problems]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def decode_problems(text: str) -> tuple[Problem, ...]:
    """What ``encode_problems`` was given."""
    try:
        return tuple(Problem(Level(row[0]), *row[1:]) for row in decoded(text)) if text else ()
    except (TypeError, ValueError, LookupError) as fault:
        raise SpoiltState(str(fault)) from None

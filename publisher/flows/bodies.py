"""Rendered bodies and problems as JSON text, the shape in which the build state keeps them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from publisher.model.entry import Body, Enclosure, Image
from publisher.model.problem import Level, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable


def digest_of(data: bytes) -> str:
    """A short digest: enough to tell one version of a file or text from another."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def encode_body(body: Body) -> str:
    """A body as JSON."""
    image, enclosure = body.image, body.enclosure
    return json.dumps(
        [
            body.html,
            None if body.feed_html == body.html else body.feed_html,
            body.summary,
            [image.url, image.alt] if image else None,
            [enclosure.url, enclosure.media_type, enclosure.length] if enclosure else None,
        ],
        ensure_ascii=False,
    )


def decode_body(text: str) -> Body:
    """What ``encode_body`` was given."""
    html, feed_html, summary, image, enclosure = json.loads(text)
    return Body(
        html,
        html if feed_html is None else feed_html,
        summary,
        Image(*image) if image else None,
        Enclosure(*enclosure) if enclosure else None,
    )


def encode_problems(problems: Iterable[Problem]) -> str:
    """Problems as JSON; empty text for none."""
    rows = [[one.level.value, one.path, one.line, one.message, one.remedy] for one in problems]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


def decode_problems(text: str) -> tuple[Problem, ...]:
    """What ``encode_problems`` was given."""
    return tuple(Problem(Level(row[0]), *row[1:]) for row in json.loads(text)) if text else ()

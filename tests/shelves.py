"""Shelves for tests, made of bytes without a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.web.documents import Document, content_tag
from publisher.web.media_types import media_type
from publisher.web.shelf import Shelf, address_of, root_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MODIFIED = 1_763_640_000  # Thu, 20 Nov 2025 12:00:00 GMT


def a_document(name: str, content: bytes, base_path: str = "/", modified: int = MODIFIED) -> Document:
    """A document in memory, as if it lay at ``name`` in the output."""
    return Document(
        path=address_of(name, root_of(base_path)),
        kind=media_type(name, content),
        content=content,
        tag=content_tag(content),
        modified=modified,
    )


def a_shelf(files: Mapping[str, bytes], moved: Mapping[bytes, bytes] | None = None, base_path: str = "/") -> Shelf:
    """A shelf of such documents; ``moved`` are former addresses and where they lead."""
    documents = {name: a_document(name, content, base_path) for name, content in files.items()}
    return Shelf.of(documents, moved or {}, base_path)

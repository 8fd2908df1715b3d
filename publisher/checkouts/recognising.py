"""Whose checkout a folder is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from publisher.checkouts import eleventy, hugo, jekyll, pelican, zola
from publisher.checkouts.files import Files

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.checkouts.checkout import Checkout


class _Generator(NamedTuple):
    recognise: Callable[[Files], bool]
    read: Callable[[Files], Checkout]


# The plainest marks first: a config.toml may be anybody's.
_GENERATORS = (
    _Generator(eleventy.recognise, eleventy.read),
    _Generator(pelican.recognise, pelican.read),
    _Generator(jekyll.recognise, jekyll.read),
    _Generator(zola.recognise, zola.read),
    _Generator(hugo.recognise, hugo.read),
)


def recognise(folder: str) -> Checkout | None:
    """What a generator's checkout says of its site; None where no generator's files are."""
    for one in _GENERATORS:
        if one.recognise(Files(folder)):
            return one.read(Files(folder))
    return None

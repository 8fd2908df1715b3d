"""What was taken away is answered with 410, once nothing else is found at its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.web.answers import Request, answer, not_found
from publisher.web.shelf import Shelf, read_gone
from tests.shelves import a_document

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = b"<!doctype html><title>x</title>"
NOT_FOUND = b"<!doctype html><title>Nothing here</title>"


def a_shelf(*gone: bytes, base_path: str = "/", files: Mapping[str, bytes] | None = None) -> Shelf:
    made = {name: a_document(name, content, base_path) for name, content in (files or {}).items()}
    return Shelf.of(made, {}, base_path, frozenset(gone))


@pytest.mark.parametrize("path", [b"/old/", b"/old", b"/o%6Cd/", b"/old/?utm=1"])
def test_what_was_taken_away_is_gone_however_it_is_asked_for(path: bytes) -> None:
    shelf = a_shelf(b"/old/")
    request = Request(b"GET", path)
    assert answer(shelf, request) is None
    said = not_found(shelf, request)
    assert (said.status, said.body) == (410, b"What was here was taken away.\n")
    assert dict(said.headers)[b"cache-control"] == b"no-cache"


@pytest.mark.parametrize("path", [b"/", b"/older/", b"/old/x", b"/x/old/", b"/old%2F", b"/old//", b"/./old/", b"\xff"])
def test_nothing_else_is_gone(path: bytes) -> None:
    assert not_found(a_shelf(b"/old/"), Request(b"GET", path)).status == 404


def test_a_head_is_answered_without_a_body() -> None:
    said = not_found(a_shelf(b"/old/"), Request(b"HEAD", b"/old/"))
    assert (said.status, said.body) == (410, b"")
    assert int(dict(said.headers)[b"content-length"]) > 0


def test_it_is_said_with_the_sites_own_page() -> None:
    said = not_found(a_shelf(b"/old/", files={"404.html": NOT_FOUND}), Request(b"GET", b"/old/"))
    assert (said.status, said.body) == (410, NOT_FOUND)


def test_what_stands_at_the_address_comes_first() -> None:
    said = answer(a_shelf(b"/old/", files={"old/index.html": PAGE}), Request(b"GET", b"/old/"))
    assert said is not None
    assert said.status == 200


def test_it_is_gone_below_the_base_and_below_the_root() -> None:
    shelf = a_shelf(b"/my%20blog/old/", base_path="/my%20blog")
    for path in (b"/my%20blog/old/", b"/m%79%20blog/old", b"/old/"):
        assert not_found(shelf, Request(b"GET", path)).status == 410


def test_lines_that_are_no_addresses_of_the_site_are_left_out() -> None:
    lines = (
        "/blog/old/",
        "/blog/o%6Cder\r",
        "/blog/é",
        "/outside/",
        "/blog/../x",
        "/blog/a%2Fb",
        "# nothing",
        "",
        "\0",
    )
    assert read_gone("\n".join(lines), b"/blog/") == {b"/blog/old/", b"/blog/older", b"/blog/%C3%A9"}

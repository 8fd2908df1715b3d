"""Which content coding is chosen."""

from __future__ import annotations

import pytest

from publisher.web.negotiation import preferred


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        (None, "identity"),
        (b"", "identity"),
        (b"  ", "identity"),
        (b"gzip", "gzip identity"),
        (b"gzip, deflate", "gzip identity"),
        (b"gzip, deflate, br, zstd", "br gzip identity"),
        (b"br;q=0.5, gzip", "gzip br identity"),
        (b"gzip;q=0.8, br;q=0.8", "br gzip identity"),
        (b"GZip ; Q=1.0", "gzip identity"),
        (b"x-gzip", "gzip identity"),
        (b"*", "br gzip identity"),
        (b"*;q=0.1", "br gzip identity"),
        (b"gzip, *;q=0", "gzip"),
        (b"*;q=0", ""),
        (b"identity;q=0", ""),
        (b"gzip, identity;q=0", "gzip"),
        (b"identity;q=0, *", "br gzip"),
        (b"identity", "identity"),
        (b"identity, gzip;q=0.5", "identity gzip"),
        (b"identity;q=0.5, gzip;q=0.5", "gzip identity"),
        (b"br;q=0, *", "gzip identity"),
        (b"gzip;q=0", "identity"),
        (b"gzip;q=0.000", "identity"),
        (b"gzip;q=0.0000000000000000", "identity"),
        (b"gzip;q=0, gzip", "identity"),
        (b"gzip, x-gzip;q=0", "identity"),
        (b"gzip;q=0.001", "gzip identity"),
        (b"gzip;q=1.", "gzip identity"),
        (b"gzip;q=2", "identity"),
        (b"gzip;q=abc, br", "br identity"),
        (b"gzip;q=, br", "br identity"),
        (b"gzip;q=., br", "br identity"),
        (b"gzip;q=-1", "identity"),
        (b"gzip;level=9", "identity"),
        (b",, ;, gzip ,", "gzip identity"),
        (b"deflate", "identity"),
        (b"\xff\x00;q=\xe9", "identity"),
        (b"gzip br", "identity"),
    ],
)
def test_codings_in_the_order_they_are_liked(value: bytes | None, codings: str) -> None:
    assert preferred(value) == tuple(codings.split())

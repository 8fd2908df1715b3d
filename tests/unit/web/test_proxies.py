"""Whose word about a client counts, and what is made of it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.web.proxies import LOCAL, Proxied, network_of, read_address, seen_through

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

NETWORKS = tuple(ip_network(network) for network in ("127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"))
PROXY = "127.0.0.1"


def seen(peer: str, **headers: str) -> tuple[str, str]:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return seen_through(peer, "http", pairs, NETWORKS)


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("made up, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("203.0.113.9, 10.1.2.3, 2001:db8:1::5, 127.0.0.1", "203.0.113.9"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("::ffff:10.1.1.1", "10.1.1.1"),
        ("", PROXY),
        ("unknown", PROXY),
        ("203.0.113.9, unknown", PROXY),
        ("203.0.113.9,", PROXY),
        ("203.0.113.900", PROXY),
        ("0203.0.113.9", PROXY),
        ("203.0.113.9:http", PROXY),
        ("[2001:db8::7", PROXY),
        ("[2001:db8::7]x", PROXY),
        ("1.2.3.4'; drop table", PROXY),
        ("203.0.113.9, " * 63 + "10.0.0.1", "203.0.113.9"),
        ("203.0.113.9, " + "10.0.0.1, " * 99 + "10.0.0.2", "10.0.0.1"),
    ],
)
def test_lists_are_walked_from_the_right_past_trusted_hops(told: str, client: str) -> None:
    assert seen(PROXY, x_forwarded_for=told) == (client, "http")


@pytest.mark.parametrize(
    ("told", "client"),
    [
        ("for=203.0.113.9", ("203.0.113.9", "http")),
        ("For=203.0.113.9;proto=https;by=203.0.113.43", ("203.0.113.9", "https")),
        ('for="203.0.113.9:4711"; Proto="HTTPS"', ("203.0.113.9", "https")),
        ('for="[2001:db8::7]:4711"', ("2001:db8::7", "http")),
        (r'for="203.0.113\.9"', ("203.0.113.9", "http")),
        ("for=198.51.100.1;proto=http, for=203.0.113.9;proto=https", ("203.0.113.9", "https")),
        ('for="_a,b;c", for=203.0.113.9, for=10.1.2.3', ("203.0.113.9", "http")),
        ("for=unknown", (PROXY, "http")),
        ("for=_hidden", (PROXY, "http")),
        ("by=203.0.113.9", (PROXY, "http")),
        ("for=203.0.113.9, by=10.0.0.1", (PROXY, "http")),
        ("for=203.0.113.9 proto=https", (PROXY, "http")),
        ('for="203.0.113.9', (PROXY, "http")),
        (",;,", (PROXY, "http")),
        ("", (PROXY, "http")),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(told: str, client: tuple[str, str]) -> None:
    assert seen(PROXY, forwarded=told) == client


def test_a_peer_that_is_no_proxy_speaks_for_itself_alone() -> None:
    told = {
        "x_forwarded_for": "1.2.3.4",
        "x_real_ip": "1.2.3.4",
        "forwarded": "for=1.2.3.4",
        "x_forwarded_proto": "https",
    }
    assert seen("203.0.113.9", **told) == ("203.0.113.9", "http")
    assert seen("testclient", **told) == ("testclient", "http")
    assert seen("2001:db8:2::1", **told) == ("2001:db8:2::1", "http")


def test_a_peer_is_known_by_any_of_its_names() -> None:
    assert seen("::ffff:127.0.0.1", x_real_ip="203.0.113.9") == ("203.0.113.9", "http")
    assert seen("::ffff:127.0.0.1") == (PROXY, "http")
    assert seen("2001:0db8:0001::9", x_real_ip="203.0.113.9") == ("203.0.113.9", "http")


def test_a_socket_in_the_file_system_has_a_proxy_behind_it_or_nobody() -> None:
    assert seen("") == ("", "http")
    assert seen("", x_forwarded_for="203.0.113.9", x_forwarded_proto="https") == ("203.0.113.9", "https")


def test_headers_that_contradict_each_other_were_not_all_set_by_the_proxy() -> None:
    assert seen(PROXY, x_real_ip="203.0.113.9", x_forwarded_for="1.2.3.4") == (PROXY, "http")
    assert seen(PROXY, forwarded="for=203.0.113.9", x_forwarded_for="1.2.3.4") == (PROXY, "http")
    assert seen(PROXY, x_real_ip="203.0.113.9", x_forwarded_for="1.2.3.4, 203.0.113.9") == ("203.0.113.9", "http")
    assert seen(PROXY, x_real_ip="10.1.1.1", x_forwarded_for="203.0.113.9, 10.1.1.1") == ("203.0.113.9", "http")


def test_headers_that_come_twice_are_one_list() -> None:
    pairs = [(b"x-forwarded-for", b"1.2.3.4"), (b"host", b"a"), (b"x-forwarded-for", b"203.0.113.9")]
    assert seen_through(PROXY, "http", pairs, NETWORKS) == ("203.0.113.9", "http")
    pairs = [(b"x-real-ip", b"1.2.3.4"), (b"x-real-ip", b"203.0.113.9")]
    assert seen_through(PROXY, "http", pairs, NETWORKS) == ("203.0.113.9", "http")


@pytest.mark.parametrize(
    ("told", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("gopher", "http"),
        ("", "http"),
    ],
)
def test_the_nearest_proxy_tells_the_scheme(told: str, scheme: str) -> None:
    assert seen(PROXY, x_forwarded_proto=told) == (PROXY, scheme)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("", LOCAL),
        (None, LOCAL),
        ("testclient", LOCAL),
    ],
)
def test_neighbours_are_counted_together(address: str | None, network: str) -> None:
    assert network_of(address) == network


def through(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope as the application sees it."""
    passed: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        passed.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    call = Proxied(app, ["127.0.0.1", "10.0.0.0/8"])(scope, nothing, nothing)
    with pytest.raises(StopIteration):
        call.send(None)
    return dict(passed[0])


def test_the_application_sees_the_client() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")]
    base = {"type": "http", "scheme": "http"}
    assert through({**base, "headers": headers, "client": ("10.1.1.1", 5)})["client"] == ("203.0.113.9", 0)
    assert through({**base, "headers": headers, "client": ("10.1.1.1", 5)})["scheme"] == "https"
    assert through({**base, "headers": headers, "client": ("11.1.1.1", 5)})["client"] == ("11.1.1.1", 5)
    assert through({**base, "headers": [], "client": None})["client"] is None
    assert through({"type": "lifespan"}) == {"type": "lifespan"}


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-forwarded-proto", b"host"]),
        st.one_of(
            st.binary(max_size=60),
            st.text('for=proto;," []:.%0123456789abcdef\\_\t\x85²', max_size=60).map(
                lambda text: text.encode("latin-1")
            ),
            st.lists(ADDRESSES.map(str), max_size=5).map(lambda hops: ", ".join(hops).encode()),
            st.lists(ADDRESSES.map(lambda hop: f'for="[{hop}]"'), max_size=5).map(
                lambda hops: ", ".join(hops).encode()
            ),
        ),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(st.one_of(ADDRESSES.map(str), st.just(""), st.text(max_size=20)), HEADERS)
def test_whatever_is_said_gives_an_address_or_the_peer(peer: str, headers: list[tuple[bytes, bytes]]) -> None:
    address, scheme = seen_through(peer, "http", headers, NETWORKS)
    assert address == peer or str(ip_address(address)) == address
    assert scheme in {"http", "https"}
    assert "/" in network_of(address) or network_of(address) == LOCAL


@settings(deadline=None)
@given(
    ADDRESSES, st.binary(max_size=40), st.lists(st.sampled_from(["10.0.0.1", "127.0.0.1", "2001:db8:1::2"]), max_size=3)
)
def test_nothing_that_a_client_makes_up_moves_its_address(client: Any, invented: bytes, hops: list[str]) -> None:
    written = ", ".join([str(client), *hops]).encode()
    honest = seen_through(PROXY, "http", [(b"x-forwarded-for", written)], NETWORKS)
    forged = seen_through(PROXY, "http", [(b"x-forwarded-for", invented + b", " + written)], NETWORKS)
    if not any(client in network for network in NETWORKS):
        assert honest == forged


@settings(deadline=None)
@given(st.text())
def test_what_is_read_as_an_address_is_one(text: str) -> None:
    found = read_address(text)
    assert found is None or ip_address(str(found)) == found

"""Who asks, and by what scheme, when proxies stand between: told by headers that only configured proxies may set.

The lists are walked from the right, since each proxy appends whom it heard: trusted hops are passed over, and the
first address beyond them is the client. What is to its left the client may have made up. Headers that say different
things were not all set by our proxy, so none of them is believed: the peer stands for such a client.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from starlette.types import ASGIApp, Receive, Scope, Send

    Address = IPv4Address | IPv6Address
    Networks = Sequence[IPv4Network | IPv6Network]
    Headers = Iterable[tuple[bytes, bytes]]  # names in lower case

LOCAL = "local"
_PREFIXES = {4: 24, 6: 48}  # what one customer of a provider holds at most, roughly
_FORWARDED, _FOR, _REAL, _PROTO = b"forwarded", b"x-forwarded-for", b"x-real-ip", b"x-forwarded-proto"
_NAMES = frozenset({_FORWARDED, _FOR, _REAL, _PROTO})
_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~\w-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]+)\s*', re.ASCII)
_MOST = 64  # hops that are looked at


class Proxied:
    """ASGI: puts the client's address and scheme into the scope. ``networks`` are those of [web] trusted_proxies.

    A peer without an address came over a socket in the file system, whose folder says who may: it is believed.
    """

    def __init__(self, app: ASGIApp, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on the request, with its sender put right."""
        if scope["type"] == "http":
            peer, port = scope.get("client") or ("", 0)
            address, scheme = seen_through(peer, scope["scheme"], scope["headers"], self._networks)
            scope["client"] = (address, port if address == peer else 0) if address else None
            scope["scheme"] = scheme
        await self._app(scope, receive, send)


def seen_through(peer: str, scheme: str, headers: Headers, networks: Networks) -> tuple[str, str]:
    """Tell the address of the client and its scheme; ``peer`` is who is connected, "" for one without an address."""
    nearest = read_address(peer)
    plain = str(nearest) if nearest else peer
    if peer and not (nearest and _trusted(nearest, networks)):
        return plain, scheme
    said: dict[bytes, list[str]] = {}
    for name, value in headers:
        if name in _NAMES:
            said.setdefault(name, []).append(value.decode("latin-1"))
    if not said:
        return plain, scheme
    elements = _elements(",".join(said.get(_FORWARDED, ())))
    return _client(said, elements, networks) or plain, _scheme(said, elements) or scheme


def network_of(address: str | None) -> str:
    """Tell the network that an address is counted with: /24 or /48; "local" for one that is no IP address."""
    found = read_address(address or "")
    return str(ip_network((found, _PREFIXES[found.version]), strict=False)) if found else LOCAL


def read_address(text: str) -> Address | None:
    """An address with or without port, brackets and zone; one of IPv4 inside IPv6 as what it is."""
    text = text.strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or not _port(port):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _port(f":{port}"):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())


def _client(said: dict[bytes, list[str]], elements: list[dict[str, str]], networks: Networks) -> str:
    """Walk each of the lists; "" where one is garbage, or where they do not agree."""
    lists = []
    if _FOR in said:
        lists.append(",".join(said[_FOR]).split(","))
    if _FORWARDED in said:
        lists.append([element.get("for", "") for element in elements])
    if _REAL in said:
        lists.append(said[_REAL])
    found = {_walked(hops, networks) for hops in lists}
    if len(found) > 1 and _REAL in said:  # where there are two proxies, the inner one means the outer one
        found -= {hop for hop in found if hop and _trusted(ip_address(hop), networks)}
    return found.pop() if len(found) == 1 else ""


def _walked(hops: Sequence[str], networks: Networks) -> str:
    furthest = ""
    for hop in reversed(hops[-_MOST:]):
        address = read_address(hop)
        if address is None:
            return ""
        furthest = str(address)
        if not _trusted(address, networks):
            break
    return furthest


def _scheme(said: dict[bytes, list[str]], elements: list[dict[str, str]]) -> str:
    """What the nearest proxy says."""
    told = said.get(_PROTO) or [elements[-1].get("proto", "")]
    last = told[-1].rpartition(",")[2].strip().lower()
    return last if last in {"http", "https"} else ""


def _elements(text: str) -> list[dict[str, str]]:
    """The elements of Forwarded (RFC 7239, 4), names in lower case, values without quotes; a broken one is empty."""
    elements: list[dict[str, str]] = [{}]
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found:
            elements[-1][found[1].lower()] = _unquoted(found[2])
            at = found.end()
        if at < len(text) and text[at] not in ";,":
            return [{}]  # nothing to its left or right can be told apart
        if text[at : at + 1] == ",":
            elements.append({})
        at += 1
    return elements


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _trusted(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)

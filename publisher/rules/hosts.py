"""Names and addresses of machines, by what is written alone: nobody is asked."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine itself (RFC 6761, 6.3)."""
    if host.casefold().removesuffix(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""The address of a relay, as [mail] transport in config.toml gives it.

    smtp://[user@]host[:port][?tls=off|starttls][&ca=FILE]
    smtps://[user@]host[:port][?ca=FILE]

smtps:// is TLS from the first byte (RFC 8314), on port 465. smtp:// to this machine itself is plain unless STARTTLS is
asked for; to any other host STARTTLS must succeed (RFC 3207) unless it is put off, which only a relay that
asks for no user allows. The port is 25 where neither user nor TLS is, else 587.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote

from publisher.rules.hosts import is_loopback

HIGHEST_PORT = 65535
PASSWORD_VARIABLE = "PUBLISHER_SMTP_PASSWORD"  # noqa: S105 - the name of a variable, not what is in it

_SHAPE = re.compile(r"(?P<scheme>smtps?)://(?:(?P<user>[^/?#]*)@)?(?P<place>[^/?#@]*)/?(?:[?](?P<query>[^#]*))?")
_PLACE = re.compile(r"(?:\[(?P<literal>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[^:]*))?")
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.(?!\Z)|\Z))+")
_PORTS = {"none": 25, "starttls": 587, "tls": 465}  # ports of relays that ask for no user


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where a relay is and how it is spoken to.

    ``security`` is "none", "starttls" or "tls" (from the first byte). ``ca_file`` holds the certificates that are
    trusted instead of the system's.
    """

    host: str
    port: int
    user: str = ""
    security: str = "starttls"
    ca_file: Path | None = None


def parse(spec: str, folder: Path | None = None) -> RelayAddress:
    """Read a relay's URL; a ValueError says what is wrong with it. A relative ``ca`` is relative to ``folder``."""
    found = _SHAPE.fullmatch(spec)
    if not found:
        raise ValueError("write smtp://host, smtp://user@host:587 or smtps://user@host")
    user = _user(found["user"])
    host, port = _place(found["place"])
    options = _options(found["query"] or "")
    security = _security(found["scheme"], host, user, options.get("tls"))
    ca = options.get("ca")
    if ca is not None and security == "none":
        raise ValueError("ca names certificates, but there is no TLS: add tls=starttls, or leave ca out")
    return RelayAddress(
        host,
        port or _PORTS["starttls" if user and security == "none" else security],
        user,
        security,
        None if ca is None else (folder or Path()) / ca,
    )


def _user(written: str | None) -> str:
    if written is None:
        return ""
    if ":" in written:
        raise ValueError(f"no password belongs here: put it into the environment variable {PASSWORD_VARIABLE}")
    user = _decoded(written, "the user")
    if not user:
        raise ValueError("the user before the @ is missing")
    return user


def _place(written: str) -> tuple[str, int]:
    """The host and its port, 0 where none is given."""
    found = _PLACE.fullmatch(written)
    if not found:
        raise ValueError(f'"{written}" is no host and port; an IPv6 address stands in brackets')
    host = _literal(found["literal"]) if found["literal"] is not None else _name(found["name"])
    return host, 0 if found["port"] is None else _port(found["port"])


def _literal(written: str) -> str:
    if "%" in written or not _is_address(written):  # % begins a zone, which no certificate can name
        raise ValueError(f"[{written}] is no IP address")
    return str(ip_address(written))


def _name(written: str) -> str:
    if not written:
        raise ValueError("the host is missing")
    if not written.isascii():
        raise ValueError(f'"{written}" must be written as DNS has it, in ASCII (xn--…)')
    if not _NAME.fullmatch(written) or (set(written) <= set("0123456789.") and not _is_address(written)):
        raise ValueError(f'"{written}" is no name of a host')
    return written


def _is_address(written: str) -> bool:
    try:
        ip_address(written)
    except ValueError:
        return False
    return True


def _port(written: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", written) or not 0 < int(written) <= HIGHEST_PORT:
        raise ValueError(f'"{written}" is no port: a number from 1 to {HIGHEST_PORT}')
    return int(written)


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        if key not in {"tls", "ca"}:
            raise ValueError(f'"{key}" is unknown after the "?": there are tls=off, tls=starttls and ca=FILE')
        if key in options:
            raise ValueError(f"{key} is given twice")
        options[key] = _decoded(value, key)
        if not options[key]:
            raise ValueError(f"{key} is empty")
    return options


def _decoded(written: str, what: str) -> str:
    text = unquote(written)
    if not text.isprintable() or "�" in text:
        raise ValueError(f"{what} holds characters that cannot be meant")
    return text


def _security(scheme: str, host: str, user: str, tls: str | None) -> str:
    if tls not in {None, "off", "starttls"}:
        raise ValueError(f'tls is "off" or "starttls", not "{tls}"; for TLS from the first byte write smtps://')
    if scheme == "smtps":
        if tls is not None:
            raise ValueError("smtps:// is TLS from the first byte: leave tls out, or write smtp://")
        return "tls"
    if tls == "off" and user and not is_loopback(host):
        raise ValueError(f"tls=off would show the password of {user} to the network: leave it out")
    plain = tls == "off" or (tls is None and is_loopback(host))
    return "none" if plain else "starttls"

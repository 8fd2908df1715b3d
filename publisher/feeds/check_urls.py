"""Rules for addresses: URIs (RFC 3986), IRIs (RFC 3987), tag URIs (RFC 4151), URNs (RFC 8141)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import SplitResult, urlsplit

from publisher.feeds.check_rules import Fault, error, shown, warning, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from publisher.feeds.check_rules import Document

# Schemes registered with IANA that turn up in feeds; another one is only warned about.
_REGISTERED = words(
    "about acct acr bitcoin blob callto chrome cid coap coaps crid cvs data dav did dict dns doi ed2k example "
    "facetime file finger fish ftp geo git github go gopher h323 http https iax icap im imap info ipfs ipn "
    "ipp ipps irc irc6 ircs iris jabber jar ldap ldaps magnet mailto maps matrix mid mms mms mtqp mumble "
    "mupdate mvn news nfs ni nih nntp opaquelocktoken openid pop pres prospero rsync rtmp rtsp rtsps service "
    "session sftp sgn shttp sip sips skype sms smb snmp spotify ssh steam stun svn tag teamspeak tel telnet "
    "tftp thismessage tip turn tv udp unreal urn ut2004 view-source wais web3 webcal ws wss xmlrpc.beep xmpp "
    "xri z39.50 z39.50r z39.50s soap.beep soap.beeps iris.beep xmlrpc.beeps cap aaa aaas modem fax vemmi msrp "
    "msrps"
)
_NEED_HOST = frozenset({"http", "https", "ftp", "ws", "wss"})
_DEFAULT_PORTS = {"ftp": "21", "http": "80", "https": "443", "ws": "80", "wss": "443"}

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f<>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_AUTHORITY = re.compile(r"(?:[^@/\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^@:/\[\]]*)(?::\d*)?\Z")
_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})"
_TAG = re.compile(
    r"tag:(?:[A-Za-z0-9\-._]+@)?[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?"
    rf",\d{{4}}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?:{_PCHAR}*(?:\#{_PCHAR}*)?\Z"
)
_URN = re.compile(rf"urn:[A-Za-z0-9][A-Za-z0-9\-]{{0,30}}[A-Za-z0-9]:{_PCHAR}+(?:\#{_PCHAR}*)?\Z", re.IGNORECASE)
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_DOT_SEGMENT = re.compile(r"/(?:\.{1,2}/)+|/\.{1,2}\Z")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_URI, _IRI = "RFC 3986", "RFC 3987"
_ABSOLUTE = "Write the whole address, with its scheme and host."
_ENCODE = "Percent-encode the character, or take it out."


def is_absolute(value: str) -> bool:
    """Whether the address starts with a scheme."""
    return _SCHEME.match(value) is not None


def _scheme_of(value: str) -> str:
    return value.partition(":")[0].lower() if is_absolute(value) else ""


def split(value: str) -> SplitResult | None:
    """The parts of an address, or None where there is no sense in it (an unclosed "[")."""
    try:
        return urlsplit(value)
    except ValueError:
        return None


def characters(value: str) -> Iterator[Fault]:
    """Characters that no URI and no IRI may hold."""
    found = _FORBIDDEN.search(value)
    if found:
        culprit = "a space" if found[0] == " " else shown(found[0])
        yield error(f"is no address: {shown(value)} holds {culprit}", _URI, _ENCODE)


def iri_reference(value: str, _document: Document) -> Iterator[Fault]:
    """An absolute or relative address, Unicode allowed."""
    refused = [] if _scheme_of(value) in {"tag", "urn"} else list(characters(value))
    yield from refused or _scheme_faults(value)


def iri(value: str, document: Document) -> Iterator[Fault]:
    """An absolute address, Unicode allowed."""
    if not is_absolute(value):
        yield error(f"is not an absolute address: {shown(value)}", _IRI, _ABSOLUTE)
    else:
        yield from iri_reference(value, document)


def uri(value: str, document: Document) -> Iterator[Fault]:
    """An absolute address in ASCII, as RSS asks for."""
    if _BEYOND_ASCII.search(value):
        yield error(
            f"holds letters beyond ASCII: {shown(value)}",
            "RSS Profile, URLs",
            "Write the host in punycode and percent-encode the path.",
        )
    yield from iri(value, document)


def web_address(value: str, document: Document) -> Iterator[Fault]:
    """An absolute http or https address."""
    parts = split(value)
    if parts is None or parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        yield error(f"is not an http or https address: {shown(value)}", "RSS 2.0", _ABSOLUTE)
    else:
        yield from uri(value, document)


def _scheme_faults(value: str) -> Iterable[Fault]:
    scheme = _scheme_of(value)
    if not scheme:
        return ()
    return _BY_SCHEME.get(scheme, _any_scheme)(value, scheme)


def _any_scheme(value: str, scheme: str) -> Iterator[Fault]:
    parts = split(value)
    host_missing = scheme in _NEED_HOST and (parts is None or not parts.netloc)
    if host_missing or parts is None or not _AUTHORITY.match(parts.netloc):
        yield error(f"is no address: {shown(value)} names no host", _URI, _ABSOLUTE)
    if scheme not in _REGISTERED:
        yield warning(f'uses the scheme "{scheme}:", which is not registered', "RFC 7595", "Use a registered scheme.")


def _tag_faults(value: str, _scheme: str) -> Iterator[Fault]:
    if not _TAG.match(value):
        yield error(f"is no tag URI: {shown(value)}", "RFC 4151 2.1", "Write tag:HOST,YEAR-MONTH-DAY:NAME.")


def _urn_faults(value: str, _scheme: str) -> Iterator[Fault]:
    if value[:9].lower() == "urn:uuid:" and not _UUID.match(value):
        yield error(f"is no UUID: {shown(value)}", "RFC 9562 4", "Write 8-4-4-4-12 hexadecimal digits.")
    elif not _URN.match(value):
        yield error(f"is no URN: {shown(value)}", "RFC 8141 2", "Write urn:NAMESPACE:NAME.")


_BY_SCHEME: dict[str, Callable[[str, str], Iterable[Fault]]] = {"tag": _tag_faults, "urn": _urn_faults}


def canonical(value: str) -> str:
    """The address as it compares best: RFC 3986 6.2.2 and 6.2.3, and NFC.

    Dot segments are only struck out, which is enough to tell that there are some.
    """
    parts = split(value)
    if parts is None or not parts.netloc:
        scheme, colon, rest = value.partition(":")
        return scheme.lower() + colon + rest if is_absolute(value) else value
    scheme = parts.scheme.lower()
    head = f"{scheme}://{_canonical_authority(parts.netloc, scheme)}"
    ends = re.search(r"[?#]", value)  # empty queries and fragments stay: RFC 4287 4.2.6.1
    tail = value[ends.start() :] if ends else ""
    path = _DOT_SEGMENT.sub("/", parts.path or "/")
    return normalize("NFC", head + _canonical_escapes(path) + _canonical_escapes(tail))


def _canonical_authority(netloc: str, scheme: str) -> str:
    user, at, host = netloc.rpartition("@")
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    user, at = ("", "") if user in {"", ":"} else (user, at)
    kept = f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else ""
    return user + at + name.lower() + kept


def _canonical_escapes(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if char in _UNRESERVED else found[0].upper()

    return _ESCAPE.sub(one, text)


def canonical_iri(value: str, document: Document) -> Iterator[Fault]:
    """An absolute address in its canonical form, as identifiers should be."""
    refused = list(iri(value, document))
    yield from refused
    if not refused and (better := canonical(value)) != value:
        yield warning(
            f"is not in canonical form: {shown(value)}",
            "RFC 4287 4.2.6.1",
            f"Once published it must stay as it is; for a new one write {better}",
        )


def namespace_iri(value: str, document: Document) -> Iterator[Fault]:
    """A namespace's name: absolute, and an IRI."""
    for fault in iri(value, document) if value else ():
        yield warning(fault.what, "Namespaces in XML 2.2", "Check the xmlns declaration.")

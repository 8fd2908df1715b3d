"""Relays are named by URLs; what is wrong with one is said in plain words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.mail.relay_url import RelayAddress, parse


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("smtp://localhost", RelayAddress("localhost", 25, "", "none")),
        ("smtp://LOCALHOST", RelayAddress("LOCALHOST", 25, "", "none")),
        ("smtp://127.0.0.1:2525/", RelayAddress("127.0.0.1", 2525, "", "none")),
        ("smtp://[::1]", RelayAddress("::1", 25, "", "none")),
        ("smtp://me@localhost", RelayAddress("localhost", 587, "me", "none")),
        ("smtp://localhost?tls=starttls", RelayAddress("localhost", 587, "", "starttls")),
        ("smtp://relay.example.org", RelayAddress("relay.example.org", 587)),
        ("smtp://relay.example.org:25", RelayAddress("relay.example.org", 25)),
        ("smtp://me@relay.example.org", RelayAddress("relay.example.org", 587, "me")),
        ("smtp://me@example.org@relay.example.org", RelayAddress("relay.example.org", 587, "me@example.org")),
        ("smtp://me%40example.org@relay.example.org", RelayAddress("relay.example.org", 587, "me@example.org")),
        ("smtp://a%3Ab@relay.example.org", RelayAddress("relay.example.org", 587, "a:b")),
        ("smtp://mail_out?tls=off", RelayAddress("mail_out", 25, "", "none")),
        ("smtp://192.0.2.7:25", RelayAddress("192.0.2.7", 25)),
        ("smtp://[2001:db8::25]:25", RelayAddress("2001:db8::25", 25)),
        ("smtps://relay.example.org", RelayAddress("relay.example.org", 465, "", "tls")),
        ("smtps://me@localhost:1465", RelayAddress("localhost", 1465, "me", "tls")),
        ("smtps://me@relay.example.org", RelayAddress("relay.example.org", 465, "me", "tls")),
        ("smtps://ours.example?ca=/etc/ca.pem", RelayAddress("ours.example", 465, "", "tls", Path("/etc/ca.pem"))),
        ("smtp://[::1]?tls=starttls&ca=our%20ca.pem", RelayAddress("::1", 587, "", "starttls", Path("our ca.pem"))),
    ],
)  # fmt: skip
def test_a_url_names_a_relay(spec: str, address: RelayAddress) -> None:
    assert parse(spec) == address


def test_certificates_lie_beside_the_config() -> None:
    folder = Path("/srv/site")
    assert parse("smtps://relay.example.org?ca=ca.pem", folder).ca_file == Path("/srv/site/ca.pem")
    assert parse("smtps://relay.example.org?ca=/etc/ca.pem", folder).ca_file == Path("/etc/ca.pem")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("relay.example.org", "write smtp://host"),
        ("http://relay.example.org", "write smtp://host"),
        ("smtp:relay.example.org", "write smtp://host"),
        ("smtp://relay.example.org/inbox", "write smtp://host"),
        ("smtp://relay.example.org#top", "write smtp://host"),
        ("smtp://relay.example.org\n", "no name of a host"),
        ("smtp://", "the host is missing"),
        ("smtp://:25", "the host is missing"),
        ("smtp://@relay.example.org", "the user before the @ is missing"),
        ("smtp://me:secret@relay.example.org", "PUBLISHER_SMTP_PASSWORD"),
        ("smtp://me:@relay.example.org", "PUBLISHER_SMTP_PASSWORD"),
        ("smtp://me%0d%0aRSET@relay.example.org", "the user holds characters"),
        ("smtp://me%ff@relay.example.org", "the user holds characters"),
        ("smtp://relay.example.org:", '"" is no port'),
        ("smtp://relay.example.org:0", '"0" is no port'),
        ("smtp://relay.example.org:65536", '"65536" is no port'),
        ("smtp://relay.example.org:smtp", '"smtp" is no port'),
        ("smtp://relay.example.org:٢٥", '"٢٥" is no port'),
        ("smtp://2001:db8::25", "stands in brackets"),
        ("smtp://[2001:db8::25", "stands in brackets"),
        ("smtp://[relay]", "[relay] is no IP address"),
        ("smtp://[fe80::1%eth0]", "is no IP address"),
        ("smtp://192.0.2", '"192.0.2" is no name of a host'),
        ("smtp://192.0.2.300", "no name of a host"),
        ("smtp://-relay.example.org", "no name of a host"),
        ("smtp://relay..example.org", "no name of a host"),
        ("smtp://relay.example.org.", "no name of a host"),
        ("smtp://re lay", "no name of a host"),
        (f"smtp://{'a' * 64}.example.org", "no name of a host"),
        ("smtp://böse.example", "xn--"),
        ("smtp://relay.example.org?verify=no", '"verify" is unknown'),
        ("smtp://relay.example.org?tls=maybe", 'not "maybe"'),
        ("smtp://relay.example.org?tls", "tls is empty"),
        ("smtp://localhost?tls=off&tls=starttls", "tls is given twice"),
        ("smtp://me@relay.example.org?tls=off", "would show the password of me"),
        ("smtps://relay.example.org?tls=off", "leave tls out"),
        ("smtps://relay.example.org?ca=", "ca is empty"),
        ("smtp://localhost?ca=ca.pem", "there is no TLS"),
    ],
)
def test_a_fault_is_said_in_plain_words(spec: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as fault:
        parse(spec)
    assert "secret" not in str(fault.value)

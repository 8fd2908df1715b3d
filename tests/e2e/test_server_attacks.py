"""Hostile visitors, unlucky authors and bad networks: the server answers in words, and goes on."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest

from tests.attacks import FORM, Bridge, Crawl, Markup, Said, ask, raw
from tests.databases import drop_database, fresh_database
from tests.servers import HANG, ScriptedServer, free_port, until
from tests.sites import a_post, a_site, command, config_of, environment, run, write
from tests.web import TOKEN, WEB, Serving, links, mail_to, mails

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANN = "ann@example.org"
SECRET = "nobody may read this"
HTTPS = 'public_url = "https://news.example.com/"\n'
PROXY = 'trusted_proxies = ["127.0.0.1"]\n'
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7 * 7 }}</title>"
COLLIDING = {
    f"{name}.md": a_post(name, "Words of an author.", date="2024-01-06", url=f"/{name}/")
    for name in ("subscribe", "issues", "admin", "api")
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    posts = {"one.md": a_post("One", tags=["talk"]), "odd.md": a_post("Odd", date="2024-01-07", url="/é è/")}
    folder = a_site(tmp_path_factory.mktemp("attacks") / "site", posts, config_of(WEB + HTTPS + PROXY))
    for path in ("a b.txt", "100%.txt", "%2e%2e/in.txt", "..;/in.txt", "ü.txt"):
        write(folder, f"static/{path}", "for readers")
    return folder


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[Serving]:
    with Serving(site) as serving:
        write(site, "secret.txt", SECRET)
        write(site, "public/.secret", SECRET)
        write(site, "public/.git/config", SECRET)
        (site / "public" / "out").symlink_to(site)
        (site / "public" / "out.txt").symlink_to(site / "secret.txt")
        until(lambda: ask(serving.url, "/a%20b.txt").status == 200, "the output is served")
        yield serving
        assert "Traceback" not in serving.said
        assert ask(serving.url, "/feed.xml").status == 200


def post_json(server: Serving, path: str, given: object, **headers: str) -> Said:
    body = given if isinstance(given, bytes) else json.dumps(given).encode()
    return ask(server.url, path, "POST", body, Content_Type="application/json", **headers)


def post_form(server: Serving, path: str, fields: dict[str, str], **headers: str) -> Said:
    return ask(server.url, path, "POST", urlencode(fields).encode(), Content_Type=FORM, **headers)


def subscribe(server: Serving, address: str, root: str = "/", **headers: str) -> Said:
    return post_json(
        server, f"{root}api/subscribe", {"address": address, "digest": "weekly", "cadence": "weekly"}, **headers
    )


def log_in(server: Serving, root: str = "/", **headers: str) -> str:
    """The cookie of a session."""
    said = post_form(server, f"{root}admin/login", {"token": TOKEN}, **headers)
    assert said.status == 303, said
    return said.header("set-cookie").partition(";")[0]


# Paths and requests

PATHS = [
    b"/../secret.txt",
    b"/..%2fsecret.txt",
    b"/%2e%2e/secret.txt",
    b"/%2e%2e%2fsecret.txt",
    b"/%252e%252e/secret.txt",
    b"/..%5csecret.txt",
    b"/..\\secret.txt",
    b"/..;/secret.txt",
    b"/..%3b/secret.txt",
    b"/..%c0%afsecret.txt",
    b"/%c0%ae%c0%ae/secret.txt",
    b"/....//secret.txt",
    b"//secret.txt",
    b"/./secret.txt",
    b"/out/secret.txt",
    b"/out.txt",
    b"/.secret",
    b"/.git/config",
    b"/one/../../secret.txt",
    b"/secret.txt%00.xml",
    b"/%00",
    b"/%",
    b"/%zz",
    b"/%ff",
    b"/\xff",
    b"/%0d%0aSet-Cookie:%20a=b",
    b"//evil.example",
    b"//evil.example/%2e%2e",
    b"/\\evil.example",
    b"/%5cevil.example/",
    b"/%2f%2fevil.example",
    b"///",
    b"http://evil.example/admin",
    b"https://evil.example@evil.example/subscribe",
    b"*",
    b"/confirm/%00",
    b"/confirm/%0d%0aX-Evil:%20yes",
    b"/confirm/" + b"a" * 9000,
    b"/confirm/a.b.c",
    b"/preferences/%ff%fe",
    b"/preferences/%0aX",
    b"/unsubscribe/%00",
    b"/unsubscribe/" + b"A" * 22,
    b"/unsubscribe/a/b/c",
    b"/issues/%00/1",
    b"/issues/%0d%0aX:y/",
    b"/issues/weekly/" + b"9" * 5000,
    b"/issues/weekly/%D9%A1",
    b"/issues/weekly/-1",
    b"/admin/issues/weekly/" + b"9" * 5000,
    b"/admin/issues/weekly/" + b"9" * 5000 + b".json",
    b"/admin/issues/%00/1",
    b"/admin/issues/weekly/x",
    b"/admin/digests/%00/preview",
    b"/api/issues/weekly/" + b"9" * 5000,
    b"/api/%00",
    b"/api/confirm/%00",
    b"/subscribe?" + b"&".join(b"a%d=1" % number for number in range(2000)),
    b"/subscribe?digest=%ff%00&cadence=%0d%0aX:y",
    b"/admin/login?" + b"&" * 9000,
]


@pytest.mark.parametrize("cookie", [False, True])
def test_no_path_leads_out_of_the_output_or_breaks_anything(server: Serving, cookie: bool) -> None:
    headers = {"X_Forwarded_Proto": "https"}
    if cookie:
        headers["Cookie"] = log_in(server, **headers, X_Forwarded_For="203.0.1.1")
    for path in PATHS:
        for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
            said = ask(server.url, path, method, X_Forwarded_For="203.0.113.2", **headers)
            assert said.status in {200, 204, 303, 308, 400, 401, 403, 404, 405, 409, 410, 415, 422, 429}, (
                path,
                method,
                said,
            )
            assert SECRET.encode() not in said.body, path
            assert "evil" not in said.header("location").lower(), path
            assert not said.header("x-evil"), path


def test_files_with_odd_names_are_found_at_their_names_and_nowhere_else(server: Serving) -> None:
    for path in ("/a%20b.txt", "/100%25.txt", "/%252e%252e/in.txt", "/%C3%BC.txt", "/%c3%a9%20%c3%a8/"):
        assert ask(server.url, path).status == 200, path
    for path in ("/a+b.txt", "/%2e%2e/in.txt", "/u%CC%88.txt", "/A%20B.TXT"):
        assert ask(server.url, path).status == 404, path


SMUGGLED = [
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    b"POST /subscribe HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX\x00Y: 1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("words", SMUGGLED)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_ends(server: Serving, words: bytes) -> None:
    said = raw(server.url, words, b"GET /feed.xml HTTP/1.1\r\nHost: a\r\n\r\n")
    assert said.status in {400, 405, 413, 431, 501, 505}, said
    assert b"HTTP/1.1" not in said.body


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


BODIES: dict[str, list[bytes]] = {
    FORM: [
        b"&" * 60_000,
        b"a=1&" * 15_000,
        b"address=" + b"%ff%00%0d%0a" * 2000,
        b"address=\xff\xfe&digest=\x00&cadence=\xed\xa0\x80&stamp=\xff.\xff&comment=",
        b"stamp=" + b"9" * 60_000,
        b"stamp=99999999999999999999999.x&address=a@b.example",
        b"digest=weekly&" * 4000,
        b"%" * 60_000,
        b"why=\xff&words=%00%ff",
        b"form=\xff&token=%ff%00",
    ],
    "multipart/form-data; boundary=x": [
        multipart(*[b'Content-Disposition: form-data; name="a"\r\n\r\n1'] * 1000),
        multipart(b'Content-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nfile'),
        multipart(b'Content-Disposition: form-data; name="address"\r\n\r\n' + b"\xff" * 60_000),
        multipart(b"Content-Disposition: form-data\r\n\r\nnameless"),
        multipart(b'Content-Disposition: form-data; name="address\r\nX: y"\r\n\r\nz'),
        b"--x\r\n" * 10_000,
        b"--" * 30_000,
        b"\r\n" * 30_000,
        b"--x\r\nContent-Disposition: form-data; name=" + b"y" * 60_000,
    ],
    "multipart/form-data": [b"--x\r\n\r\n--x--"],
    'multipart/form-data; boundary="\xff\xfe"': [multipart(b"\r\n")],
    "application/x-www-form-urlencoded; charset=nonsense": [b"address=a"],
    "multipart/form-data; boundary=x; charset=\xff": [
        multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n\xe9')
    ],
    "application/json": [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"address":' + b"9" * 60_000 + b"}",
        b'{"address":1e999999}',
        b'{"address":NaN}',
        b'{"address":"\xff\xfe"}',
        b'{"address":"\\ud800@example.org"}',
        b'{"address":"a\\u0000b@example.org"}',
        b'{"address":"a@example.org\\r\\nBcc: b@example.org"}',
        b'{"address":["a@example.org"],"digest":{}}',
        b'{"address":"a@example.org","digest":"\\u0000","cadence":"\\r\\n"}',
        b'{"digests":{"weekly":{"a":[]}}}',
        b'{"reason":' + b'"x' * 30_000 + b'"}',
        b"null",
        b"",
    ],
    "text/plain": [b"\x00" * 60_000],
}
CHANGING = (
    "/subscribe",
    "/preferences",
    "/confirm/x",
    f"/unsubscribe/{'A' * 32}",
    f"/unsubscribe/{'A' * 32}/reason",
    f"/unsubscribe/{'A' * 32}/return",
    "/preferences/x",
    "/admin/login",
    "/admin/logout",
    "/admin/issues/weekly/1/cancel",
    "/api/subscribe",
    "/api/preferences",
    "/api/confirm/x",
    f"/api/unsubscribe/{'A' * 32}/reason",
    "/api/preferences/x",
)


@pytest.mark.parametrize("path", CHANGING)
def test_no_body_is_too_much_or_too_odd(server: Serving, path: str) -> None:
    for number, (kind, bodies) in enumerate(BODIES.items()):
        for place, body in enumerate(bodies):
            network = f"198.51.{number}.{place}"  # one of its own, so that nothing is refused for its number alone
            said = ask(
                server.url, path, "POST", body, Content_Type=kind, X_Forwarded_For=network,
                X_Forwarded_Proto="https",
            )  # fmt: skip
            assert said.status in {200, 202, 303, 400, 403, 404, 410, 413, 415, 422, 429}, (kind, body[:40], said)
            assert "Bcc" not in said.head


ODD = (
    *("Cookie", "Origin", "Referer", "Accept-Encoding", "If-None-Match", "Range", "Authorization", "Forwarded"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "User-Agent", "Sec-Fetch-Site", "X-HTTP-Method-Override"),
)
VALUES = ("", "\xff\xfe", '"' * 5000, "," * 9000, "9" * 9000, "=;=;" * 2000, "publisher=a.9.b", "bytes=9-1")
ANSWERS = {200, 206, 303, 304, 308, 400, 401, 403, 404, 406, 412, 416, 429}


def test_no_header_is_too_odd(server: Serving) -> None:
    for name in ODD:
        for value in VALUES:
            for path in ("/", "/feed.xml", "/subscribe", "/admin", "/metrics", "/api/digests", "/assets/web.css"):
                said = ask(server.url, path, **{name.replace("-", "_"): value})
                assert said.status in ANSWERS, (name, value[:9], said)


def test_guesses_of_some_keep_nobody_else_out(server: Serving) -> None:
    def numbers(token: str, network: str) -> int:
        return ask(server.url, "/metrics", Authorization=f"Bearer {token}", X_Forwarded_For=network).status

    assert [numbers("a guess", "203.7.1.1") for _ in range(31)] == [401] * 30 + [429]
    assert numbers(TOKEN, "203.7.1.1") == 429
    assert numbers(TOKEN, "203.7.2.1") == 200


# The author's pages


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


@pytest.fixture(scope="module")
def issued(site: Path, server: Serving) -> None:
    """One reader, and one issue that went out."""
    subscribe(server, ANN)
    question = next(link for link in links(mail_to(site, ANN, "confirm")) if "/confirm/" in link)
    assert ask(server.url, urlsplit(question).path, "POST").status == 200
    assert run(site, "digest", "send", "weekly", "--cadence", "weekly", "--yes").code == 0
    assert post_json(server, "/api/preferences", {"address": ANN}).status == 202
    until(lambda: any("/preferences/" in link for mail in mails(site, ANN) for link in links(mail)), "the link came")


def links_to(site: Path, address: str) -> list[str]:
    found = [link for mail in mails(site, address) for link in links(mail)]
    headers = [str(mail.get("List-Unsubscribe", "")) for mail in mails(site, address)]
    found += re.findall(r"<(https?://[^>]+)>", " ".join(headers))
    return sorted({link for link in found if "news.example.com" in link})


@pytest.mark.usefixtures("issued")
def test_no_form_of_the_author_is_taken_from_elsewhere(server: Serving) -> None:
    secure = {"X_Forwarded_Proto": "https"}
    ours, other = (log_in(server, **secure, X_Forwarded_For=f"203.0.{number}.1") for number in (20, 90))
    page = ask(server.url, "/admin/issues/weekly/1", Cookie=ours, **secure).body.decode()
    strange = fields_of(ask(server.url, "/admin/issues/weekly/1", Cookie=other, **secure).body.decode())
    fields = fields_of(page)
    assert fields.get("form")
    assert strange.get("form") != fields["form"]
    target = "/admin/issues/weekly/1/private"
    attempts = [
        (fields, {"Cookie": ours, "Origin": "https://evil.example"}),
        (fields, {"Cookie": ours, "Origin": "null"}),
        (fields, {"Cookie": ours, "Origin": "http://news.example.com"}),
        (fields, {"Cookie": ours, "Origin": "https://news.example.com.evil.example"}),
        (fields, {"Cookie": ours, "Sec_Fetch_Site": "cross-site"}),
        (fields, {"Cookie": ours, "Sec_Fetch_Site": "same-site", "Origin": "https://news.example.com"}),
        (strange, {"Cookie": ours, "Origin": "https://news.example.com"}),
        ({}, {"Cookie": ours, "Origin": "https://news.example.com"}),
        ({"form": ""}, {"Cookie": ours}),
        (fields, {"Origin": "https://news.example.com"}),
        (fields, {"Cookie": ours[:-1], "Origin": "https://news.example.com"}),
        (fields, {"Cookie": ours.replace("__Host-", ""), "Origin": "https://news.example.com"}),
    ]
    for given, headers in attempts:
        said = post_form(server, target, given, **secure, **headers)
        assert (said.status, said.header("location")) in {(403, ""), (303, "/admin/login")}, (headers, said)
    for method, more in (("GET", {}), ("HEAD", {}), ("GET", {"X_HTTP_Method_Override": "POST"}), ("PUT", {})):
        said = ask(server.url, f"{target}?{urlencode(fields)}&_method=POST", method, Cookie=ours, **more, **secure)
        assert said.status == 405, said
    assert ask(server.url, "/issues/weekly/1").status == 200  # it is private now if any of these was taken
    assert post_form(server, "/admin/logout", fields, Cookie=ours, **secure).status == 303
    assert ask(server.url, "/admin", Cookie=ours, **secure).header("location") == "/admin/login"


def dump(site: Path) -> list[str]:
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        return list(store.iterdump())


@pytest.mark.usefixtures("issued")
def test_looking_changes_no_row_whoever_looks(site: Path, server: Serving) -> None:
    secure = {"X_Forwarded_Proto": "https"}
    cookie = log_in(server, **secure, X_Forwarded_For="203.0.33.1")
    paths = [urlsplit(link).path for link in links_to(site, ANN)]
    tokens = [path for path in paths if path.startswith(("/confirm/", "/unsubscribe/", "/preferences/"))]
    assert {path.split("/")[1] for path in tokens} == {"confirm", "unsubscribe", "preferences"}
    below = [
        f"{path}/{more}" for path in tokens for more in ("data", "forget", "reason", "return", "settings", "thanks")
    ]
    own = list(Crawl(server.url, {"Cookie": cookie, **secure}).go(["/admin", "/subscribe", "/issues/"]).statuses)
    before = dump(site)
    for path in (*paths, *below, *(f"/api{path}" for path in (*tokens, *below)), *map(path_of, own), *CHANGING):
        for method in ("GET", "HEAD", "OPTIONS"):
            said = ask(server.url, path, method, Cookie=cookie, X_Forwarded_For="203.0.70.1", **secure)
            assert said.status < 500, (path, said)
            assert said.status != 429, path
    assert dump(site) == before
    assert any(method in path for path in own for method in ("/cancel",))


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


# Where the pages lie


@contextmanager
def whole(folder: Path, base: str, public: str, title: str = "Notebook") -> Iterator[Serving]:
    """A site whose addresses are those it is served at, with a reader and an issue."""
    port = free_port()
    web = WEB.replace("port = 0", f'port = {port}\npublic_url = "http://127.0.0.1:{port}{public}"')
    config = config_of(
        web.replace('"Everything new"', json.dumps(title)),
        title=title,
        author=title,
        description=title,
        base_url=f"http://127.0.0.1:{port}{base}",
    )
    site = a_site(folder, {"one.md": a_post(title, tags=[title]), "two.md": a_post("Two", date="2024-02-06")}, config)
    with Serving(site) as server:
        yield server
        assert "Traceback" not in server.said


def everything(server: Serving, base: str, public: str) -> Crawl:
    """Subscribe, read, and look at whatever can be reached, mails and the author's pages included."""
    assert subscribe(server, ANN, public).status == 202
    question = next(link for link in links(mail_to(server.site, ANN, "confirm")) if "/confirm/" in link)
    assert ask(server.url, urlsplit(question).path, "POST").status == 200
    assert run(server.site, "digest", "send", "weekly", "--cadence", "weekly", "--yes").code == 0
    assert post_json(server, f"{public}api/preferences", {"address": ANN}).status == 202
    until(lambda: any(f"{public}preferences/" in link for link in mailed(server)), "the link came")
    ways = [f"{public}{page}" for page in ("subscribe", "issues/", "preferences", "admin", "subscribe/sent")]
    crawl = Crawl(server.url, {"Cookie": log_in(server, public)})
    return crawl.go([base, *ways, *mailed(server)])


def mailed(server: Serving) -> list[str]:
    return [link for mail in mails(server.site, ANN) for link in links(mail) if link.startswith(server.url)]


@pytest.mark.parametrize(
    ("base", "public"),
    [("/", "/mail/"), ("/blog/", "/"), ("/blog/", "/blog/"), ("/blog/", "/blog/m/"), ("/b/", "/%C3%A9/")],
)
def test_every_link_form_and_redirect_is_where_the_site_lies(tmp_path: Path, base: str, public: str) -> None:
    with whole(tmp_path / "site", base, public) as server:
        crawl = everything(server, base, public)
        assert set(crawl.statuses.values()) <= {200, 303, 308}, crawl.statuses
        roots = (urljoin(server.url, base), urljoin(server.url, public))
        assert all(address.startswith(roots) for address in (*crawl.statuses, *crawl.forms))
        assert all(location.startswith((base, public)) for location in crawl.moved.values())
        found = {path_of(address).removeprefix(public).split("/")[0] for address in crawl.statuses}
        assert {"admin", "assets", "confirm", "issues", "preferences", "subscribe", "unsubscribe"} <= found
        assert any(address.endswith("/admin.js") for address in crawl.statuses)
        for form in crawl.forms:
            if form.endswith("/forget"):
                continue  # it would be so
            assert ask(server.url, path_of(form), "POST").status in {200, 303, 403}, form


def test_markup_in_titles_and_addresses_is_text_on_every_page(tmp_path: Path) -> None:
    with whole(tmp_path / "site", "/", "/", MARKUP) as server:
        for address in ('"<script>alert(1)</script>"@example.org', "<img/src=x>@example.org", "a@<b>.example"):
            assert subscribe(server, address).status in {202, 422}
            given = {"address": address, "digest": MARKUP, "cadence": MARKUP, "stamp": MARKUP}
            shown = post_form(server, "/subscribe", given)
            assert not Markup(shown.body.decode()).running
        crawl = everything(server, "/", "/")
        leaving = next(link for link in mailed(server) if "/unsubscribe/" in link)
        assert ask(server.url, urlsplit(leaving).path, "POST").status == 200
        assert post_form(server, f"{urlsplit(leaving).path}/reason", {"words": MARKUP}).status == 303
        crawl.statuses.clear()
        crawl.go(["/admin/mail", f"/subscribe?digest={quote(MARKUP)}&cadence={quote(MARKUP)}", leaving])
        assert "alert(1)" in crawl.pages[urljoin(server.url, "/admin/mail")]
        for address, page in crawl.pages.items():
            assert not Markup(page).running, address
            assert "49" not in re.findall(r">[^<]*\b(49)\b", page), address  # nothing is a template twice
        assert any("/preview/mail" in address for address in crawl.pages)


# What authors do meanwhile


def test_a_post_at_an_address_of_ours_is_shown_there_and_said_and_takes_nothing_else(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", COLLIDING, config_of(WEB))
    with Serving(site) as server:
        for name in COLLIDING:
            said = ask(server.url, f"/{name.removesuffix('.md')}/")
            assert said.status == 200
            assert b"Words of an author" in said.body
        for path in ("/admin/login", "/api/digests", "/issues/weekly/", "/subscribe/sent", "/preferences"):
            assert ask(server.url, path).status == 200
        assert subscribe(server, ANN).status == 202
        assert post_form(server, "/subscribe", {"address": ANN}).status == 200
        until(lambda: "At /subscribe the output's own page is shown" in server.said, "it is said")
        assert "At /admin the output's own page is shown" in server.said
        assert "At /preferences" not in server.said


def test_no_word_of_a_visitor_about_our_host_is_repeated(server: Serving) -> None:
    for path in ("/", "/subscribe", "/issues/", "/issues", "/admin", "/nothing", "/api/nothing", "/api/openapi.json"):
        for name in ("Host", "X_Forwarded_Host", "X_Forwarded_Server", "X_Original_URL", "Referer", "Origin"):
            said = ask(server.url, path, **{name: "evil.example"})
            assert said.status in {200, 303, 301, 404, 308}, (path, name)
            assert b"evil" not in said.head.encode() + said.body, (path, name)


def test_what_is_saved_while_it_runs_is_taken_or_told_and_never_ends_it(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB))
    config = site / "config.toml"
    good = config.read_text(encoding="utf-8")

    with Serving(site) as server:

        def is_told(*words: str) -> None:
            def came() -> bool:
                assert ask(server.url, "/subscribe").status == 200
                return all(word in server.said for word in words)

            until(came, f"{words} are told")

        config.write_text("[site\n", encoding="utf-8")
        is_told("config.toml:1", "not valid TOML")
        config.unlink()
        is_told("no config.toml")
        config.mkdir()
        is_told("Is a directory")
        config.rmdir()
        config.write_bytes(b"\xff\xfe")
        is_told("UTF-8")
        config.write_text(f'{good}public_url = "https://news.example.com/mail/"\n', encoding="utf-8")
        is_told("[web] public_url counts from the next start")
        assert "/mail/" not in ask(server.url, "/subscribe").body.decode()
        config.write_text(good.replace("Everything new", "Whatever is new"), encoding="utf-8")
        until(lambda: b"Whatever is new" in ask(server.url, "/subscribe").body, "the new title is shown")
        assert server.stop() == 0
    assert "Traceback" not in server.said


def test_an_output_that_goes_comes_or_leads_elsewhere_is_served_as_it_is(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB))
    output, kept = site / "public", site / "kept"

    with Serving(site) as server:

        def shows(status: int, body: bytes = b"") -> None:
            def does() -> bool:
                said = ask(server.url, "/feed.xml")
                return said.status == status and body in said.body

            until(does, f"{status} {body!r}")
            assert ask(server.url, "/healthz").status == 200

        shows(200)
        output.rename(kept)
        shows(404)
        output.write_text("a file", encoding="utf-8")
        shows(404)
        output.unlink()
        output.symlink_to(kept)
        shows(200, b"<rss")
        output.unlink()
        output.symlink_to(output)
        shows(404)
        output.unlink()
        write(site, "public/feed.xml", "another one")
        shows(200, b"another one")
        shutil.rmtree(output)
        shows(404)
        assert server.stop() == 0
    assert "Traceback" not in server.said


def test_broken_templates_are_told_to_the_author_and_visitors_get_words(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB))
    with Serving(site) as server:
        for name, text in (
            ("subscribe.html", "{% if %}"),
            ("base.html", "{{ 1 // 0 }}"),
            ("fault.html", "{{ nobody }}"),
        ):
            own = write(site, f"templates/web/{name}", text)
            said = ask(server.url, "/subscribe")
            if name != "fault.html":  # which is not wanted yet
                assert (said.status, said.header("retry-after")) == (503, "60")
                assert b"This does not work just now" in said.body
                assert f"{own}:1: " in server.said
                own.unlink()
        assert ask(server.url, "/subscribe").status == 200
        write(site, "templates/web/subscribe.html", b"\xff")
        said = ask(server.url, "/subscribe")  # and the page of faults is broken, too
        assert (said.status, said.header("content-type")) == (503, "text/plain; charset=utf-8")
        for _ in range(30):
            ask(server.url, "/subscribe")
        assert server.said.count("UnicodeDecodeError") <= 10  # visitors fill no log
        assert server.stop() == 0
    assert "Traceback" not in server.said


# What machines do


def test_while_the_store_is_held_pages_are_shown_and_visitors_told_in_time(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB + HTTPS + PROXY))
    with Serving(site) as server, ThreadPoolExecutor(60) as crowd:
        assert subscribe(server, ANN).status == 202
        mail_to(site, ANN, "confirm")
        with closing(sqlite3.connect(site / "mailing.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            coming = [
                crowd.submit(subscribe, server, f"reader{number}@example.org", X_Forwarded_For=f"198.51.{number}.1")
                for number in range(60)
            ]
            said = [one.result() for one in coming]
            assert {one.status for one in said} == {503}
            assert all(b"Try again in a minute" in one.body for one in said)
            assert ask(server.url, "/subscribe").status == 200
            assert ask(server.url, "/readyz").status == 200
            other.execute("ROLLBACK")
        until(lambda: subscribe(server, "late@example.org", X_Forwarded_For="198.52.1.1").status == 202, "it goes on")
        mail_to(site, "late@example.org", "confirm")
    assert "Traceback" not in server.said


def test_a_full_disk_is_told_and_nothing_more_is_wanted_than_room(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB + HTTPS))
    with Serving(site) as server:
        assert subscribe(server, ANN).status == 202
        mail_to(site, ANN, "confirm")
        soft, hard = resource.prlimit(server.process, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process, resource.RLIMIT_FSIZE, (1, hard))  # as good as no room
        said = subscribe(server, "bob@example.org")
        assert said.status == 503
        assert b"Try again in a minute" in said.body
        assert "could not be used" in server.said
        assert ask(server.url, "/feed.xml").status == ask(server.url, "/subscribe").status == 200
        resource.prlimit(server.process, resource.RLIMIT_FSIZE, (soft, hard))
        assert subscribe(server, "bob@example.org").status == 202
        mail_to(site, "bob@example.org", "confirm")
    assert "Traceback" not in server.said


def test_a_store_that_is_taken_away_is_told_until_it_is_back(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB + HTTPS))
    store, kept = site / "mailing.sqlite3", site / "kept.sqlite3"
    with Serving(site) as server:
        assert subscribe(server, ANN).status == 202
        mail_to(site, ANN, "confirm")
        store.rename(kept)
        until(lambda: ask(server.url, "/readyz").status == 503, "it is not ready")
        assert subscribe(server, "bob@example.org").status == 503
        assert ask(server.url, "/feed.xml").status == 200
        assert not store.exists()
        until(lambda: "was taken away" in server.said, "it is told")
        kept.rename(store)
        assert ask(server.url, "/readyz").status == 200
        assert subscribe(server, "bob@example.org").status == 202
        mail_to(site, "bob@example.org", "confirm")
    assert "Traceback" not in server.said


def test_a_database_that_goes_away_or_hangs_is_told_and_comes_back_without_a_restart(tmp_path: Path) -> None:
    url = fresh_database()
    bridge = Bridge(url, tmp_path)
    with bridge:
        site = a_site(tmp_path / "site", config=config_of(WEB + HTTPS + f'[store]\nurl = "{bridge.url}"\n'))
        server = Serving(site)
        server.__enter__()
    with server:
        ready = ask(server.url, "/readyz")
        assert (ready.status, json.loads(ready.body)["checks"]["store"]) == (503, False)
        for said in (ask(server.url, "/issues/"), ask(server.url, "/api/issues"), subscribe(server, ANN)):
            assert said.status == 503
            assert b"This does not work just now. Try again in a minute." in said.body
        assert ask(server.url, "/feed.xml").status == ask(server.url, "/subscribe").status == 200
        with bridge:
            until(lambda: ask(server.url, "/readyz").status == 200, "it is ready again")
            assert ask(server.url, "/issues/").status == 200
            assert subscribe(server, ANN).status == 202
            mail_to(site, ANN, "confirm")
            bridge.flows.clear()
            assert ask(server.url, "/readyz").status == 503
            assert ask(server.url, "/feed.xml").status == ask(server.url, "/healthz").status == 200
            bridge.flows.set()
            until(lambda: ask(server.url, "/readyz").status == 200, "it is ready again")
            assert server.stop() == 0
    drop_database(url)
    assert "See that PostgreSQL runs" in server.said
    assert "Traceback" not in server.said


def test_two_servers_of_one_site_share_the_work_and_a_port_in_use_is_named(tmp_path: Path) -> None:
    port = free_port()
    site = a_site(tmp_path / "site", config=config_of(WEB.replace("port = 0", f"port = {port}") + HTTPS))
    with Serving(site) as server:
        done = run(site, "serve")
        assert (done.code, done.out) == (2, "")
        assert f"[web] port: {port} is in use on 127.0.0.1" in done.err
        assert "another `publisher serve`?" in done.err
        config = site / "config.toml"
        config.write_text(config.read_text(encoding="utf-8").replace(f"port = {port}", "port = 0"), encoding="utf-8")
        with Serving(site) as other:
            for number in range(10):
                assert subscribe((server, other)[number % 2], f"reader{number}@example.org").status == 202
            until(lambda: len(mails(site)) >= 10, "everybody got a letter")
            assert other.stop() == server.stop() == 0
    assert sorted(str(mail["To"]) for mail in mails(site)) == sorted(
        f"reader{number}@example.org" for number in range(10)
    )
    assert "Traceback" not in server.said + other.said


def test_a_socket_file_that_a_killed_server_left_is_taken_over(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB.replace("port = 0", 'host = "unix:web.sock"')))
    place = site / "web.sock"

    def answers() -> bytes:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(place))
            stream.sendall(b"GET /subscribe HTTP/1.0\r\n\r\n")
            return stream.makefile("rb").readline()

    for ending in (signal.SIGKILL, signal.SIGTERM):
        with subprocess.Popen(
            command("serve"), cwd=site, env=environment(), stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                assert any("Serving unix:web.sock" in line for line in server.stdout)
                assert answers() == b"HTTP/1.1 200 OK\r\n"
                assert run(site, "serve").code == 2
            finally:
                server.send_signal(ending)
    assert server.returncode == 0
    assert not place.exists()


def test_an_address_of_ipv6_is_served(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", config=config_of(WEB + 'host = "::1"\n'))
    with Serving(site) as server:
        assert server.url.startswith("http://[::1]:")
        assert ask(server.url, "/subscribe").status == 200


def test_a_server_outlives_whoever_reads_its_log(tmp_path: Path) -> None:
    port = free_port()
    site = a_site(tmp_path / "site", config=config_of(WEB.replace("port = 0", f"port = {port}") + HTTPS))
    url = f"http://127.0.0.1:{port}/"
    with subprocess.Popen(command("serve"), cwd=site, env=environment(), stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        while b"Serving" not in server.stdout.readline():
            pass
        server.stdout.close()
        body = json.dumps({"address": ANN, "cadence": "weekly"}).encode()
        assert ask(url, "/api/subscribe", "POST", body, Content_Type="application/json").status == 202
        mail_to(site, ANN, "confirm")
        (site / "config.toml").write_text("[x", encoding="utf-8")
        assert ask(url, "/subscribe").status == 200
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


@pytest.mark.parametrize("stage", ["greeting", "content"])
def test_a_second_signal_ends_a_server_that_waits_for_a_relay(tmp_path: Path, stage: str) -> None:
    with ScriptedServer(always={stage: HANG}) as relay:
        mail = WEB.replace("[web]", f'transport = "smtp://127.0.0.1:{relay.port}"\n[web]')
        site = a_site(tmp_path / "site", config=config_of(mail + HTTPS))
        with Serving(site) as server:
            assert subscribe(server, ANN).status == 202
            until(lambda: relay.connections > 0 and (stage == "greeting" or "DATA" in relay.commands), "it waits")
            os.kill(server.process, signal.SIGTERM)
            until(lambda: "Finishing what is under way" in server.said, "it ends")
            assert server.stop() == 0
    with ScriptedServer() as relay:
        config = site / "config.toml"
        config.write_text(
            re.sub(r"smtp://127.0.0.1:\d+", f"smtp://127.0.0.1:{relay.port}", config.read_text(encoding="utf-8")),
            encoding="utf-8",
        )
        with Serving(site) as server:
            until(lambda: len(relay.received) == 1, "the letter went out")
    assert "Traceback" not in server.said

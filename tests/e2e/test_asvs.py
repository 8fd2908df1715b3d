"""docs/security.md, held: its tables name tests that exist and the code's own numbers; a real server keeps its word."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import socket
import stat
import tomllib
from base64 import urlsafe_b64decode
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from publisher.config import load
from publisher.flows import subscribe
from publisher.flows.check import SECRETS, tracked_secrets
from publisher.flows.letters import PAGE_VALID, VALID
from publisher.model.settings import WebSettings
from publisher.web import asking, door, limits, metrics, sessions, traffic, traps
from tests.servers import until
from tests.sites import CHECKOUT, a_post, a_site, config_of, run, write
from tests.storm import ask
from tests.web import TOKEN, WEB, Serving, links, mails

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = CHECKOUT / "docs" / "security.md"
TEXT = DOCUMENT.read_text("utf-8")
READER, VISITOR = "ann@example.org", "198.51.100.23"
PROXIED = 'trusted_proxies = ["127.0.0.1"]\npublic_url = "https://news.example.com/"\n'
SAFELY = {"X-Forwarded-For": VISITOR, "X-Forwarded-Proto": "https"}

# Every requirement of level 1 of ASVS 5.0.0.
_WRITTEN = """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2
3.5.3 4.1.1 4.4.1 5.2.1 5.2.2 5.3.1 5.3.2 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1
6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 8.1.1 8.2.1 8.2.2 8.3.1 9.1.1 9.1.2 9.1.3 9.2.1 10.4.1 10.4.2 10.4.3 10.4.4
10.4.5 11.3.1 11.3.2 11.4.1 12.1.1 12.2.1 12.2.2 13.4.1 14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
"""
LEVEL_1 = tuple(_WRITTEN.split())


# The table


class Row(NamedTuple):
    """A requirement, in a table whose heading is ``part``."""

    number: str
    part: str
    cells: tuple[str, ...]

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([\w/.]+\.py::\w+)`", self.cells[-1])


def rows() -> list[Row]:
    part, found = "", []
    for line in TEXT.splitlines():
        if line.startswith("## "):
            part = line.removeprefix("## ")
        if re.match(r"\| \d+\.\d+\.\d+", line):
            number, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            found += [Row(each, part, tuple(cells)) for each in re.findall(r"\d+\.\d+\.\d+", number)]
    return found


ROWS = rows()


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((CHECKOUT / "tests" / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", [row for row in ROWS if row.part == "What applies"], ids=lambda row: row.number)
def test_every_row_names_tests_that_exist(row: Row) -> None:
    assert row.tests
    assert [name for name in row.tests if not _exists(name)] == []


def test_every_test_that_is_named_elsewhere_exists_too() -> None:
    assert [name for name in re.findall(r"[\w/.]+\.py::\w+", TEXT) if not _exists(name)] == []


def _exists(name: str) -> bool:
    path, function = name.split("::")
    return function.startswith("test_") and function in functions_of(path)


def test_every_requirement_of_level_1_is_accounted_for_once() -> None:
    told = [row.number for row in ROWS]
    assert [number for number in LEVEL_1 if told.count(number) != 1] == []
    assert len(told) == len(set(told))
    assert {row.part for row in ROWS} == {"What applies", "What does not apply", "What is not met"}


def test_every_row_says_why() -> None:
    for row in ROWS:
        assert all(row.cells), row.number
        assert len(row.cells) == (3 if row.part == "What applies" else 1), row.number


def test_every_file_that_the_document_names_exists() -> None:
    named = re.findall(r"`((?:publisher|templates|docs|tests)/[\w./-]+|constraints\.txt|\.dockerignore)`", TEXT)
    assert len(named) > 20
    for name in named:
        assert (CHECKOUT / name).exists(), name


def test_the_numbers_in_the_document_are_those_of_the_code() -> None:
    bounds, web = traffic.Bounds(), WebSettings()
    for words in (
        f"shorter than {sessions.LEAST} characters",
        f"{door.ATTEMPTS} a minute from one network and {door.ATTEMPTS_IN_ALL} from all",
        f"{metrics.WRONG_TOKENS} wrong tokens a minute",
        f"{sessions.LASTS.total_seconds() / 3600:.0f} hours",
        f"{limits.GUESSES} links a minute",
        f"{limits.REASONS} reasons an hour",
        f"{web.letters_per_network} letters an hour",
        f"{traps.SOONEST.total_seconds():.0f} seconds",
        f"{bounds.head // 1024} KB and {bounds.headers} lines",
        f"{asking.MOST_BODY // 1024} KB",
        f"{door.MOST_BYTES // 1024} KB for the author's",
        f"{bounds.head_seconds:.0f} seconds for the head",
        f"{bounds.connections:,} connections",
        f"{VALID.days} days to confirm",
        f"{PAGE_VALID.days} days to one's own page",
    ):
        assert words in TEXT, words


# A real server


@pytest.fixture
def site(tmp_path: Path) -> Path:
    posts = {f"post-{number}.md": a_post(f"Post {number}", date=f"2024-0{number}-05") for number in range(1, 4)}
    return a_site(tmp_path / "site", posts, config_of(WEB + PROXIED))


def a_whole_visit(site: Path, server: Serving) -> set[str]:
    """Be a reader, an author, a stranger and a vandal. What must be nowhere afterwards: addresses, tokens, words."""
    with httpx.Client(base_url=server.url, headers=SAFELY, trust_env=False) as client:
        asked = {"address": READER, "digest": "weekly", "cadence": "weekly"}
        assert client.post("/api/subscribe", json=asked).status_code == 202
        confirm = path_of(site, READER, "/confirm/")
        assert client.get(confirm).status_code == client.post(confirm).status_code == 200
        assert client.post("/api/preferences", json={"address": READER}).status_code == 202
        own = path_of(site, READER, "/preferences/")
        assert client.get(own).status_code == client.get(f"{own}/data").status_code == 200
        leave = path_of(site, READER, "/unsubscribe/")
        words = "Because of bob@example.net"
        assert client.post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert client.post(f"{leave}/reason", data={"words": words}).status_code == 303
        honest = {"Sec-Fetch-Site": "same-origin"}
        guess = "a wrong token, long enough"
        assert client.post("/admin/login", data={"token": guess}, headers=honest).status_code == 403
        came = client.post("/admin/login", data={"token": TOKEN}, headers=honest)
        cookie = came.headers["set-cookie"].partition(";")[0]
        inside = {**honest, "Cookie": cookie}
        assert client.get("/admin", headers=inside).status_code == 200
        assert client.post("/admin/logout", data={"form": "x"}, headers=inside).status_code == 403
        assert client.get("/metrics", headers={"Authorization": f"Bearer {guess}"}).status_code == 401
        for path in (f"{confirm}x", f"{own}x", f"{leave}/x", "/nothing", "/%ff", "/admin/nothing"):
            assert client.get(path).status_code == 404
        assert any(client.get(f"{confirm}{number}").status_code == 429 for number in range(500))
        assert client.post("/subscribe", content=b"x" * 100_000).status_code == 413
        assert client.post("/api/subscribe", json={"address": words}).status_code in {422, 429}
    tokens = {link.rpartition("/")[2] for link in (confirm, own, leave)}
    return {READER, "bob@example.net", "198.51.100", TOKEN, guess, cookie.partition("=")[2], *tokens}


def path_of(site: Path, address: str, part: str) -> str:
    """Wait for a mail with such a link; the newest one's path."""
    found: list[str] = []

    def has_come() -> bool:
        found[:] = [link for mail in mails(site, address) for link in links(mail) if part in link]
        return bool(found)

    until(has_come, f"a link with {part} came to {address}")
    return "/" + found[-1].split("/", 3)[3]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_whole_visit_leaves_nobody_in_the_log(site: Path, form: str) -> None:
    config = site / "config.toml"
    config.write_text(config.read_text("utf-8") + f'logs = "{form}"\n', "utf-8")
    with Serving(site) as server:
        secrets = a_whole_visit(site, server)
        assert server.stop() == 0
        said = server.said
    assert "Traceback" not in said
    for secret in (*secrets, *keys_of(site)):
        assert secret not in said, secret
    assert re.findall(r"\d+\.\d+\.\d+\.\d+", said.replace(server.url, "")) == []
    for words in (door.CAME, door.REFUSED, door.FOREIGN, metrics.UNKNOWN, asking.LIMITED):
        assert words in said
    if form == "json":
        lines = [json.loads(line) for line in server.lines]
        assert all({"at", "level", "event", "text"} <= line.keys() for line in lines)
        assert {line["level"] for line in lines if line["event"] == "security"} == {"warning"}
        assert all(line["at"].endswith("Z") for line in lines)


def test_many_refusals_do_not_fill_the_log(site: Path) -> None:
    with Serving(site) as server:
        with httpx.Client(base_url=server.url, headers=SAFELY, trust_env=False) as client:
            for _ in range(60):
                client.post("/admin/login", data={"token": "x"}, headers={"Sec-Fetch-Site": "same-origin"})
        assert door.ATTEMPTS <= server.said.count(door.REFUSED) < door.ATTEMPTS + 5  # a few more as time goes by
        assert 30 <= server.said.count(door.TOO_MANY) < 45


def keys_of(site: Path) -> list[str]:
    told = tomllib.loads((site / "keys.toml").read_text("utf-8"))
    return [told["erasure"], *(key for table in told.values() if isinstance(table, dict) for key in table["keys"])]


def test_no_secret_is_in_a_mail_or_on_a_command_line(site: Path) -> None:
    with Serving(site, PUBLISHER_SMTP_PASSWORD="a password of the relay") as server:
        secrets = {*keys_of(site), TOKEN, "a password of the relay"}
        with httpx.Client(base_url=server.url, headers=SAFELY, trust_env=False) as client:
            client.post("/api/subscribe", json={"address": READER, "digest": "weekly", "cadence": "weekly"})
            shown = [client.get(path).text for path in ("/", "/subscribe", "/api/openapi.json", "/readyz", "/nothing")]
        path_of(site, READER, "/confirm/")
        shown += [mail.as_string() for mail in mails(site)]
        with open(f"/proc/{server.process}/cmdline", encoding="utf-8") as stream:  # noqa: PTH123 - no file of ours
            shown.append(stream.read())
        shown.append(server.said)
    for secret in secrets:
        assert not any(secret in each for each in shown)


def test_what_is_of_people_and_keys_is_its_owners_alone(site: Path) -> None:
    with Serving(site) as server:
        with httpx.Client(base_url=server.url, headers=SAFELY, trust_env=False) as client:
            client.post("/api/subscribe", json={"address": READER, "digest": "weekly", "cadence": "weekly"})
        path_of(site, READER, "/confirm/")
        private = [site / "keys.toml", *(site / "outbox").iterdir(), *site.glob("mailing*")]
        assert len(private) >= 4
        for path in private:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_nothing_but_the_output_can_be_fetched(site: Path) -> None:
    write(site, "static/.git/config", "[core]")
    write(site, "public/.git/config", "[core]")
    write(site, "public/.env", "SECRET=1")
    write(site, "public/folder/picture.png", b"\x89PNG")
    names = ("config.toml", "keys.toml", "mailing.sqlite3", "posts/post-1.md", "outbox/new", ".publisher/last.txt")
    ways = ("../{}", "%2e%2e/{}", "..%2f{}", "..%5c{}", "/../{}", "./../{}", "%252e%252e/{}", "assets/../../{}", "{}")
    inside = (".git/config", ".env", ".publisher/manifest.txt", "folder/", "folder", "assets/", "assets")
    with Serving(site) as server:
        asked = [way.format(name) for name in names for way in ways] + [*inside, "../../../../etc/passwd"]
        for path in asked:
            reply = asyncio.run(ask(server.url, "GET", path))
            assert reply.status in {400, 404}, path
            assert not any(words in reply.text for words in ("root:", "[site]", "[core]", "SECRET", "title =")), path
            assert "picture.png" not in reply.text


def test_the_output_is_told_for_what_it_is(site: Path) -> None:
    for name, content in {
        "a.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "b.js": "1",
        "c.php": "<?php 1; ?>",
    }.items():
        write(site, f"static/{name}", content)
    with Serving(site) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for path in ("/", "/feed.xml", "/atom.xml", "/feed.json", "/a.svg", "/b.js", "/c.php", "/post-1/", "/nothing"):
            answer = client.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            kind = answer.headers["content-type"]
            assert "charset=" in kind or "json" in kind or "octet-stream" in kind, path
            assert "server" not in answer.headers
        assert client.get("/c.php").text == "<?php 1; ?>"  # read, and never run
        for path in ("/", "/feed.xml", "/subscribe", "/admin", "/nothing"):
            traced = client.request("TRACE", path, headers={"X-Secret": "echo"})
            assert traced.status_code in {404, 405}
            assert "echo" not in traced.text


def test_no_visitor_can_make_the_server_speak_to_others(site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere, Serving(site) as server:
        elsewhere.setblocking(False)
        host = f"127.0.0.1:{elsewhere.getsockname()[1]}"
        url = f"http://{host}/x"
        told = {"X-Forwarded-Host": host, "Referer": url, "Origin": f"http://{host}", "X-Callback": url, "Via": host}
        with httpx.Client(base_url=server.url, headers={**SAFELY, **told}, trust_env=False) as client:
            for field in ("address", "digest", "cadence", "url", "callback"):
                client.post("/subscribe", data={field: url})
                client.post("/api/subscribe", json={"address": READER, field: url})
                client.get(f"/subscribe?{field}={url}")
            client.get("/feed.xml", headers={"User-Agent": f"Feedly/1.0 (+{url}; 7 subscribers)"})
        asyncio.run(ask(server.url, "GET", "feed.xml", Host=host))
        until(lambda: asyncio.run(ask(server.url, "GET", "readyz")).status == 200, "it is ready")
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_what_must_not_be_guessed_cannot_be(site: Path) -> None:
    with Serving(site) as server, httpx.Client(base_url=server.url, headers=SAFELY, trust_env=False) as client:
        honest = {"Sec-Fetch-Site": "same-origin"}
        cookies = [
            client.post("/admin/login", data={"token": TOKEN}, headers=honest).headers["set-cookie"] for _ in range(3)
        ]
    ids = {cookie.partition("=")[2].partition(".")[0] for cookie in cookies}
    assert len(ids) == 3
    assert all(len(urlsafe_b64decode(each + "==")) * 8 >= 128 for each in ids)
    tokens = {subscribe.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(urlsafe_b64decode(each + "==")) * 8 >= 128 for each in tokens)
    assert all(len(urlsafe_b64decode(key + "==")) * 8 >= 128 for key in keys_of(site))


# What is shipped


def test_the_proxies_speak_tls_alone_and_have_browsers_insist_on_it() -> None:
    nginx = (CHECKOUT / "docs/deploy/nginx.conf").read_text("utf-8")
    assert re.findall(r"^\s*ssl_protocols (.+);", nginx, re.MULTILINE) == ["TLSv1.2 TLSv1.3"]
    plain = next(block for block in nginx.split("server {")[1:] if "listen 80;" in block)
    assert "return 301 https://" in plain
    assert "proxy_pass" not in plain
    caddy = (CHECKOUT / "docs/deploy/Caddyfile").read_text("utf-8")
    assert "http://" not in caddy  # Caddy's own way: TLS 1.2 and later, and plain http is sent on
    for text in (nginx, caddy):
        assert re.search(r'Strict-Transport-Security "max-age=31536000"', text)


def test_the_server_is_reached_from_this_machine_alone_unless_told_otherwise() -> None:
    assert WebSettings().host == "127.0.0.1"
    assert (WebSettings().trusted_proxies, WebSettings().allow_origins) == ((), ())


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for group in project["optional-dependencies"].values() for each in group),
    ]
    pins = (CHECKOUT / "constraints.txt").read_text("utf-8").split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    pinned = {_plain(pin.partition("==")[0]) for pin in pins}
    needed = {_plain(re.split(r"[<>=;\[~! ]", each)[0]) for each in wanted}
    assert needed - pinned - {"publisher-feeds"} == set()
    makefile = (CHECKOUT / "Makefile").read_text("utf-8")
    assert makefile.count("pip install") == makefile.count("--constraint constraints.txt")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_secret_is_in_the_repository_or_in_an_image() -> None:
    assert tracked_secrets(CHECKOUT, load(CHECKOUT)) == []
    for name in (".gitignore", ".dockerignore"):
        lines = {line.strip("/").removeprefix("**/") for line in (CHECKOUT / name).read_text("utf-8").splitlines()}
        for pattern in SECRETS:
            known = (pattern, f"{pattern}*", pattern.removesuffix("-wal") + "*", pattern.removesuffix("/*"))
            if name == ".dockerignore" or pattern not in {".env", "*.key", "*.pem"}:
                assert lines.intersection(known), (name, pattern)
    for path in shipped_files():
        text = path.read_text("utf-8", "replace")
        assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}", text), path
        assert not re.search(r'PUBLISHER_(?:ADMIN_TOKEN|SMTP_PASSWORD|SECRET_KEYS|ERASURE_KEY)\s*[=:]\s*"?\w', text), (
            path
        )


def shipped_files() -> Iterator[Path]:
    for folder in ("publisher", "docs", "templates", "posts"):
        yield from (
            path
            for path in (CHECKOUT / folder).rglob("*")
            if path.suffix in {".py", ".toml", ".yaml", ".conf", ".md", ".service"}
        )
    yield from (CHECKOUT / name for name in ("config.toml", "README.md", "Makefile", "docs/deploy/Dockerfile"))


def test_a_new_site_has_no_way_in_and_no_secret(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "site").code == 0
    texts = [path.read_text("utf-8", "replace") for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert not any(re.search(r"^\s*(?:admin_token|password)\s*=", text, re.MULTILINE) for text in texts)
    with Serving(tmp_path / "site", "--no-clock", PUBLISHER_ADMIN_TOKEN="") as server:
        for path in ("admin", "admin/login", "metrics"):
            assert asyncio.run(ask(server.url, "GET", path)).status == 404

"""docs/deploy/nginx.conf as it is offered, in front of the real server: what visitors meet, what is written down."""

from __future__ import annotations

import re
import shutil
import sqlite3
import ssl
import subprocess
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx
import pytest
import trustme

from tests.servers import LOCALHOST, free_port, shared_folder, until
from tests.sites import CHECKOUT, a_post, a_site, config_of, run, write
from tests.storm import HUMAN
from tests.web import TOKEN, WEB, Serving, links, mail_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READER = "ann@example.org"
ONE_CLICK = "List-Unsubscribe=One-Click"
LETTERS = 3
_PATIENCE = 60  # seconds
_CERTIFICATE = "/etc/letsencrypt/live/news.example.com/fullchain.pem"
_KEY = "/etc/letsencrypt/live/news.example.com/privkey.pem"

# What Debian's nginx.conf has around the files of sites-enabled, as far as it matters here.
_AROUND = """\
pid {prefix}/pid;
error_log {prefix}/error.log;
events {{}}
http {{
    access_log {prefix}/access.log;
    gzip on;
    include site.conf;
}}
"""


@dataclass
class Nginx:
    """Our nginx.conf, with ports, name, certificate and upstream put in, in a folder of its own."""

    prefix: Path
    upstream: int
    port: int
    plain_port: int
    authority: trustme.CA

    def __enter__(self) -> Self:
        self._write()
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        assert program, "nginx is among the packages that the tests need"
        ours = ["-p", str(self.prefix), "-e", f"{self.prefix}/error.log", "-c", f"{self.prefix}/nginx.conf"]
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", program, *ours, "-g", "daemon off;"], stderr=subprocess.DEVNULL
        )
        try:
            until(self._answers, "nginx answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)

    def visitor(self, address: str = LOCALHOST) -> httpx.Client:
        """A browser at an address of this machine; all of 127.0.0.0/8 are."""
        trusting = ssl.create_default_context()
        self.authority.configure_trust(trusting)
        transport = httpx.HTTPTransport(verify=trusting, local_address=address)
        return httpx.Client(transport=transport, base_url=f"https://localhost:{self.port}/")

    def logs(self) -> str:
        """All that was written down."""
        return "".join(path.read_text("utf-8", "replace") for path in self.prefix.glob("*.log"))

    def _write(self) -> None:
        certificate = self.authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(self.prefix / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.prefix / "chain.pem", append=True)
        text = (CHECKOUT / "docs" / "deploy" / "nginx.conf").read_text("utf-8")
        put_in = {
            _CERTIFICATE: str(self.prefix / "chain.pem"),
            _KEY: str(self.prefix / "key.pem"),
            "https://news.example.com$": f"https://localhost:{self.port}$",
            "server_name news.example.com": "server_name localhost",
            "127.0.0.1:8000": f"127.0.0.1:{self.upstream}",
        }
        for offered, ours in put_in.items():
            assert offered in text
            text = text.replace(offered, ours)
        ports = {"80": self.plain_port, "443": self.port}
        text = re.sub(r"(listen (?:\[::\]:)?)(80|443)\b", lambda found: f"{found[1]}{ports[found[2]]}", text)
        (self.prefix / "site.conf").write_text(text, "utf-8")
        (self.prefix / "nginx.conf").write_text(_AROUND.format(prefix=self.prefix), "utf-8")

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.prefix / "error.log").read_text("utf-8")
        try:
            with self.visitor() as client:
                return client.get("healthz").status_code == 200
        except httpx.TransportError:
            return False


@dataclass
class Standing:
    """A site that is on the net, as far as this machine is one."""

    site: Path
    server: Serving
    nginx: Nginx


@contextmanager
def on_the_net(folder: Path) -> Iterator[Standing]:
    port, plain_port = free_port(), free_port()
    web = (
        f'public_url = "https://localhost:{port}/"\ntrusted_proxies = ["127.0.0.1"]\nletters_per_network = {LETTERS}\n'
    )
    posts = {f"post-{number}.md": a_post(f"Post {number}", "Many words. " * 200) for number in range(1, 4)}
    site = a_site(folder / "site", posts, config_of(WEB + web))
    with Serving(site) as server, shared_folder() as prefix:
        upstream = urlsplit(server.url).port
        assert upstream
        with Nginx(prefix, upstream, port, plain_port, trustme.CA()) as nginx:
            yield Standing(site, server, nginx)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with on_the_net(tmp_path_factory.mktemp("net")) as made:
        yield made
        assert "Traceback" not in made.server.said


def subscribes(standing: Standing, visitor: httpx.Client, address: str) -> str:
    """Fill in the form as a person does; returns the link to confirm by."""
    form = visitor.get("subscribe")
    shown = monotonic()
    stamp = re.search(r'name="stamp" value="([^"]+)"', form.text)
    assert stamp
    until(lambda: monotonic() > shown + HUMAN, "a person has filled in the form")
    fields = {"address": address, "stamp": stamp[1], "digest": "weekly", "cadence": "weekly"}
    sent = visitor.post("subscribe", data=fields)
    assert (sent.status_code, sent.headers["location"]) == (303, "/subscribe/sent")
    assert "Look in your mail" in visitor.get(sent.headers["location"]).text
    return next(link for link in links(mail_to(standing.site, address, "")) if "/confirm/" in link)


def state_of(site: Path, address: str) -> str:
    query = "SELECT state FROM subscription JOIN subscriber ON subscriber = id WHERE address = ?"
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        (state,) = store.execute(query, (address,)).fetchone()
    return str(state)


def sends(site: Path) -> None:
    done = run(site, "digest", "send", "weekly", "--cadence", "weekly", "--yes")
    assert done.code == 0, done


def test_somebody_subscribes_confirms_and_leaves_with_one_click_and_no_log_holds_a_token(tmp_path: Path) -> None:
    with on_the_net(tmp_path) as standing, standing.nginx.visitor("127.0.3.1") as visitor:
        site, nginx = standing.site, standing.nginx
        confirmation = subscribes(standing, visitor, READER)
        assert confirmation.startswith(f"https://localhost:{nginx.port}/confirm/")
        asked = visitor.get(confirmation)
        assert asked.status_code == 200
        assert state_of(site, READER) == "pending"
        assert visitor.post(confirmation).status_code == 200
        assert state_of(site, READER) == "confirmed"

        sends(site)
        issue = mail_to(site, READER, "Everything new")
        found = re.search(r"<(https://[^>]+)>", str(issue["List-Unsubscribe"]))
        assert found
        unsubscribe = found[1]
        assert issue["List-Unsubscribe-Post"] == ONE_CLICK
        assert visitor.get(unsubscribe).status_code == 200
        assert state_of(site, READER) == "confirmed"
        fields = ONE_CLICK.split("=")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        left = visitor.post(unsubscribe, content=ONE_CLICK, headers=form)
        assert (left.status_code, "set-cookie" in left.headers) == (200, False)
        assert state_of(site, READER) == "unsubscribed"
        assert visitor.post(unsubscribe, files={fields[0]: (None, fields[1])}).status_code == 200
        assert not visitor.cookies

        tokens = [urlsplit(link).path.rpartition("/")[2] for link in (confirmation, unsubscribe)]
        links_go_wrong(standing, visitor, [confirmation, unsubscribe])
        kept = b"".join(path.read_bytes() for path in site.glob("mailing.sqlite3*"))
        for known in ("127.0.3.", str(visitor.headers["User-Agent"])):  # of whoever sits before the browser
            assert known.encode() not in kept
            assert known not in standing.server.said
        for token in tokens:
            assert token not in nginx.logs()
            assert token not in standing.server.said


def links_go_wrong(standing: Standing, visitor: httpx.Client, addresses: list[str]) -> None:
    """In every way that nginx has something to say about: by http, too large, with nobody behind it."""
    nginx = standing.nginx
    for address in addresses:
        plain = address.replace(f"https://localhost:{nginx.port}", f"http://localhost:{nginx.plain_port}")
        moved = httpx.get(plain)
        assert (moved.status_code, moved.headers["location"]) == (301, address)
        assert visitor.post(address, content=b"x" * 70_000).status_code == 413
    standing.server.stop()
    for address in addresses:
        assert visitor.get(address).status_code == 502


def test_plain_http_leads_to_https(standing: Standing) -> None:
    nginx = standing.nginx
    for method in ("GET", "HEAD", "POST"):
        moved = httpx.request(method, f"http://localhost:{nginx.plain_port}/subscribe?digest=weekly")
        assert moved.status_code == 301
        assert moved.headers["location"] == f"https://localhost:{nginx.port}/subscribe?digest=weekly"


def test_browsers_are_told_to_keep_to_https_once_whatever_they_look_at(standing: Standing) -> None:
    with standing.nginx.visitor() as visitor:
        for path in ("", "feed.xml", "subscribe", "admin", "issues/", "api/openapi.json", "nowhere"):
            answer = visitor.get(path)
            assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"], path


def test_the_authors_cookie_is_for_this_host_by_https_and_for_its_own_pages_alone(standing: Standing) -> None:
    with standing.nginx.visitor("127.0.4.1") as author:
        home = f"https://localhost:{standing.nginx.port}"
        assert author.get("admin").headers["location"] == "/admin/login"
        assert author.post("admin/login", data={"token": "not the token"}).status_code == 403
        strange = author.post("admin/login", data={"token": TOKEN}, headers={"Origin": "https://evil.example"})
        assert (strange.status_code, strange.headers.get("set-cookie")) == (403, None)
        entered = author.post("admin/login", data={"token": TOKEN}, headers={"Origin": home})
        assert (entered.status_code, entered.headers["location"]) == (303, "/admin")
        name, *said = entered.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-publisher=")
        assert {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"} <= set(said)
        assert not any(each.lower().startswith("domain") for each in said)
        assert author.get("admin").status_code == 200
        assert author.get("admin/feeds").status_code == 200
    with httpx.Client(base_url=standing.server.url) as around:  # past nginx there is no https, and this is no browser's
        answer = around.post("admin/login", data={"token": TOKEN}, headers={"X-Forwarded-Proto": "http"})
        assert "set-cookie" not in answer.headers


CLAIMS = (
    {"X-Forwarded-For": "198.51.{}.7"},
    {"X-Forwarded-For": "198.51.{}.7, 203.0.{}.9"},
    {"X-Real-IP": "198.51.{}.7"},
    {"Forwarded": "for=198.51.{}.7;proto=https"},
    {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=198.51.{}.7", "X-Real-IP": "198.51.{}.8"},
)


@pytest.mark.parametrize("which", range(len(CLAIMS)), ids=lambda which: " ".join(CLAIMS[which]))
def test_the_limit_counts_the_network_that_nginx_sees_not_one_that_is_claimed(standing: Standing, which: int) -> None:
    claims, mine = CLAIMS[which], 10 + 2 * which  # networks of this test alone

    def asks(address: str, number: int) -> int:
        wanted = {"address": f"reader{mine}-{number}@example.org", "digest": "weekly", "cadence": "weekly"}
        said = {name: claim.replace("{}", str(number)) for name, claim in claims.items()}
        with standing.nginx.visitor(address) as visitor:
            return visitor.post("api/subscribe", json=wanted, headers=said).status_code

    assert [asks(f"127.0.{mine}.1", number) for number in range(LETTERS + 2)] == [*[202] * LETTERS, 429, 429]
    assert asks(f"127.0.{mine}.99", 50) == 429  # a neighbour
    assert asks(f"127.0.{mine + 1}.1", 60) == 202  # somebody else


def test_feeds_keep_their_tags_and_nothing_new_is_said_through_it(standing: Standing) -> None:
    with standing.nginx.visitor() as visitor, httpx.Client(base_url=standing.server.url) as direct:
        for name in ("feed.xml", "atom.xml", "feed.json"):
            for coding in ("identity", "gzip", "br"):
                accept = {"Accept-Encoding": coding}
                through, bare = visitor.get(name, headers=accept), direct.get(name, headers=accept)
                for header in ("etag", "last-modified", "content-type", "content-length", "vary", "cache-control"):
                    assert through.headers[header] == bare.headers[header], (name, coding, header)
                assert through.headers.get("content-encoding", "identity") == coding
                assert through.content == bare.content
                tag, since = through.headers["etag"], through.headers["last-modified"]
                assert not tag.startswith("W/")
                for known in ({"If-None-Match": tag}, {"If-Modified-Since": since}):
                    unchanged = visitor.get(name, headers={**accept, **known})
                    assert (unchanged.status_code, unchanged.content) == (304, b"")
                    assert unchanged.headers["etag"] == tag
                assert visitor.head(name, headers=accept).headers["etag"] == tag


def test_a_recording_is_sent_in_parts_through_it(tmp_path: Path) -> None:
    with on_the_net(tmp_path) as standing, standing.nginx.visitor() as visitor:
        sound = bytes(number * number % 251 for number in range(200_000))
        write(standing.site, "static/talk.mp3", sound)
        assert run(standing.site, "publish", "-q").code == 0
        until(lambda: visitor.head("talk.mp3").status_code == 200, "the recording is served")
        part = visitor.get("talk.mp3", headers={"Range": "bytes=1000-1999"})
        assert (part.status_code, part.content) == (206, sound[1000:2000])

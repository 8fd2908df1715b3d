"""README's "When something changes", list by list, over a site that is served: nobody's feed, mail or link is lost."""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import ssl
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import feedparser
import httpx
import pytest
import trustme

from tests.e2e.test_behind_nginx import Nginx, state_of
from tests.servers import LOCALHOST, free_port, shared_folder, until
from tests.sites import CHECKOUT, Done, a_post, a_site, config_of, run, write
from tests.web import WEB, Serving, links, mail_to, mails

if TYPE_CHECKING:
    from pathlib import Path

README = (CHECKOUT / "README.md").read_text("utf-8")
SECTION = README[README.index("## When something changes") : README.index("## Templates")]
OLD, NEW = "https://old.test/", "https://new.test/"
ANN, BEN, CLEO = (f"{name}@example.org" for name in ("ann", "ben", "cleo"))
FEEDS = ("feed.xml", "atom.xml", "feed.json")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
POSTS = {
    "one.md": a_post("One", "The first. [Two](two.md)", tags=["talk"]),
    "two.md": a_post("Two", date="2024-02-06"),
    "hour.md": "---\ntitle: At an hour\ndate: 2024-03-01 10:00:00\n---\nWords.\n",
    "zoned.md": "---\ntitle: With a zone\ndate: 2024-03-02T10:00:00+02:00\n---\nWords.\n",
}


def steps(begin: str) -> list[list[str]]:
    """The commands of one list, in their order."""
    part = SECTION[SECTION.index(f"**{begin}**") :]
    part = part[: found.start() + 2] if (found := re.search(r"^\*\*", part[2:], re.MULTILINE)) else part
    found_commands = re.findall(r"`((?:publisher|publish)(?: [^`]*)?)`", part)
    words = [shlex.split(one.replace("\n", " ")) for one in found_commands]
    return [one if one[0] == "publish" else one[1:] for one in words]


def does(site: Path, words: list[str], *more: str, code: int = 0) -> Done:
    done = run(site, *words, *more)
    assert done.code == code, done
    return done


def configured(site: Path, *exchanges: tuple[str, str]) -> None:
    """Change config.toml as an author would."""
    path = site / "config.toml"
    text = path.read_text("utf-8")
    for before, after in exchanges:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, "utf-8")


@dataclass
class Life:
    """A site that has been running for a while: what its readers hold of it."""

    site: Path
    documents: dict[str, bytes]
    leave: str  # from the head of Ann's issue
    view: str
    confirm: str  # Ben has not answered yet
    settings: str  # Cleo's own page

    def ids(self, name: str = "atom.xml") -> list[str]:
        return ids_in((self.site / "public" / name).read_bytes())

    def dates(self) -> dict[str, str]:
        found = json.loads((self.site / "public/feed.json").read_bytes())["items"]
        return {item["title"]: item["date_published"] for item in found}

    def sends(self) -> None:
        does(self.site, ["digest", "send", "weekly", "--cadence", "weekly", "--yes"])


def ids_in(document: bytes) -> list[str]:
    read = feedparser.parse(document)
    return [read.feed.get("id", ""), *(entry.id for entry in read.entries)]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    config = config_of(f'{WEB}public_url = "{OLD}"\n', base_url=OLD, timezone="America/Los_Angeles")
    site = a_site(tmp_path / "site", POSTS, config.replace("digest@example.com", "digest@old-notebook.net"))
    does(site, ["publish", "-q"])
    for reader, ask in ((ANN, []), (BEN, ["--ask"]), (CLEO, ["--ask"])):
        does(site, ["subscribers", "add", reader, "--digest", "weekly", "--cadence", "weekly", *ask])
    does(site, ["digest", "send", "weekly", "--cadence", "weekly", "--yes"])
    with Serving(site) as server:
        confirm = {reader: link_of(site, reader, "/confirm/") for reader in (BEN, CLEO)}
        assert httpx.post(here(server, confirm[CLEO])).status_code == 200
        settings = link_of(site, CLEO, "/preferences/")
    issue = mail_to(site, ANN, "")
    leave = re.search(r"<(https://[^>]+)>", str(issue["List-Unsubscribe"]))
    assert leave
    documents = {path.relative_to(site / "public").as_posix(): path.read_bytes() for path in written(site)}
    view = next(link for link in links(issue) if "/issues/" in link)
    return Life(site, documents, leave[1], view, confirm[BEN], settings)


def written(site: Path) -> list[Path]:
    return [path for path in (site / "public").rglob("*") if path.is_file() and ".publisher" not in path.parts]


def link_of(site: Path, reader: str, holding: str) -> str:
    """Wait for a letter with such a link, which may be a second one to the same reader."""
    found: list[str] = []

    def has_come() -> bool:
        found[:] = [link for mail in mails(site, reader) for link in links(mail) if holding in link]
        return bool(found)

    until(has_come, f"{holding} came to {reader}")
    return found[0]


def here(server: Serving, url: str) -> str:
    """A public address on this machine."""
    return server.url.rstrip("/") + urlsplit(url).path


def changes_nothing_for_readers(done: Done) -> None:
    assert "readers would notice nothing that they should not" in done.out
    assert "updated in place" in done.out


def gets_another(life: Life, reader: str) -> bool:
    """Whether another issue goes to a reader, though nothing is new."""
    before = len(mails(life.site, reader))
    life.sends()
    return len(mails(life.site, reader)) > before


# A new domain


class Moved(Nginx):
    """docs/deploy/nginx-moved.conf at the old name, the new one being this machine's ``new``."""

    new = NEW

    def _write(self) -> None:
        super()._write()
        text = (CHECKOUT / "docs/deploy/nginx-moved.conf").read_text("utf-8")
        upstream = f"upstream publisher {{ server 127.0.0.1:{self.upstream}; }}\n"
        for offered, ours in {
            "/etc/letsencrypt/live/old.example.com/fullchain.pem": str(self.prefix / "chain.pem"),
            "/etc/letsencrypt/live/old.example.com/privkey.pem": str(self.prefix / "key.pem"),
            "server_name old.example.com": "server_name old.test",
            "https://news.example.com": self.new.rstrip("/"),
        }.items():
            assert offered in text
            text = text.replace(offered, ours)
        ports = {"80": self.plain_port, "443": self.port}
        text = re.sub(r"(listen (?:\[::\]:)?)(80|443)\b", lambda found: f"{found[1]}{ports[found[2]]}", text)
        (self.prefix / "site.conf").write_text(upstream + text, "utf-8")

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.prefix / "error.log").read_text("utf-8")
        try:
            with self.visitor() as client:
                return client.get("").status_code == 301
        except httpx.TransportError:
            return False

    def visitor(self, address: str = LOCALHOST) -> httpx.Client:
        trusting = ssl.create_default_context()
        self.authority.configure_trust(trusting)
        transport = httpx.HTTPTransport(verify=trusting, local_address=address)
        return httpx.Client(
            transport=transport, base_url=f"https://localhost:{self.port}/", headers={"Host": "old.test"}
        )


def test_a_new_domain(life: Life) -> None:
    site, before = life.site, life.ids()
    look, publishes, serves = steps("A new domain.")
    configured(site, (OLD, NEW))
    changes_nothing_for_readers(does(site, look))
    does(site, publishes)
    assert life.ids() == before
    assert serves == ["serve"]
    with Serving(site) as server, shared_folder() as prefix:
        upstream = urlsplit(server.url).port
        assert upstream
        with Moved(prefix, upstream, free_port(), free_port(), trustme.CA()) as nginx, nginx.visitor() as reader:
            the_old_name_leads_on(life, server, reader)
            links_of_old_mails_work(life, server, reader)
    assert not gets_another(life, CLEO)


def config_text(site: Path) -> str:
    return (site / "config.toml").read_text("utf-8")


def the_old_name_leads_on(life: Life, server: Serving, reader: httpx.Client) -> None:
    """Everything that stood there does, and the feeds are the same feeds."""
    for path in life.documents:
        moved = reader.get(path.removesuffix("index.html"))
        assert (moved.status_code, moved.headers["location"]) == (301, NEW + path.removesuffix("index.html"))
        assert httpx.get(here(server, moved.headers["location"]), follow_redirects=True).status_code == 200, path
    for name in FEEDS:
        found = httpx.get(here(server, NEW + name), headers={"Host": "new.test"}).content
        assert ids_in(found) == ids_in(life.documents[name])
        assert b"https://old.test/one/" in found, "an id"
        assert b'href="https://old.test/' not in found


def links_of_old_mails_work(life: Life, server: Serving, reader: httpx.Client) -> None:
    for link in (life.view, life.confirm, life.settings, life.leave):
        moved = reader.get(urlsplit(link).path)
        assert (moved.status_code, moved.headers["location"]) == (301, link.replace(OLD, NEW))
        assert httpx.get(here(server, link), headers={"Host": "new.test"}).status_code == 200
    ours = {"Host": "new.test", "Origin": NEW.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert httpx.post(here(server, life.confirm), headers=ours).status_code == 200
    assert state_of(life.site, BEN) == "confirmed"
    assert state_of(life.site, ANN) == "confirmed"
    left = reader.post(urlsplit(life.leave).path, data=ONE_CLICK)
    assert (left.status_code, left.history) == (200, [])
    assert state_of(life.site, ANN) == "unsubscribed"
    assert reader.post(urlsplit(life.confirm).path).status_code == 301  # what would become of it without the exception


# A new zone


def slots(site: Path) -> dict[str, dt.datetime]:
    found = json.loads(does(site, ["status", "--json"]).out)["due"]
    return {one["cadence"]: dt.datetime.fromisoformat(one["next_slot"]) for one in found}


def test_a_new_zone_of_the_clock_by_which_issues_go(life: Life) -> None:
    site, before, ids, kept = life.site, life.dates(), (life.site / "ids.toml").read_bytes(), slots(life.site)
    look, publishes = steps("A new zone.")
    configured(site, ("[digests.weekly]\n", '[digests.weekly]\ntimezone = "Asia/Tokyo"\n'))
    assert "readers would notice nothing that they should not" in does(site, look).out
    does(site, publishes)
    assert life.dates() == before
    assert (site / "ids.toml").read_bytes() == ids
    assert {path.relative_to(site / "public").as_posix(): path.read_bytes() for path in written(site)} == life.documents
    now = slots(site)
    assert kept["weekly"].astimezone(dt.UTC).hour in {16, 17}  # nine o'clock in Los Angeles
    assert now["weekly"].astimezone(dt.UTC).hour == 0  # nine o'clock in Tokyo
    write(site, "posts/new.md", a_post("New", date="2024-04-01T09:00:00+09:00"))
    does(site, publishes)
    assert life.dates() == before | {"New": "2024-04-01T00:00:00Z"}


def test_a_new_zone_of_the_site_itself(life: Life) -> None:
    site, before = life.site, life.dates()
    look, publishes = steps("A new zone.")
    configured(site, ('timezone = "America/Los_Angeles"', 'timezone = "Asia/Tokyo"'))
    said = does(site, look, code=1)
    moved = [title for title in before if f"      {title} | " in said.out]
    assert set(moved) == before.keys() - {"With a zone"}
    warned = does(site, ["publish", "--dry-run"])
    assert "timezone was America/Los_Angeles and is now Asia/Tokyo" in warned.err
    known = tomllib.loads((site / "ids.toml").read_text("utf-8"))["posts"]
    for path, record in known.items():
        if record["title"] in moved:
            post = site / "posts" / path
            moment = record["date"].isoformat().replace("+00:00", "Z")
            text = re.sub(r"^date(:| =).*$", rf"date\1 {moment}", post.read_text("utf-8"), count=1, flags=re.MULTILINE)
            post.write_text(text, "utf-8")
    assert "readers would notice nothing that they should not" in does(site, look).out
    does(site, publishes)
    assert life.dates() == before
    assert ids_in(life.documents["atom.xml"]) == life.ids()


# New permalinks


def test_new_permalinks(life: Life) -> None:
    site, before = life.site, life.ids()
    look, publishes, serves = steps("New permalinks.")
    pattern = '[posts]\npermalink = "{}"\n'
    exchanges = [("[posts]\n", pattern.format("/:year/:slug/")), ("/:year/:slug/", "/articles/:slug.html")]
    for exchange in exchanges:  # twice: the address before the last is one, too
        configured(site, exchange)
        changes_nothing_for_readers(does(site, look))
        assert "4 posts have a new address and keep their ids" in does(site, publishes).err
        assert life.ids() == before
    assert serves == ["serve"]
    with Serving(site) as server:
        for name in ("one", "two", "hour", "zoned"):
            for former in (f"{name}/", f"2024/{name}/"):
                moved = httpx.get(server.url + former)
                assert (moved.status_code, moved.headers["location"]) == (301, f"{OLD}articles/{name}.html")
                assert f"{OLD}articles/{name}.html" in (site / f"public/{former}index.html").read_text("utf-8")
                assert f"/{former}\t{OLD}articles/{name}.html" in (site / "public/.publisher/redirects.txt").read_text()
            assert httpx.get(f"{server.url}articles/{name}.html").status_code == 200
        for link in links(mail_to(site, ANN, "")):
            if link.startswith(OLD):
                assert httpx.get(here(server, link), follow_redirects=False).status_code in {200, 301}, link
    assert not gets_another(life, ANN)


# A new sender


def test_a_new_sender(life: Life) -> None:
    site = life.site
    sends, drafts, removes = steps("A new sender.")
    [first] = mails(site, ANN)
    write(site, "posts/new.md", a_post("New", date="2024-05-01"))
    does(site, ["publish", "-q"])
    pace = ["--cadence", "weekly"]
    named = [word.replace("conferences", "weekly") for word in drafts]
    does(site, named, *pace)
    configured(site, ("digest@old-notebook.net", "letter@new-notebook.net"))

    does(site, [word.replace("conferences", "weekly") for word in sends], *pace)
    copy = mail_to(site, "you@example.com", "")
    assert "letter@new-notebook.net" in str(copy["From"])
    does(site, named, *pace)
    does(site, ["digest", "approve", "weekly", "2"])
    does(site, ["digest", "send", "--due", "-q"])
    [_, second] = mails(site, ANN)
    assert "letter@new-notebook.net" in str(second["From"])
    assert "mailto:letter@new-notebook.net" in str(second["List-Unsubscribe"])
    assert str(second["List-Id"]) == str(first["List-Id"]) == "<weekly.old-notebook.net>"
    assert str(copy["List-Id"]) == str(first["List-Id"])
    assert str(second["Message-ID"]).endswith("@new-notebook.net>")
    assert [mail["Message-ID"] for mail in mails(site)].count(second["Message-ID"]) == 1

    with Serving(site) as server:
        assert httpx.post(here(server, life.confirm)).status_code == 200
        assert state_of(site, BEN) == "confirmed"
        assert httpx.get(here(server, life.settings)).status_code == 200
        assert httpx.get(here(server, life.view)).status_code == 200
        assert httpx.post(here(server, life.leave), data=ONE_CLICK).status_code == 200
        assert state_of(site, ANN) == "unsubscribed"
    does(site, [word.replace("reader@example.com", CLEO) for word in removes])
    assert state_of(site, CLEO) == "unsubscribed"


def test_a_list_that_was_tried_out_under_a_placeholder_is_named_after_its_home(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", POSTS, config_of(WEB))
    does(site, ["subscribers", "add", ANN, "--digest", "weekly", "--cadence", "weekly"])
    sending = ["digest", "send", "weekly", "--cadence", "weekly", "--yes"]
    does(site, sending)
    configured(site, ("digest@example.com", "letter@new-notebook.net"))
    write(site, "posts/new.md", a_post("New", date="2024-05-01"))
    does(site, sending)
    named = [str(mail["List-Id"]) for mail in mails(site, ANN)]
    assert named == ["<weekly.example.com>", "<weekly.new-notebook.net>"]

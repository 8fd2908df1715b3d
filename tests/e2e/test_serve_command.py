"""``publisher serve`` as its author meets it: what it says, what it leaves to others, and how it ends."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from publisher.flows import issuing
from publisher.store.database import open_store
from tests.servers import LOCALHOST, ScriptedServer, until
from tests.sites import a_post, a_site, config_of, run, write
from tests.web import WEB, Serving, links, mail_to, mails

if TYPE_CHECKING:
    from pathlib import Path

READER = {"address": "ann@example.org", "digest": "weekly", "cadence": "weekly"}


def a_served_site(folder: Path, more: str = "") -> Path:
    return a_site(folder, {"one.md": a_post("One"), "two.md": a_post("Two")}, config_of(WEB + more))


def states(site: Path, table: str = "delivery") -> dict[str, int]:
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        return dict(store.execute(f"SELECT state, count(*) FROM {table} GROUP BY state").fetchall())


def test_a_port_that_is_taken_is_named_with_its_key(tmp_path: Path) -> None:
    with socket.create_server((LOCALHOST, 0)) as other:
        port = other.getsockname()[1]
        site = a_site(tmp_path / "site", None, config_of(WEB.replace("port = 0", f"port = {port}")))
        done = run(site, "serve")
    assert done.code == 2
    assert f"[web] port: {port} is in use" in done.err
    assert "choose another port" in done.err


def test_faults_of_the_config_are_told_before_anything_listens(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", None, config_of(WEB + "logs = 'xml'\n"))
    done = run(site, "serve")
    assert done.code == 2
    assert "logs in [web]" in done.err


def test_logs_can_be_read_by_programs(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site", 'logs = "json"\n')
    write(site, "posts/broken.md", "+++\ntitle = \n+++\n")
    with Serving(site) as server:
        assert httpx.post(f"{server.url}api/subscribe", json=READER).status_code == 202
        mail_to(site, "ann@example.org", "")
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.lines]
    assert {"at", "level", "event", "text"} <= set.intersection(*(set(line) for line in lines))
    events = {(line["event"], line["level"]) for line in lines}
    assert {("start", "info"), ("start", "warning"), ("publish", "error"), ("pass", "info"), ("stop", "info")} <= events
    assert "ann@example.org" not in server.said


def test_without_its_clock_it_leaves_sending_to_cron(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site")
    assert run(site, "publish").code == 0
    with Serving(site, "--no-clock") as server:
        assert httpx.post(f"{server.url}api/subscribe", json=READER).status_code == 202
        until(lambda: states(site, "letter") == {"planned": 1}, "the letter is written")
        assert mails(site) == []
        assert run(site, "digest", "send", "--due").code == 0
        assert [str(mail["To"]) for mail in mails(site)] == ["ann@example.org"]


def test_what_changes_in_the_config_counts_at_once_and_what_is_broken_does_not(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site")
    config = site / "config.toml"
    good = config.read_text("utf-8")
    with Serving(site) as server:
        assert "Everything new" in httpx.get(f"{server.url}subscribe").text
        config.write_text("broken [", "utf-8")
        until(lambda: httpx.get(f"{server.url}subscribe").is_success and "not valid TOML" in server.said, "it is told")
        assert "Everything new" in httpx.get(f"{server.url}subscribe").text
        config.write_text(good.replace("Everything new", "All of it"), "utf-8")
        until(lambda: "All of it" in httpx.get(f"{server.url}subscribe").text, "the new title is shown")


def test_messages_under_way_are_finished_and_the_rest_waits_for_the_next_run(tmp_path: Path) -> None:
    with ScriptedServer() as relay:
        transport = f'transport = "smtp://127.0.0.1:{relay.port}"\nrate = 10\n[web]'
        site = a_site(tmp_path / "site", None, config_of(WEB.replace("[web]", transport)))
        write(site, "readers.csv", "email\n" + "".join(f"r{number}@example.org\n" for number in range(40)))
        assert run(site, "subscribers", "import", "readers.csv", "--digest", "weekly", "--cadence", "weekly").code == 0
        assert run(site, "digest", "draft", "weekly", "--cadence", "weekly").code == 0
        with closing(open_store("sqlite:///mailing.sqlite3", site)) as store:
            issuing.approve(store, "weekly", 1, datetime.now(UTC))  # the command would send it itself
        with Serving(site) as server:
            until(lambda: len(relay.received) >= 5, "some messages left")
            assert server.stop() == 0
            assert "Finishing what is under way" in server.said
        left = states(site)
        assert set(left) == {"sent", "planned"}
        assert left["sent"] == sum(one.recipients != ("digest@example.com",) for one in relay.received)
        with Serving(site):
            until(lambda: states(site) == {"sent": 40}, "the rest left")
        readers = [one.recipients for one in relay.received if one.recipients != ("digest@example.com",)]
    assert len(readers) == 40 == len(set(readers))


def test_a_token_that_is_too_short_opens_nothing_and_is_told(tmp_path: Path) -> None:
    with Serving(a_served_site(tmp_path / "site"), PUBLISHER_ADMIN_TOKEN="secret") as server:
        until(lambda: "PUBLISHER_ADMIN_TOKEN is shorter" in server.said, "it is told")
        assert httpx.post(f"{server.url}admin/login", data={"token": "secret"}).status_code in {404, 503}


def test_a_site_that_is_tried_out_can_be_subscribed_to_on_this_machine(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site")
    with Serving(site) as server:
        assert httpx.post(f"{server.url}api/subscribe", json=READER).status_code == 202
        link = next(link for link in links(mail_to(site, "ann@example.org", "")) if "/confirm/" in link)
        assert link.startswith(server.url)
        assert httpx.post(link).is_success
        assert "Letters link to this machine alone" in server.said


def test_letters_that_leave_the_machine_link_to_no_address_of_it(tmp_path: Path) -> None:
    with ScriptedServer() as relay:
        transport = f'transport = "smtp://127.0.0.1:{relay.port}"\n[web]'
        site = a_site(tmp_path / "site", None, config_of(WEB.replace("[web]", transport)))
        with Serving(site) as server:
            assert httpx.post(f"{server.url}api/subscribe", json=READER).status_code == 202
            until(lambda: bool(relay.received), "the letter left")
            assert "Letters cannot link here" in server.said
        assert b"127.0.0.1" not in relay.received[0].content.partition(b"\r\n\r\n")[2]

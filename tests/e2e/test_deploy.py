"""What docs/deploy/ offers starts what the README says: the unit, the image, and the proxies' files."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from publisher.cli.root import root
from publisher.config import parse
from tests.sites import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY = CHECKOUT / "docs" / "deploy"
README = (CHECKOUT / "README.md").read_text("utf-8")
VARIABLES = {"PUBLISHER_ADMIN_TOKEN", "PUBLISHER_SMTP_PASSWORD"}


class Unit(configparser.RawConfigParser):
    """A unit of systemd; keys keep their case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def the_unit() -> Unit:
    unit = Unit(strict=True)
    unit.read_string((DEPLOY / "publisher.service").read_text("utf-8"))
    return unit


def dockerfile() -> dict[str, str]:
    """The last of each instruction."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return dict(re.findall(r"^([A-Z]+) (.+)$", text, re.MULTILINE))


def parses(words: list[str]) -> bool:
    """Whether the command line takes these words."""
    context = root.make_context("publisher", list(words), resilient_parsing=True)
    name, command, rest = root.resolve_command(context, words)
    assert command is not None
    command.make_context(name, list(rest), resilient_parsing=True)
    return True


def test_the_unit_starts_the_server_and_waits_for_what_is_under_way() -> None:
    service = the_unit()["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/publisher")
    assert parses(words)
    assert int(service["TimeoutStopSec"]) >= 60
    assert service["ReadWritePaths"] == service["WorkingDirectory"]
    assert service["NoNewPrivileges"] == "true"


def test_the_image_starts_the_server_as_nobody_in_particular() -> None:
    made = dockerfile()
    assert json.loads(made["ENTRYPOINT"]) == ["publisher"]
    assert parses(json.loads(made["CMD"]))
    assert made["USER"] not in {"root", "0"}
    assert made["STOPSIGNAL"] == "SIGTERM"
    assert int(made["FROM"].split(":")[1].split("-")[0].split(".")[1]) >= 11
    assert "/readyz" in made["HEALTHCHECK"]


def test_the_compose_file_builds_that_image_and_keeps_secrets_in_the_environment() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["publisher"]
    build = (DEPLOY / service["build"]["context"]).resolve()
    assert build == CHECKOUT
    assert (build / service["build"]["dockerfile"]) == DEPLOY / "Dockerfile"
    assert set(service["environment"]) == VARIABLES
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["volumes"] == [f"{'${SITE:?the folder that holds config.toml}'}:{dockerfile()['WORKDIR']}"]


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_proxies_tell_the_truth_about_visitors_and_name_keys_that_exist(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    web = "\n".join(line.removeprefix("#").strip() for line in text.splitlines() if re.match(r"#   (\[|\w+ =)", line))
    settings = parse(f'[site]\ntitle = "A"\nbase_url = "https://blog.example.org/"\n{web}')
    assert settings.web.public_url == "https://news.example.com/"
    assert settings.web.trusted_proxies == ("127.0.0.1/32",)


def test_every_file_of_the_folder_is_named_in_the_readme() -> None:
    for path in DEPLOY.iterdir():
        assert f"docs/deploy/{path.name}" in README, path.name


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    key = tmp_path / "key.pem"
    certificate = tmp_path / "certificate.pem"
    subject = ("-subj", "/CN=news.example.com", "-days", "1", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], check=True, capture_output=True
    )
    text = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", str(certificate), text)
    text = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", str(key), text)
    whole = f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\nhttp {{\n{text}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole, "utf-8")
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "nginx is among the packages that the tests need"
    done = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-e", f"{tmp_path}/error.log", "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

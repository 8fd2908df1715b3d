"""A private PostgreSQL for the test run: begun when a test first asks, reached by its own socket, gone at the end."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import cache
from itertools import count
from pathlib import Path
from signal import SIGINT
from typing import LiteralString, NamedTuple

import psycopg
from psycopg.sql import SQL, Identifier

LOCKED = "locked"  # a role with a password, the only one that is asked for it
PASSWORD = "opensesame"
_HBA = f"local all {LOCKED} scram-sha-256\nlocal all all trust\n"
_PATIENCE = 60  # seconds until a server that does not answer is a fault; a busy machine takes some
_numbers = count(1)


class Place(NamedTuple):
    """Where a store is: the URL as config.toml has it, and the folder that the URL is relative to."""

    url: str
    folder: Path


def fresh_database() -> str:
    """Make an empty database; returns its URL."""
    name = f"site{next(_numbers)}"
    _administer("CREATE DATABASE {}", name)
    return url_of(name)


def drop_database(url: str) -> None:
    """Take a database away, whoever still uses it: a hundred of them fill a small disk."""
    _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", url.partition("@/")[2].partition("?")[0])


def url_of(database: str, user: str = "publisher", password: str = "") -> str:
    """Write the URL of a database of the private server, existing or not."""
    return f"postgresql://{user}{password and ':'}{password}@/{database}?host={_server()}"


def _administer(statement: LiteralString, name: str) -> None:
    with closing(psycopg.connect(url_of("postgres"), autocommit=True)) as connection:
        connection.execute(SQL(statement).format(Identifier(name)))


@cache
def _server() -> Path:
    """Start the server, once a process; returns the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="publisher-pg-"))
    data = folder / "data"
    if os.geteuid() == 0:  # PostgreSQL refuses to be root; Debian's package brings a user for it
        shutil.chown(folder, "postgres", "postgres")
    # ICU's order of letters differs from that of bytes, as it does on most servers.
    making = ["--username=publisher", "--auth=trust", "--no-sync", "--encoding=UTF8"]
    making += ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]
    subprocess.run([*_as_postgres("initdb"), *making, "-D", data], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    (data / "pg_hba.conf").write_text(_HBA, encoding="ascii")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "max_connections": "50",
        "timezone": "Pacific/Auckland",  # nothing may lean on a server that happens to live in UTC
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*_as_postgres("postgres"), *options, "-D", data], stderr=log, cwd=folder)
    atexit.register(_stop, server, folder, os.getpid())
    _wait(server, folder)
    return folder


def _as_postgres(program: str) -> list[str]:
    """The command of a server's program: never as root, and ended by the kernel if the test run is killed."""
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "QUIT", *user, str(_programs() / program)]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    if not found and elsewhere is None:
        raise FileNotFoundError("The tests need a PostgreSQL server. As root: apt-get install postgresql")
    return found[-1].parent if found else Path(str(elsewhere)).resolve().parent


def _wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(f"postgresql://publisher@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.02)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text(encoding='utf-8')}")


def _stop(server: subprocess.Popen[bytes], folder: Path, owner: int) -> None:
    if os.getpid() != owner:  # a forked child leaves, not the test run
        return
    server.send_signal(SIGINT)
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)

"""What `check` says of the web server: an address that leads nobody to it safely, and a token that opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.config import FILE as CONFIG
from publisher.model.problem import note, warning
from publisher.rules.hosts import is_loopback
from publisher.tokens import ADMIN_VARIABLE, admin_token_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.model.problem import Problem
    from publisher.model.settings import Settings


def check_web(settings: Settings, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Look at what readers and the author would meet over HTTP."""
    fault = admin_token_fault(environment.get(ADMIN_VARIABLE, ""))
    return (*_reach(settings), *((fault,) if fault else ()))


def _reach(settings: Settings) -> list[Problem]:
    url = urlsplit(settings.web_public_url)
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        said = "public_url in [web] is no https address: no one-click unsubscribing, and people's links can be read"
        remedy = "large mailboxes ask bulk senders for https: put the server behind a certificate"
        return [warning(CONFIG, 0, said, remedy)]
    if url.scheme == "https" or not settings.digests:
        return []
    if url.scheme:
        said = "public_url in [web] is this machine's own: links in mail work for nobody else"
        return [note(CONFIG, 0, said, "write the address that others reach it at, before you mail them")]
    said = "digests carry a mailto link to unsubscribe and no one-click link, since [web] has no public_url"
    remedy = "set public_url in [web] once a server of yours answers there; large mailboxes ask bulk senders for it"
    return [note(CONFIG, 0, said, remedy)]

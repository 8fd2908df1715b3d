"""What `check` says of the mailing: settings that no mail could leave with, templates with faults, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.config import FILE as CONFIG
from publisher.errors import MailError
from publisher.flows.digest import check_mail
from publisher.mail.rendering import check_templates
from publisher.mail.transports import transport
from publisher.model.problem import error
from publisher.templating import search_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from publisher.model.problem import Problem
    from publisher.model.settings import Settings

PASSWORD = "PUBLISHER_SMTP_PASSWORD"  # noqa: S105 - the name of a variable


def check_mailing(folder: Path, settings: Settings, environment: Mapping[str, str]) -> tuple[Problem, ...]:
    """Look at everything that an issue needs, before a reader misses it. A site without digests needs nothing."""
    if not settings.digests:
        return ()
    found: list[Problem] = []
    try:
        check_mail(settings)
        transport(settings.mail.transport, folder, environment.get(PASSWORD, ""))
    except MailError as fault:
        found.append(error(CONFIG, 0, fault.message, fault.remedy))
    return (*found, *check_templates(search_path(folder)))

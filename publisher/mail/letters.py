"""Letters: a question, a welcome, a goodbye, the link to somebody's own page, and an issue shown to its editor.

What they need of the templates is made once by ``letter_templates``. Where a letter offers to leave, the marker of
compose.py stands for the personal link.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.rendering import LETTERS, Templates
from publisher.mail.view import HeldView, day, letter_view, mailto_parts, time_of_day
from publisher.model.letter import LetterKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from publisher.model.issue import Content
    from publisher.model.settings import DigestSettings, SiteSettings

_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_STYLES = re.compile(r"<style\b[^>]*>.*?</style>", re.IGNORECASE | re.DOTALL)
NO_LINK = "(here goes each reader's own link)"


def letter_templates(folders: Sequence[Path]) -> Templates:
    """Read the templates of all letters. Raises TemplateError as Templates does."""
    return Templates(folders, LETTERS)


def confirmation(
    templates: Templates,
    site: SiteSettings,
    digest: DigestSettings,
    *,
    confirm_url: str,
    hours_valid: int,
    language: str = "",
    postal_address: str = "",
) -> Content:
    """Ask the owner of an address whether they want a digest. ``confirm_url`` is https or, with no web server, mailto.

    It holds no word that the person who filled in the form could have chosen.
    """
    to, subject = mailto_parts(confirm_url)
    view = replace(
        letter_view(site, digest, language=language, postal_address=postal_address),
        confirm_url=confirm_url,
        confirm_to=to,
        confirm_subject=subject,
        valid_for=span(hours_valid),
    )
    return templates.letter(LetterKind.CONFIRMATION.value, view)


def welcome(
    templates: Templates,
    site: SiteSettings,
    digest: DigestSettings,
    *,
    cadence: str = "",
    unsubscribe_url: str = UNSUBSCRIBE,
    settings_url: str = "",
    hours_valid: int = 0,
    language: str = "",
    postal_address: str = "",
) -> Content:
    """Greet a new reader. ``cadence`` is when the digest comes, in words: "Mondays at 09:00".

    ``settings_url`` is the reader's own page, empty where there is no web server, and works for ``hours_valid``.
    """
    view = replace(
        letter_view(site, digest, language=language, postal_address=postal_address),
        cadence=cadence,
        unsubscribe_url=unsubscribe_url,
        settings_url=settings_url,
        valid_for=span(hours_valid),
    )
    return templates.letter(LetterKind.WELCOME.value, view)


def own_page(
    templates: Templates,
    site: SiteSettings,
    *,
    settings_url: str,
    hours_valid: int,
    language: str = "",
    postal_address: str = "",
) -> Content:
    """Bring somebody the link to their own page. It holds no word that whoever asked for it could have chosen."""
    view = replace(
        letter_view(site, None, language=language, postal_address=postal_address),
        settings_url=settings_url,
        valid_for=span(hours_valid),
    )
    return templates.letter(LetterKind.SETTINGS.value, view)


def goodbye(
    templates: Templates, site: SiteSettings, digest: DigestSettings, *, language: str = "", postal_address: str = ""
) -> Content:
    """Tell a reader that they are off the list, once."""
    view = letter_view(site, digest, language=language, postal_address=postal_address)
    return templates.letter(LetterKind.GOODBYE.value, view)


def preview(
    templates: Templates,
    site: SiteSettings,
    digest: DigestSettings,
    issue: Content,
    *,
    number: int,
    entries: int,
    readers: int,
    release_at: datetime | None,
    reason: str,
    language: str = "",
) -> Content:
    """Show the editor an issue that is held, below a box that says what it is and what can be done.

    ``release_at`` is when its hold ends (aware UTC), None when it waits for approval. The editor is no reader: the
    personal links of ``issue`` lead nowhere.
    """
    name = shlex.quote(digest.name)
    held = HeldView(
        number=number,
        subject=issue.subject,
        entries=entries,
        readers=readers,
        when=_moment(release_at, site, digest) if release_at else "",
        reason=reason,
        approve=f"publisher digest approve {name} {number}",
        cancel=f"publisher digest cancel {name} {number}",
        draft=f"publisher digest draft {name}",
        text=issue.text.replace(UNSUBSCRIBE, NO_LINK),
    )
    view = replace(letter_view(site, digest, language=language), held=held)
    box = templates.letter(LetterKind.PREVIEW.value, view)
    return replace(box, html=_above(box.html, issue.html.replace(UNSUBSCRIBE, "#")))


def span(hours: int) -> str:
    """Write a span of time in the largest unit that it fills."""
    number, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _moment(moment: datetime, site: SiteSettings, digest: DigestSettings) -> str:
    return f"{day(moment, digest.timezone, site.language)} at {time_of_day(moment, digest.timezone)}"


def _above(box: str, page: str) -> str:
    """Put what stands in one page above what stands in another, with the styles it brings along."""
    styles = "".join(style for style in _STYLES.findall(box) if style not in page)
    start, end = _BODY.search(box), _BODY_END.search(box)
    inner = box[start.end() : end.start()] if start and end else box
    page = _HEAD_END.sub(lambda found: styles + found.group(), page, count=1)
    return _BODY.sub(lambda found: found.group() + inner, page, count=1)

"""Letters: what they say, and what they never do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from publisher.errors import TemplateError
from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.letters import NO_LINK, confirmation, goodbye, letter_templates, own_page, preview, span, welcome
from publisher.mail.rendering import Templates
from publisher.mail.view import issue_view, mailto_parts
from publisher.templating import packaged_templates, search_path
from tests.mailing import CONFERENCES, MAIL, NOON, item, settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from publisher.model.issue import Content
    from publisher.model.settings import DigestSettings

SITE = settings().site
OURS = (packaged_templates(),)
LETTERS = letter_templates(OURS)
LINK = "https://news.example.com/confirm/abc-DEF_123"
PAGE = "https://news.example.com/preferences/abc-DEF_123"
MAILTO = "mailto:digest@example.com?subject=confirm%20abc-DEF_123"


def asked(link: str = LINK, language: str = "") -> Content:
    return confirmation(
        LETTERS,
        SITE,
        CONFERENCES,
        confirm_url=link,
        hours_valid=168,
        postal_address=MAIL.postal_address,
        language=language,
    )


def issue() -> Content:
    view = issue_view(SITE, CONFERENCES, [item(2), item(1)], number=3, drafted=NOON, postal_address="")
    return Templates(OURS).render(view).content


def shown(release_at: datetime | None = None, digest: DigestSettings = CONFERENCES) -> Content:
    return preview(
        LETTERS,
        SITE,
        digest,
        issue(),
        number=3,
        entries=2,
        readers=1204,
        release_at=release_at,
        reason="it holds <far> more than usual",
    )


def words(page: str) -> str:
    """What is read of a page or a text, without its markup and its line breaks."""
    inner = re.sub(r"<(style|title)\b.*?</\1>|<!--.*?-->|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(inner.split())


def test_a_confirmation_asks_and_says_that_ignoring_it_is_enough() -> None:
    letter = asked()
    assert letter.subject == "Please confirm: Conference writeups by Field Notebook"
    for part in (letter.html, letter.text):
        for said in ("If it was not you, ignore this mail. That is enough", "works for 7 days", LINK, "Exampletown"):
            assert said in words(part) or said in part
    assert f'href="{LINK}"' in letter.html


def test_a_confirmation_offers_nothing_to_leave() -> None:
    letter = asked()
    assert "nsubscribe" not in letter.html + letter.text
    assert UNSUBSCRIBE not in letter.html + letter.text


def test_without_a_web_server_a_confirmation_is_answered_by_mail() -> None:
    letter = asked(MAILTO)
    assert f'href="{MAILTO}"' in letter.html
    for part in (letter.html, letter.text):
        assert "digest@example.com" in part
        assert "Your answer counts for 7 days" in words(part)
        assert "The link" not in words(part)
        assert "confirm abc-DEF_123" in part
        assert "with this subject:" in words(part)
    assert "mailto:" not in letter.text


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (MAILTO, ("digest@example.com", "confirm abc-DEF_123")),
        ("mailto:a%2Bb@example.com?subject=a+b%26c", ("a+b@example.com", "a+b&c")),
        ("mailto:a@example.com", ("a@example.com", "")),
        ("https://example.com/?subject=x", ("", "")),
    ],
)
def test_a_mailto_is_told_in_words(url: str, parts: tuple[str, str]) -> None:
    assert mailto_parts(url) == parts


def test_a_welcome_says_when_it_comes_and_how_to_leave() -> None:
    letter = welcome(LETTERS, SITE, CONFERENCES, cadence="Mondays at 09:00")
    assert letter.subject == "Welcome to Conference writeups"
    for part in (letter.html, letter.text):
        assert "When it comes: Mondays at 09:00. When nothing is new, there is no mail." in words(part)
        assert UNSUBSCRIBE in part

        assert "your own page" not in words(part)


def test_a_welcome_leads_to_the_readers_own_page_where_there_is_one() -> None:
    letter = welcome(LETTERS, SITE, CONFERENCES, settings_url=PAGE, hours_valid=720)
    for part in (letter.html, letter.text):
        assert "choose on your own page" in words(part)
        assert "The link works for 30 days, for whoever has it" in words(part)
        assert PAGE in part
    assert f'href="{PAGE}"' in letter.html


def test_the_way_to_ones_own_page_is_about_no_digest() -> None:
    letter = own_page(LETTERS, SITE, settings_url=PAGE, hours_valid=720, postal_address=MAIL.postal_address)
    assert letter.subject == "Your subscriptions at Field Notebook"
    for part in (letter.html, letter.text):
        for said in ("If it was not you who asked, ignore this mail", "works for 30 days", "Exampletown", PAGE):
            assert said in words(part) or said in part
        assert "is a digest by" not in words(part)
        assert "nsubscribe" not in part
        assert UNSUBSCRIBE not in part
    assert f'href="{PAGE}"' in letter.html


def test_a_goodbye_is_the_last_word_and_has_no_link_to_leave() -> None:
    letter = goodbye(LETTERS, SITE, CONFERENCES)
    assert letter.subject == "You have left Conference writeups"
    for part in (letter.html, letter.text):
        assert "No further issue will be sent to you" in words(part)
        assert "https://example.com/" in part
        assert "nsubscribe" not in part


def test_a_preview_says_what_is_held_and_which_commands_there_are() -> None:
    letter = shown()
    assert letter.subject == "Preview of Conference writeups 3: waits for your approval"
    for part in (words(letter.html), words(letter.text.replace("<", "&lt;").replace(">", "&gt;"))):
        for said in (
            *("Conference writeups, issue 3", "1204", "when you approve it", "it holds &lt;far&gt; more than usual"),
            *(
                "publisher digest approve conferences 3",
                "publisher digest cancel conferences 3",
                "publisher digest draft conferences",
                issue().subject,
            ),
        ):
            assert said in part
        assert part.index("publisher digest draft") < part.index("What number 2 is about.")


def test_a_preview_says_when_the_issue_goes_out_in_the_zone_of_its_digest() -> None:
    letter = shown(NOON + timedelta(hours=2))
    when = "23 November 2026 at 06:00 (America/Los_Angeles)"
    assert letter.subject == f"Preview of Conference writeups 3: goes out {when}"
    assert when in words(letter.html)
    assert when in words(letter.text)


def test_a_preview_is_one_page_of_the_box_and_the_issue_as_it_is() -> None:
    page = shown().html
    for once in ("<html ", "<head>", "</head>", "<body ", "</body>", "<title>"):
        assert page.count(once) == 1
    whole = issue().html.replace(UNSUBSCRIBE, "#")
    assert whole[whole.index("<body") :].partition(">")[2] in page
    assert len(page.encode()) - len(whole.encode()) < 7_000  # an issue may have 95 KB, and clipping begins at 102


def test_no_link_of_a_preview_unsubscribes_anybody() -> None:
    letter = shown()
    assert UNSUBSCRIBE not in letter.html + letter.text
    assert f"Unsubscribe: {NO_LINK}" in letter.text


def test_commands_can_be_pasted_whatever_a_digest_is_called() -> None:
    letter = shown(digest=replace(CONFERENCES, name="big news"))
    assert "publisher digest approve 'big news' 3" in letter.text


@pytest.mark.parametrize(
    ("hours", "told"), [(1, "1 hour"), (24, "1 day"), (36, "36 hours"), (48, "2 days"), (168, "7 days")]
)
def test_spans_are_told_in_plain_units(hours: int, told: str) -> None:
    assert span(hours) == told


def test_words_from_the_config_stay_words() -> None:
    digest = replace(CONFERENCES, title="<b>News & more</b> {{ x }}")
    for letter in (
        confirmation(LETTERS, SITE, digest, confirm_url=LINK, hours_valid=48),
        welcome(LETTERS, SITE, digest, cadence="<i>each</i>"),
        goodbye(LETTERS, SITE, digest),
    ):
        assert "&lt;b&gt;News &amp; more&lt;/b&gt; {{ x }}" in letter.html
        assert not re.search(r">[^<]*<b>News", letter.html)
        assert "<b>News & more</b> {{ x }}" in " ".join(letter.text.split())


def test_a_letter_has_the_language_it_is_asked_for() -> None:
    assert 'lang="he" dir="rtl"' in asked(language="he").html
    assert 'lang="en" dir="ltr"' in asked().html


def test_a_site_overrides_one_file_of_a_letter_and_keeps_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "welcome.txt.j2").write_text("Hallo, {{ letter.title }}: {{ letter.unsubscribe_url }}\n")
    (folder / "letter.foot.txt.j2").write_text("Tschüss")
    templates = letter_templates(search_path(tmp_path))
    letter = welcome(templates, SITE, CONFERENCES)
    assert letter.text == f"Hallo, Conference writeups: {UNSUBSCRIBE}\n"
    assert letter.html == welcome(LETTERS, SITE, CONFERENCES).html
    assert goodbye(templates, SITE, CONFERENCES).text.endswith("Tschüss\n")


def test_a_fault_of_a_letter_is_told_before_any_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "letter.mjml.j2").write_text('{% extends "mail/base.mjml.j2" %}\n<mj-text colour="red">a</mj-text>')
    with pytest.raises(TemplateError, match=r"letter\.mjml\.j2:2: error: <mj-text> knows no attribute colour"):
        letter_templates(search_path(tmp_path))

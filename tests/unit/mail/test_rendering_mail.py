"""The look of an issue as far as a machine can judge it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from publisher.errors import TemplateError
from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.mjml_html import faults
from publisher.mail.rendering import HTML, MOST_BYTES, Templates
from publisher.mail.view import issue_view
from publisher.templating import packaged_templates, search_path
from tests.mailing import CONFERENCES, MAIL, NOON, item, pictured, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from publisher.mail.rendering import Rendered
    from publisher.model.entry import Item
    from publisher.model.settings import DigestSettings

FULL = replace(CONFERENCES, content="full")


def rendered(items: Sequence[Item], digest: DigestSettings = CONFERENCES, language: str = "en") -> Rendered:
    view = issue_view(
        settings(language=language).site,
        digest,
        items,
        number=2,
        drafted=NOON,
        postal_address=MAIL.postal_address,
    )
    return Templates((packaged_templates(),)).render(view)


def test_html_and_text_say_the_same() -> None:
    picture = pictured(item(3, "Three"), "https://example.com/barn.jpg", "A barn")
    content = rendered([picture, item(2, "Two"), item(1, "One")]).content
    for part in (content.html, content.text):
        for said in (
            *("Three", "Two", "One", "What number 2 is about.", "A barn", "3 January 2026", "Robin Example"),
            *(
                "https://example.com/posts/1/",
                MAIL.postal_address,
                UNSUBSCRIBE,
                "hree pieces you have not seen yet.",
                "23 November 2026",
            ),
        ):
            assert said in part


def test_a_reader_can_leave_at_the_top_and_at_the_bottom() -> None:
    content = rendered([item(1)]).content
    for part in (content.html, content.text):
        assert part.count(UNSUBSCRIBE) == 2
        assert part.index(UNSUBSCRIBE) < part.index("Robin Example") < part.rindex(UNSUBSCRIBE)


def test_every_address_is_absolute_and_ours() -> None:
    page = rendered([pictured(item(1), "https://example.com/a.png", "")]).content.html
    found = re.findall(r'(?:href|src|url)\s*[=(]\s*["\']?([^"\')\s>]+)', page)
    assert {address.split("/")[2] for address in found} == {"example.com", "reader.publisher.invalid"}


def test_the_page_is_kind_to_eyes_and_screen_readers() -> None:
    page = rendered([pictured(item(1), "https://example.com/a.png", "A barn")], language="he").content.html
    assert 'lang="he" dir="rtl"' in page
    assert "<title>Conference writeups, issue 2</title>" in page
    assert '<meta name="color-scheme" content="light dark">' in page
    assert "prefers-color-scheme: dark" in page
    assert all('role="presentation"' in table for table in re.findall(r"<table[^>]*>", page))
    assert all("alt=" in picture for picture in re.findall(r"<img[^>]*>", page))
    sizes = [int(size) for size in re.findall(r"font-size: ?(\d+)px", page) if size not in {"0", "1"}]
    assert min(sizes) >= 14
    assert "font-size:17px;line-height:1.6" in page


def test_colours_keep_the_contrast_that_reading_needs() -> None:
    light = [("#24211c", "#fbf9f4"), ("#655e52", "#fbf9f4"), ("#a23f10", "#fbf9f4"), ("#171511", "#fbf9f4")]
    dark = [("#e9e4d9", "#171613"), ("#aba394", "#171613"), ("#f0a377", "#171613"), ("#e9e4d9", "#24221d")]
    for ink, paper in light + dark:
        assert contrast(ink, paper) >= 4.5, (ink, paper)
    source = packaged_source("issue.mjml.j2") + packaged_source("issue.css")
    named = {ink for pair in light + dark for ink in pair}
    borders = {"#ddd6c8", "#3a372f", "#4a463c", "#f2eee4", "#f6f1e6"}
    assert set(re.findall(r"#[0-9a-f]{6}\b", source)) == named | borders


def test_the_preheader_names_what_the_subject_does_not() -> None:
    content = rendered([item(3, "Three"), item(2, "Two"), item(1, "One")]).content
    assert content.subject == "Conference writeups: Three and two more"
    assert ">Two · One</div>" in content.html


def test_markup_in_words_stays_words() -> None:
    content = rendered([item(1, "<mj-button> & <b>bold</b> {{ x }}")]).content
    assert "&lt;mj-button&gt; &amp; &lt;b&gt;bold&lt;/b&gt; {{ x }}" in content.html
    assert "<mj-button> & <b>bold</b> {{ x }}" in content.text
    assert "<mj-button>" in content.subject


def test_whole_bodies_keep_html_that_mjml_would_refuse() -> None:
    body = '<details open><summary>s</summary><p>a<br>b<img src="https://example.com/x.png" alt=x></details><p>end'
    content = rendered([item(1, html=body)], FULL).content
    assert "<summary>s</summary>" in content.html
    assert "a<br>b" in content.html
    assert Balanced.of(content.html)


def test_a_post_that_wants_summaries_only_is_not_sent_whole() -> None:
    brief = item(1)
    brief = replace(brief, entry=replace(brief.entry, content="summary"))
    assert "The whole of number 1" not in rendered([brief], FULL).content.html


def test_bodies_too_large_for_mailboxes_give_way_to_summaries() -> None:
    done = rendered([item(1, html=f"<p>{'x' * MOST_BYTES}</p>"), item(2)], FULL)
    assert "summaries stand in" in done.warning
    assert "What number 1 is about." in done.content.html
    assert len(done.content.html.encode()) <= MOST_BYTES


def test_too_many_entries_are_named_and_the_last_are_counted() -> None:
    done = rendered([item(number) for number in range(300, 0, -1)])
    assert len(done.content.html.encode()) <= MOST_BYTES
    shown = done.content.html.count("Read it")
    assert 20 < shown < 200
    assert f"{300 - shown} of 300 entries" in done.warning
    for part in (done.content.html, done.content.text):
        assert f"and {200 - shown} more at" in part


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("<mjml>\n<mj-body>\n<mj-txt>a</mj-txt>\n</mj-body></mjml>", 3, "<mj-txt> is no MJML component"),
        ("<mjml>\n{% if x\n %}<mj-body>\n</mjml>", 4, "do not match up"),
        ("<mjml><mj-body>\n<mj-image src='{{ u }}' /></mj-body></mjml>", 2, "has no alt text"),
        ("<mjml>\n<mj-include path='/etc/passwd' /></mjml>", 2, "<mj-include> is no MJML component"),
    ],
)
def test_a_fault_of_a_template_is_told_with_its_line(template: str, line: int, words: str) -> None:
    found = faults(template, "issue.mjml.j2")
    assert [(problem.line, words in problem.message) for problem in found] == [(line, True)]


def test_the_shipped_templates_have_no_fault() -> None:
    assert faults(packaged_source("issue.mjml.j2"), HTML) == ()


def test_a_site_overrides_one_template_and_keeps_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "issue.subject.j2").write_text("Neu: {{ issue.entries[0].title }}")
    view = issue_view(settings().site, CONFERENCES, [item(1)], number=1, drafted=NOON, postal_address="")
    content = Templates(search_path(tmp_path)).render(view).content
    assert content.subject == "Neu: Post 1"
    assert "Read it" in content.html


def test_a_name_that_a_template_gets_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "mail"
    folder.mkdir(parents=True)
    (folder / "issue.txt.j2").write_text("one\n{{ issue.titel }}\n")
    view = issue_view(settings().site, CONFERENCES, [item(1)], number=1, drafted=NOON, postal_address="")
    with pytest.raises(TemplateError, match=r"issue\.txt\.j2:2: .*titel"):
        Templates(search_path(tmp_path)).render(view)


def packaged_source(name: str) -> str:
    return (packaged_templates() / "mail" / name).read_text()


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class Balanced(HTMLParser):
    """Whether every element that needs an end has one."""

    VOID = frozenset({"meta", "br", "img", "hr", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.good = True

    @classmethod
    def of(cls, page: str) -> bool:
        reader = cls()
        reader.feed(re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL))
        return reader.good and not reader.open

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self.good &= bool(self.open) and self.open.pop() == tag

"""The look of an issue as far as a machine can judge it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from publisher.errors import TemplateError
from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.mjml_html import faults
from publisher.mail.rendering import LETTERS, MOST_BYTES, Templates, check_templates
from publisher.mail.view import issue_view
from publisher.templating import packaged_templates, search_path
from tests.mailing import CONFERENCES, MAIL, NOON, item, pictured, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.mail.rendering import Rendered
    from publisher.model.entry import Item
    from publisher.model.settings import DigestSettings

FULL = replace(CONFERENCES, content="full")
NEWEST = replace(CONFERENCES, content="newest")
RICH = """<p>Words<sup>1</sup></p><h2>Two</h2><h4>Four</h4><ul><li>a<ol><li>b</li></ol></li></ul>
<pre><code>if it:
    indented()
</code></pre><table><tr><th>a</th></tr><tr><td>b</td></tr></table>"""
LETTER = '{% extends "mail/letter.mjml.j2" %}\n{% block words %}\n'
BROWSER = "https://news.example.com/issues/conferences/2"


def rendered(
    items: Sequence[Item], digest: DigestSettings = CONFERENCES, language: str = "en", browser_url: str = ""
) -> Rendered:
    view = issue_view(
        settings(language=language).site,
        digest,
        items,
        number=2,
        drafted=NOON,
        postal_address=MAIL.postal_address,
        browser_url=browser_url,
    )
    return Templates((packaged_templates(),)).render(view)


def site_templates(folder: Path, **sources: str) -> tuple[Path, ...]:
    """Write templates of a site's own (two underscores stand for a dot), and give the folders to look in."""
    mail = folder / "templates" / "mail"
    mail.mkdir(parents=True, exist_ok=True)
    for name, source in sources.items():
        (mail / f"{name.replace('__', '.')}.j2").write_text(source, encoding="utf-8")
    return search_path(folder)


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


def test_an_issue_can_be_read_in_a_browser_where_there_is_an_address() -> None:
    content = rendered([item(1)], browser_url=BROWSER).content
    assert f'href="{BROWSER}"' in content.html
    assert f"View in browser: {BROWSER}\n" in content.text
    content = rendered([item(1)]).content
    assert "browser" not in content.html + content.text


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
    assert "font-size:17px;line-height:1.6" in page


def test_what_is_read_is_set_in_at_least_16_px_and_what_is_said_beside_it_in_14() -> None:
    page = rendered([item(1, html=RICH)], FULL).content.html
    sizes = [int(size) for size in re.findall(r"font-size: ?(\d+)px", page) if size not in {"0", "1"}]
    assert min(size for size in sizes if size != 13) >= 14
    for tag in ("p", "li", "td", "th", "h2", "h4"):
        for style in re.findall(rf'<{tag} style="([^"]*)"', page[page.index('class="prose"') :]):
            said = re.search(r"font-size: ?(\d+)px", style)
            assert not said or int(said[1]) >= (14 if "color: #655e52" in style else 16)


def test_colours_keep_the_contrast_that_reading_needs() -> None:
    papers = {
        "light": (("#fbf9f4", "#f2eee4"), ("#24211c", "#655e52", "#a23f10", "#171511")),
        "dark": (("#171613", "#24221d"), ("#e9e4d9", "#aba394", "#f0a377", "#f6f1e6")),
    }
    pairs = [(ink, paper) for some, inks in papers.values() for paper in some for ink in inks]
    pairs += [("#ffffff", "#a23f10"), ("#24211c", "#ffffff")]  # the button, and commands
    for ink, paper in pairs:
        assert contrast(ink, paper) >= 4.5, (ink, paper)
    borders = {"#ddd6c8", "#3a372f", "#4a463c"}
    sources = [path.read_text() for path in (packaged_templates() / "mail").iterdir()]
    named = set(re.findall(r"(?<!&)#[0-9a-fA-F]{3,8}\b", "".join(sources)))
    assert named == {colour for pair in pairs for colour in pair} | borders


def test_a_dark_screen_finds_a_colour_for_whatever_has_one_on_paper() -> None:
    """Each class that style.css gives a colour has one in the rules for dark screens, by itself or its element."""
    dark = packaged_source("base.mjml.j2").partition("prefers-color-scheme: dark")[2]
    for selectors, rules in re.findall(r"^([^{}/*@]+)\{([^}]*)\}", packaged_source("style.css"), re.MULTILINE):
        if re.search(r"(?<![-\w])color:", rules):
            for selector in selectors.split(","):
                last = re.split(r"[\s>]+", selector.strip())[-1].lstrip(".")
                element, _, named = last.rpartition(".")
                assert re.search(rf"[.\s](?:{named}|{element or named})[ ,.{{]", dark), selector


def test_the_preheader_names_what_the_subject_does_not() -> None:
    content = rendered([item(3, "Three"), item(2, "Two"), item(1, "One")]).content
    assert content.subject == "Conference writeups: Three and two more"
    hidden = content.html.partition("</div>")[0].rpartition(">")[2]
    assert hidden.split("\u034f")[0].strip() == "Two · One"
    assert len(hidden) > 150  # nothing else of the mail follows on the line that mailboxes show


def test_the_preheader_of_a_single_entry_is_what_it_is_about() -> None:
    page = rendered([item(1)]).content.html
    assert page.index("What number 1 is about.") < page.index("Field Notebook")


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


def test_lists_and_code_keep_their_shape_where_padding_and_sheets_are_ignored() -> None:
    page = rendered([item(1, html=RICH)], FULL).content.html
    lists = re.findall(r'<[uo]l style="([^"]*)"', page)
    assert len(lists) == 2
    for style in lists:
        assert re.search(r"margin: ?0 0 14px 24px", style)
        assert re.search(r"padding: ?0(;|$)", style)
    (code,) = re.findall(r'<pre style="([^"]*)"', page)
    assert "white-space: pre-wrap" in code
    assert "word-wrap: break-word" in code
    assert "    indented()" in page


def test_what_is_written_from_the_right_is_indented_from_the_right() -> None:
    page = rendered([item(1, html="<ul><li>א</li></ul>")], FULL, language="he").content.html
    assert re.search(r'<ul style="[^"]*margin: ?0 24px 14px 0', page)


def test_pictures_keep_the_size_they_are_said_to_have_and_never_leave_the_column() -> None:
    body = (
        '<p><img src="https://example.com/a.png" alt="a" width="300" height="200">'
        '<img src="https://example.com/b.png" alt="b" width="1072" height="600">'
        '<img src="https://example.com/c.png" alt="c"></p>'
    )
    page = rendered([item(1, html=body)], FULL).content.html
    small, large, unknown = re.findall(r"<img[^>]*example[^>]*>", page)
    assert 'width="300" height="200"' in small
    assert 'width="536" height="300"' in large
    assert "width=" not in unknown.replace("max-width", "")
    for picture in (small, large, unknown):
        assert "max-width: 100%" in picture
        assert "height: auto" in picture


def test_an_entrys_picture_is_as_large_as_its_body_says() -> None:
    url = "https://example.com/a.png?x=1&y=2"
    told = '<p><img src="https://example.com/a.png?x=1&amp;y=2" alt="" width="1072" height="600"></p>'
    known = rendered([pictured(item(1, html=told), url, "A barn")]).content.html
    assert 'alt="A barn" width="536" height="300"' in known
    unknown = rendered([pictured(item(1), url, "A barn")]).content.html
    (tag,) = re.findall(r"<img[^>]*>", unknown)
    assert 'width="536"' in tag
    assert "width: auto" in tag.replace("width:auto", "width: auto")


def test_drawings_that_mailboxes_cannot_show_are_left_out() -> None:
    content = rendered([pictured(item(1), "https://example.com/a.svg?v=2", "A barn")]).content
    assert "A barn" not in content.html + content.text


def test_the_newest_is_whole_and_the_rest_is_a_list_by_title_and_date() -> None:
    content = rendered([item(3, "Three"), item(2, "Two"), item(1, "One")], NEWEST).content
    for part in (content.html, content.text):
        assert "The whole of number 3." in part
        assert not re.search("The whole of number [12]|What number", part)
        assert part.index("Also new") < part.index("Two", part.index("Also new")) < part.rindex("1 January 2026")
    assert "* Two\n  2 January 2026\n  https://example.com/posts/2/\n" in content.text
    assert content.subject == "Conference writeups: Three and two more"


def test_the_newest_is_short_where_its_author_wants_that() -> None:
    brief = item(2)
    brief = replace(brief, entry=replace(brief.entry, content="summary"))
    page = rendered([brief, item(1)], NEWEST).content.html
    assert "What number 2 is about." in page
    assert "The whole" not in page


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


LARGE = {
    "one huge": [item(500, html=f"<p>{'word ' * 40_000}</p>")],
    "one huge of many": [item(500, html=f"<p>{'word ' * 40_000}</p>"), item(2), item(1)],
    "endless summaries": [
        replace(plain, body=replace(plain.body, summary="long " * 20_000)) for plain in (item(3), item(2))
    ],
    "endless titles": [item(number, "&" * 190) for number in range(300, 0, -1)],
    "very many": [item(number) for number in range(1200, 0, -1)],
}
BRIEF, NAMED = "summaries stand in for full text", "are named by title only"
TOLD = {
    "one huge": {"summary": "", "full": BRIEF, "newest": BRIEF},
    "one huge of many": {"summary": "", "full": BRIEF, "newest": BRIEF},
    "endless summaries": {"summary": NAMED, "full": "", "newest": ""},
    "endless titles": {"summary": NAMED, "full": NAMED, "newest": NAMED},
    "very many": {"summary": NAMED, "full": NAMED, "newest": ""},
}


@pytest.mark.parametrize("content", ["summary", "full", "newest"])
@pytest.mark.parametrize("case", LARGE)
def test_no_mail_is_too_large_for_mailboxes_and_its_author_is_told(case: str, content: str) -> None:
    done = rendered(LARGE[case], replace(CONFERENCES, content=content))
    assert len(done.content.html.encode()) <= MOST_BYTES
    assert Balanced.of(done.content.html)
    assert done.warning.endswith(TOLD[case][content])
    assert bool(done.warning) == bool(TOLD[case][content])


def test_a_template_that_is_too_large_by_itself_is_told(tmp_path: Path) -> None:
    page = f"<mjml><mj-body><mj-raw><p>{'x' * MOST_BYTES}</p></mj-raw></mj-body></mjml>"
    folders = site_templates(tmp_path, issue__mjml=page)
    view = issue_view(settings().site, CONFERENCES, [item(1)], number=1, drafted=NOON, postal_address="")
    assert Templates(folders).render(view).warning.endswith("too large even so")


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("<mjml>\n<mj-body>\n<mj-txt>a</mj-txt>\n</mj-body></mjml>", 3, "<mj-txt> is no MJML component"),
        ("<mjml>\n{% if x\n %}<mj-body>\n</mjml>", 4, "do not match up"),
        ("<mjml>\n\n<mj-body>\n<mj-text>\n</mjml>", 5, "<mj-text> of line 4 is open"),
        ("<mjml>\n<mj-body>\n\n", 4, "do not match up"),
        ("<mjml><mj-body>\n<mj-image src='{{ u }}' /></mj-body></mjml>", 2, "has no alt text"),
        ("<mjml><mj-body>\n<p>\n<img src='{{ u }}'></p></mj-body></mjml>", 3, "has no alt text"),
        ("<mjml>\n<mj-include path='/etc/passwd' /></mjml>", 2, "<mj-include> is no MJML component"),
        ("<mjml>\n<mj-font name='X' href='https://f.example/x' /></mjml>", 2, "<mj-font> is no MJML component"),
        ("<mj-text\n padding='0' colour='#fff'>a</mj-text>", 1, "<mj-text> knows no attribute colour"),
        ("\n<mj-attributes><mj-all paddin='0' /></mj-attributes>", 2, "<mj-all> knows no attribute paddin"),
        ("<mj-head>\n<mj-style media='print'></mj-style></mj-head>", 2, "<mj-style> knows no attribute media"),
    ],
)
def test_a_fault_of_a_template_is_told_with_its_line(template: str, line: int, words: str) -> None:
    found = faults(template, "issue.mjml.j2")
    assert [(problem.line, words in problem.message) for problem in found] == [(line, True)]


@pytest.mark.parametrize(
    "template",
    [
        "{% block content %}<mj-text>a</mj-text>{% endblock %}\n{% block foot %}<mj-text>b</mj-text>{% endblock %}",
        '<mj-text {% if x %}align="left"{% else %}align="right"{% endif %} color="red">a</mj-text>',
        '<mj-text css-class="{{ "a>b" }}" mj-class="x">a &nbsp; b<br>c</mj-text>',
        '<mj-attributes><mj-image padding="0" /><mj-class name="x" color="red" src="y" /></mj-attributes>',
    ],
)
def test_parts_of_templates_and_choices_between_attributes_are_no_faults(template: str) -> None:
    assert faults(template, "part.mjml.j2") == ()


def test_the_shipped_templates_have_no_fault() -> None:
    assert check_templates((packaged_templates(),)) == ()


def test_all_faults_of_all_templates_are_told_at_once(tmp_path: Path) -> None:
    folders = site_templates(
        tmp_path,
        issue__subject="{{ issue.title",
        issue__txt="{{ issue.titel }}\n\n{% for entry in issue.entries %}\n{{ entry.autor | upper }}\n{% endfor %}",
        goodbye__mjml=f"{LETTER}<mj-txt>{{{{ nobody }}}}</mj-txt>\n{{% endblock %}}",
        goodbye__txt='one\n{% include "mail/lost.txt.j2" %}',
        welcome__txt="{{ letter.title | shout }}",
        preview__txt="one\n{{ 1 / (letter.held.number - letter.held.number) }}",
        confirmation__subject="{{ letter.wher | default('x') }}{% if letter.confirm_to is defined %}y{% endif %}",
    )
    said = [(Path(problem.path).name, problem.line, problem.message) for problem in check_templates(folders)]
    wanted = [
        ("goodbye.mjml.j2", 3, "<mj-txt> is no MJML"),
        ("goodbye.txt.j2", 2, "no template named mail/lost.txt.j2"),
        ("issue.subject.j2", 1, "unexpected end"),
        ("welcome.txt.j2", 1, "shout"),
        ("issue.txt.j2", 1, "titel"),
        ("issue.txt.j2", 4, "autor"),
        ("goodbye.mjml.j2", 3, "nobody"),
        ("preview.txt.j2", 2, "division by zero"),
    ]
    assert [(name, line) for name, line, _ in said] == [(name, line) for name, line, _ in wanted]
    assert all(words in message for (*_, message), (*_, words) in zip(said, wanted, strict=True))


def test_an_undefined_name_in_mjml_is_told_where_it_stands(tmp_path: Path) -> None:
    folders = site_templates(
        tmp_path,
        letter__foot__txt="{{ letter.total }}",
        goodbye__mjml=f"{LETTER}<p>{{{{ lettr.title }}}}</p>\n{{% endblock %}}",
    )
    said = [(Path(problem.path).name, problem.line) for problem in check_templates(folders)]
    assert sorted(said) == [("goodbye.mjml.j2", 3), ("letter.foot.txt.j2", 1)]


def test_a_template_that_is_not_text_is_told(tmp_path: Path) -> None:
    folders = site_templates(tmp_path)
    (tmp_path / "templates" / "mail" / "issue.txt.j2").write_bytes(b"\xff\xfe")
    (problem,) = check_templates(folders)
    assert "UTF-8" in problem.message
    with pytest.raises(TemplateError, match="UTF-8"):
        Templates(folders)


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("issue__txt", "a\n{% if %}", r"issue\.txt\.j2:2: error: "),
        ("issue__subject", "{{ issue.title | shout }}", r"issue\.subject\.j2:1: error: .*shout"),
        ("issue__lead__txt", "{% nonsense %}", r"issue\.lead\.txt\.j2:1: error: "),
        ("base__mjml", "<mjml>\n<mj-body color='red' /></mjml>", r"base\.mjml\.j2:2: error: .*attribute color"),
    ],
)
def test_no_issue_is_rendered_by_templates_with_faults(tmp_path: Path, name: str, source: str, told: str) -> None:
    folders = site_templates(tmp_path, **{name: source})
    with pytest.raises(TemplateError, match=told):
        Templates(folders)


def test_a_fault_in_a_letter_keeps_no_issue_back(tmp_path: Path) -> None:
    folders = site_templates(tmp_path, goodbye__txt="{% if %}")
    Templates(folders)
    with pytest.raises(TemplateError, match=r"goodbye\.txt\.j2:1"):
        Templates(folders, LETTERS)


def test_a_site_overrides_one_template_and_keeps_the_others(tmp_path: Path) -> None:
    folders = site_templates(tmp_path, issue__subject="Neu: {{ issue.entries[0].title }}")
    view = issue_view(settings().site, CONFERENCES, [item(1)], number=1, drafted=NOON, postal_address="")
    content = Templates(folders).render(view).content
    assert content.subject == "Neu: Post 1"
    assert "Read it" in content.html


def test_a_name_that_a_template_gets_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    folders = site_templates(tmp_path, issue__txt="one\n{{ issue.titel }}\n")
    view = issue_view(settings().site, CONFERENCES, [item(1)], number=1, drafted=NOON, postal_address="")
    with pytest.raises(TemplateError, match=r"issue\.txt\.j2:2: .*titel"):
        Templates(folders).render(view)


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

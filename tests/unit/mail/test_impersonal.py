"""What is cut out of an issue's content before everybody may read it, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from publisher.mail import impersonal
from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.rendering import Templates
from publisher.mail.view import issue_view
from publisher.templating import packaged_templates
from tests.mailing import CONFERENCES, MAIL, NOON, item, pictured, settings

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.model.issue import Content

URL = "https://mail.example.com/issues/conferences/2"
ENTRY = "https://example.com/posts/1/"
AWAY = f'<a href="{UNSUBSCRIBE}">Leave</a>'


def body(html: str) -> str:
    """What is left of a body."""
    page = f"<!DOCTYPE html><html><head></head><body>{html}</body></html>"
    return impersonal.page(page, URL, frozenset({ENTRY})).body


def content(*folders: Path, how: str = "summary") -> Content:
    items = (pictured(item(2), "https://example.com/a.jpg", "A"), item(1, html="<p>Long.</p><p>Words.</p>"))
    view = issue_view(
        settings().site,
        replace(CONFERENCES, content=how),
        items,
        number=2,
        drafted=NOON,
        postal_address=MAIL.postal_address,
        browser_url=URL,
    )
    return Templates([*folders, packaged_templates()]).render(view).content


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"<p>Yours: {AWAY}.</p><p>Stays.</p>", "<p>Stays.</p>"),
        (f"<p><b>Enough? {AWAY}</b></p><p>Stays.</p>", "<p>Stays.</p>"),
        (f"<p>One<br>Enough? {AWAY}<br>Three</p>", "<p>One<br>Three</p>"),
        (f"<p>Enough? {AWAY}<br>Two</p>", "<p>Two</p>"),
        (f"<p>One<br>Enough? {AWAY}</p>", "<p>One</p>"),
        (f"<ul><li>One</li><li>{AWAY}</li></ul>", "<ul><li>One</li></ul>"),
        (f"<p>One</p><ul><li>{AWAY}</li></ul>", "<p>One</p>"),
        (f"<div><p>One</p>{AWAY}</div>", "<div><p>One</p></div>"),
        (f'<p><a href="{ENTRY}">Post</a> {AWAY}</p>', f'<p><a href="{ENTRY}">Post</a> </p>'),
        (f"<p>{'Long. ' * 100}{AWAY}</p>", f"<p>{'Long. ' * 100}</p>"),
        (f"<p>To leave, open {UNSUBSCRIBE}</p><p>Stays.</p>", "<p>Stays.</p>"),
        (f"<p>{'Long. ' * 100}{UNSUBSCRIBE}.</p>", f"<p>{'Long. ' * 100}</p>"),
        (f'<p>One</p><img src="{UNSUBSCRIBE}/pixel">', "<p>One</p>"),
        (f'<p>One<img src="{UNSUBSCRIBE}"></p>', "<p>One</p>"),
        (f'<p>One</p><form action="{UNSUBSCRIBE}"><p>Leave?</p><button>Yes</button></form>', "<p>One</p>"),
        (f'<p title="{UNSUBSCRIBE}">One</p>', '<p title="">One</p>'),
        ('<p>One</p><p class="for personal use">Dear you</p>', "<p>One</p>"),
        ("<p>One</p><!-- a word in private -->", "<p>One</p>"),
        (f'<p>One</p><!--[if mso]><v:rect href="{UNSUBSCRIBE}"></v:rect><![endif]-->', "<p>One</p>"),
        ("<!--[if !mso]><!--><p>One</p><!--<![endif]-->", "<p>One</p>"),
        (f'<p>See <a href="{URL}">this in a browser</a>.</p><p>Stays.</p>', "<p>Stays.</p>"),
        (f'<p><a href="{URL}2">Another issue</a></p>', f'<p><a href="{URL}2">Another issue</a></p>'),
        ("<p></p><table><tr><td> </td></tr></table>", "<p></p><table><tr><td> </td></tr></table>"),
        (f"<table><tr><td>One</td><td>{AWAY}</td></tr></table>", "<table><tr><td>One</td><td></td></tr></table>"),
        (f"<p>One</p><table><tr><td>{AWAY}</td></tr></table>", "<p>One</p>"),
        (f"<div>One</div><div>Two <p>{AWAY}</p></div>", "<div>One</div><div>Two </div>"),
    ],
)
def test_the_line_around_a_personal_link_goes_and_nothing_else(before: str, after: str) -> None:
    assert body(before) == after


def test_what_surrounds_the_cuts_keeps_its_bytes() -> None:
    odd = "<P Class=x  data-a='\"'>Caf&eacute; &amp; é <br/>\r\n<B>bold</b></P>\n"
    assert body(odd + f"<p>{AWAY}</p>" + odd) == odd + odd


@pytest.mark.parametrize("page", ["", "words", "<p>words", f"{AWAY}", f"<p>{AWAY}", "</p></body>", "<html><body>words"])
def test_pages_that_are_none_do_no_harm(page: str) -> None:
    whole = impersonal.page(page, URL, frozenset()).whole
    assert UNSUBSCRIBE not in whole
    assert ("words" in whole) == ("words" in page)


def test_a_very_deep_page_is_read() -> None:
    deep = "<div>" * 5000 + f"<p>One</p><p>{AWAY}</p>" + "</div>" * 5000
    assert body(deep) == deep.replace(f"<p>{AWAY}</p>", "")


@pytest.mark.parametrize("how", ["summary", "full", "newest"])
def test_of_the_shipped_templates_only_what_is_personal_goes(how: str) -> None:
    made = content(how=how)
    page = impersonal.page(made.html, URL, frozenset({ENTRY})).whole
    for gone in (UNSUBSCRIBE, "invalid", URL, "Unsubscribe", "View in browser", "You get this", "<!--"):
        assert gone in made.html
        assert gone not in page
    for kept in (
        "Post 1",
        "Post 2",
        "Issue 2 · ",
        "1 Example Street",
        "prefers-color-scheme: dark",
        'class="masthead"',
    ):
        assert kept in page
    text = impersonal.text(made.text, URL, {ENTRY})
    for gone in (UNSUBSCRIBE, URL, "Unsubscribe", "View in browser", "You get this"):
        assert gone in made.text
        assert gone not in text
    for kept in ("Post 1", "Post 2", "issue 2, ", "1 Example Street", "pieces you have not seen"):
        assert kept in text


def test_mail_of_before_templates_knew_of_the_class_loses_the_same() -> None:
    made = content()
    before = made.html.replace('class="personal" ', "")
    assert before != made.html
    assert impersonal.page(before, URL, frozenset()) == impersonal.page(made.html, URL, frozenset())


OWN = """{% extends "mail/base.mjml.j2" %}
{% block title %}{{ issue.title }} UNSUB{% endblock %}
{% block preview %}At UNSUB{% endblock %}
{% block ways %}<a href="{{ issue.browser_url }}">Online</a> | <a title="UNSUB" href="UNSUB?top">Leave</a>{% endblock %}
{% block content %}
        <mj-text>A letter to you. Leave at UNSUB at any time.</mj-text>
        <mj-button href="UNSUB">Out</mj-button>
        <mj-image src="UNSUB/pixel.gif" alt="" />
        <mj-text>
          {% for entry in issue.entries %}<a href="{{ entry.url }}">{{ entry.title }}</a>, {% endfor %}
          <a href="UNSUB">no more</a>
        </mj-text>
        <mj-table><tr><td>Kept cell</td><td><a href="UNSUB">Leave by cell</a></td></tr></mj-table>
        <mj-text><!-- UNSUB --><form action="UNSUB" method="post"><button>Leave by form</button></form></mj-text>
{% endblock %}
{% block foot %}
          <p data-way="UNSUB">Kept line<br />Sent to you alone: <a href="UNSUB">leave</a><br />Kept too</p>
          <ul><li class="personal">Your number is one</li></ul>
{% endblock %}
""".replace("UNSUB", "{{ issue.unsubscribe_url }}")
OWN_TEXT = """{{ issue.title }} to you: {{ issue.unsubscribe_url }}
Kept head

{% for entry in issue.entries %}
{{ entry.title }} {{ entry.url }}
{% endfor %}

---

Whoever wants to leave
follows {{ issue.unsubscribe_url }}
and is gone.

Kept foot
"""


def test_of_a_sites_own_templates_too(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "issue.mjml.j2").write_text(OWN)
    (tmp_path / "mail" / "issue.txt.j2").write_text(OWN_TEXT)
    made = content(tmp_path)
    assert made.html.count(UNSUBSCRIBE) > 10
    page = impersonal.page(made.html, URL, frozenset({ENTRY})).whole
    for gone in (".invalid", "Leave", "Online", "Out", "no more", "to you", "leave", "Your number", URL):
        assert gone not in page, gone
    for kept in ("Conference writeups", "Post 1", "Post 2", "Kept cell", "Kept line", "Kept too", "1 Example Street"):
        assert kept in page, kept
    text = impersonal.text(made.text, URL, {ENTRY})
    assert text.split("\n\n") == ["Kept head", *text.split("\n\n")[1:-1], "Kept foot\n"]
    assert "Post 1 https://example.com/posts/1/" in text
    assert "leave" not in text
    assert ".invalid" not in text


def test_in_a_preview_personal_links_and_those_to_the_page_itself_lead_nowhere_and_all_else_stays() -> None:
    other = f'<a href="{URL}0">Another</a><a class="x" href="{ENTRY}">Post</a>'
    html = f'{AWAY}<a class="x" href="{URL}">View</a><a href=\'{URL}/\'>View</a>{other}'
    assert impersonal.inert(html, URL) == f'<a>Leave</a><a class="x">View</a><a>View</a>{other}'
    assert impersonal.inert(f'<a href="">x</a>{AWAY}', "") == '<a href="">x</a><a>Leave</a>'

"""Links in HTML written by hand."""

from __future__ import annotations

import pytest

from publisher.content.markup import candidates, raw_links
from publisher.content.references import References
from tests.bodies import a_parsed_post, an_index, rendered

OTHER = "https://example.com/notes/other/"
PIC = "https://example.com/notes/pic.png"


def _absolute(html: str) -> str:
    return raw_links(html, References(a_parsed_post(), an_index()))


@pytest.mark.parametrize(
    ("html", "absolute"),
    [
        ("<a href='other.md'>", f'<a href="{OTHER}">'),
        ("<A HREF=other.md target=_blank>", f'<A HREF="{OTHER}" target=_blank>'),
        ('<a\n  href = "other.md"\n>', f'<a\n  href = "{OTHER}"\n>'),
        ('<img alt="a > b" src=pic.png/>', f'<img alt="a > b" src="{PIC}">'),
        (
            '<img src=pic.png srcset="pic.png, /x.png 2x">',
            f'<img src="{PIC}" srcset="{PIC}, https://example.com/x.png 2x">',
        ),
        ('<video poster="pic.png">', f'<video poster="{PIC}">'),
        ('<object data="pic.png">', f'<object data="{PIC}">'),
        ('<p data="pic.png">', '<p data="pic.png">'),
        ('<blockquote cite="other.md">', f'<blockquote cite="{OTHER}">'),
        ('<form action="/go">', '<form action="https://example.com/go">'),
        ('<td background="pic.png">', f'<td background="{PIC}">'),
        (
            '<script src="/x.js">"<a href=other.md>"</script>',
            '<script src="https://example.com/x.js">"<a href=other.md>"</script>',
        ),
        (
            "<!-- <a href=other.md> --><style>a[href='x']{}</style>",
            "<!-- <a href=other.md> --><style>a[href='x']{}</style>",
        ),
        ('<use href="#a"/><a href="#a">', '<use href="#a"/><a href="https://example.com/notes/today/#a">'),
        ('<a href="https://example.org/?a=1&amp;b=2">', '<a href="https://example.org/?a=1&amp;b=2">'),
        ('<base href="/x/"><a href="other.md">', f'<a href="{OTHER}">'),
        ('<a href="gone.md">text</a> <b>x</b>', "text <b>x</b>"),
        ('<a href="other.md', '<a href="other.md'),
        ('<a title="never closed><a href="other.md">x</a>', f'<a title="never closed><a href="{OTHER}">x</a>'),
        ('<a href><a name="x">', '<a href><a name="x">'),
        ('<img src="">', ""),
        ("a < b <3 <é", "a < b <3 <é"),
    ],
)
def test_only_urls_change(html: str, absolute: str) -> None:
    assert _absolute(html) == absolute


def test_candidates_are_told_apart_by_spaces_not_by_the_commas_in_urls() -> None:
    assert candidates(" a.png 1x,b,c.png 2.5x ,d.png, e.png") == [
        ("a.png", "1x"),
        ("b,c.png", "2.5x "),
        ("d.png", ""),
        ("e.png", ""),
    ]


@pytest.mark.parametrize(
    ("embed", "link"),
    [
        ('<iframe src="https://www.youtube.com/embed/abc?rel=0"></iframe>', "https://www.youtube.com/watch?v=abc"),
        ('<iframe src="//player.vimeo.com/video/12" title="T"></iframe>', "https://vimeo.com/12"),
        ('<embed src="https://example.org/x.pdf">', "https://example.org/x.pdf"),
        ('<object data="https://example.org/x.swf">Old</object>', "https://example.org/x.swf"),
        ('<video><source src="https://example.org/x.mp4">No.</video>', "https://example.org/x.mp4"),
        ("<video src='https://example.org/x.mp4'>", "https://example.org/x.mp4"),
        ('<iframe src="https://open.spotify.com/embed/track/9"></iframe>', "https://open.spotify.com/track/9"),
    ],
)
def test_an_embed_becomes_a_link_in_feeds(embed: str, link: str) -> None:
    feed_html = rendered(f"{embed}\n\nafter").body.feed_html
    assert f'<a href="{link}">' in feed_html
    assert "after" in feed_html
    assert "No." not in feed_html


def test_what_feeds_may_hold_survives_cleaning() -> None:
    kept = (
        '<table><thead><tr><th scope="col" align="left">a</th></tr></thead><tbody><tr><td colspan="2">b</td></tr>'
        '</tbody></table><figure><img src="https://example.org/a.png" alt="b" width="3" />'
        "<figcaption>c</figcaption></figure>"
        "<p><del>a</del><sup>b</sup><sub>c</sub><kbd>d</kbd><mark>e</mark><q>f</q><ruby>g<rt>h</rt></ruby></p>"
        '<p><abbr title="t">a</abbr> <time datetime="2018">b</time><br />c</p><dl><dt>a</dt><dd>b</dd></dl>'
        '<details open=""><summary>a</summary>b</details><ol start="3"><li>a</li></ol><hr />'
        '<pre><code class="language-c">a</code></pre>'
    )
    assert rendered(f"<div>{kept}</div>").body.feed_html.strip() == f"<div>{kept}</div>"


def test_what_feeds_may_not_hold_is_gone() -> None:
    body = (
        '<p class="a" style="color: red" onclick="x()" data-x="1">kept</p><code class="hl">kept</code>'
        "<form><input><button>b</button></form><svg><text>s</text></svg><style>p{}</style><!-- c -->"
        '<img src="https://example.org/t.gif" width=1 height=1><a href="data:text/html,x">kept</a>'
        '<picture><source srcset="pic.png"><img src="pic.png"></picture>'
    )
    assert rendered(body).body.feed_html == (f'<p>kept</p><code>kept</code><a>kept</a><img src="{PIC}" />')

"""HTML as text."""

from __future__ import annotations

import pytest

from publisher.mail.plain_text import to_text, wrap

CASES = {
    "a link is written out": ('<p>See <a href="https://e.com/x">this</a>.</p>', "See this <https://e.com/x>."),
    "a link that is its own text stands once": ('<a href="https://e.com/x">https://e.com/x</a>', "https://e.com/x"),
    "a footnote's jump within the page is only its words": ('<p>a<a href="#fn1">1</a></p>', "a1"),
    "a picture is its alt text": ('<p><img src="u" alt="A barn"></p>', "[A barn]"),
    "a picture that only decorates is nothing": ('<p>a <img src="u" alt=""></p>', "a"),
    "white space is one space": ("<p>a\n  b\tc</p>", "a b c"),
    "a break is a break": ("<p>a<br>b</p>", "a\nb"),
    "lists nest": (
        "<ul><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ul><p>e</p>",
        "* a\n  * b\n  * c\n* d\n\ne",
    ),
    "numbers count from where they start": ('<ol start="9"><li>a</li><li>b</li></ol>', "9. a\n10. b"),
    "a loose item keeps its paragraphs": ("<ul><li><p>a</p><p>b</p></li></ul>", "* a\n\n  b"),
    "code keeps its lines": ("<pre><code>if x:\n    y\n</code></pre>", "    if x:\n        y"),
    "quotes are marked": ("<blockquote><p>a</p><p>b</p></blockquote><p>c</p>", "> a\n>\n> b\n\nc"),
    "a heading is underlined": ("<h2>Two</h2><p>x</p>", "Two\n---\n\nx"),
    "rows keep together": (
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
        "a | b\n1 | 2",
    ),
    "entities are their characters": ("<p>a &amp; b &lt;c&gt; &nbsp;d</p>", "a & b <c> d"),
    "scripts and styles are silent": ("<style>p{}</style><p>a</p><script>x()</script>", "a"),
    "what is not closed is closed": ("<ul><li>a<li>b", "* a\n* b"),
    "nothing is nothing": ("", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_html_says_the_same_as_text(case: str) -> None:
    html, text = CASES[case]
    assert to_text(html) == text


def test_lines_are_wrapped_and_addresses_are_not_broken() -> None:
    address = "https://example.com/" + "long-" * 20
    filled = wrap(f"{'word ' * 30}{address} end")
    assert address in filled.split("\n")
    assert all(len(line) <= 72 for line in filled.split("\n") if line != address)

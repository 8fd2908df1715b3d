"""Laws of the archive's pages: no personal link outlives the cutting, and what is not personal outlives it whole."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

from css_inline import CSSInliner
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail import impersonal
from publisher.mail.compose import UNSUBSCRIBE

URL = "https://mail.example.com/issues/talks/3"
ENTRY = "https://example.com/posts/1/"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
KEPT = "kept-{}-kept"  # stands in paragraphs of their own, which nothing personal is in

marks = st.sampled_from(
    [UNSUBSCRIBE, f"{UNSUBSCRIBE}?a=b&c=d", UNSUBSCRIBE.upper(), f"x {UNSUBSCRIBE}", URL, f" {URL}/ "]
)
personal = st.builds(
    lambda tag, mark, words: tag.format(mark=escape(mark), words=escape(words)),
    st.sampled_from(
        [
            '<a href="{mark}">{words}</a>',
            '<a title="{words}" href="{mark}"><b>{words}</b></a>',
            '<img src="{mark}" alt="{words}">',
            '<form action="{mark}"><button>{words}</button></form>',
            '<span title="{mark}">{words}</span>',
            '<!-- {words} <a href="{mark}"> -->',
            '<!--[if mso]><v:rect href="{mark}">{words}</v:rect><![endif]-->',
            '<p class="personal">{words} {mark}</p>',
            "<style>p {{ background: url({mark}) }}</style>",
            "{words} {mark} {words}",
        ]
    ),
    marks,
    WORDS,
)
plain = st.builds(escape, WORDS) | st.sampled_from(
    ["<br>", "<hr>", f'<a href="{ENTRY}">Post</a>', "<td>", "</div>", "</p>"]
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> str:
    """HTML with personal parts anywhere in it, as a template might make it."""
    pieces = draw(st.lists(personal | plain | (trees(depth - 1) if depth else st.nothing()), max_size=4))
    tag = draw(st.sampled_from(["p", "div", "span", "li", "ul", "table", "td", "b", "blockquote", "section"]))
    return f"<{tag}>{''.join(pieces)}</{tag}>"


class _Seen(HTMLParser):
    """What a reader's browser would follow or load, and what it would show."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.values += [value or "" for _, value in attrs]
        self.links += [value or "" for name, value in attrs if (tag, name) == ("a", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@given(st.lists(trees(), max_size=5), st.booleans())
def test_no_personal_link_is_left_and_every_other_paragraph_is(pieces: list[str], inlined: bool) -> None:
    kept = [f"<p>{KEPT.format(number)}</p>" for number in range(len(pieces) + 1)]
    body = kept[0] + "".join(f"{piece}{stays}" for piece, stays in zip(pieces, kept[1:], strict=True))
    page = f"<!DOCTYPE html><html><head><title>T</title></head><body>{body}</body></html>"
    source = CSSInliner().inline(page) if inlined else page  # as it is stored, and as a template wrote it
    whole = impersonal.page(source, URL, frozenset({ENTRY})).whole
    seen = _Seen(whole)
    assert "publisher.invalid" not in whole.lower()
    assert not any("publisher.invalid" in one.lower() for one in (*seen.values, *seen.words))
    assert not any(link.strip().rstrip("/") == URL for link in seen.links)
    if inlined:
        words = "".join(seen.words)
        assert all(KEPT.format(number) in words for number in range(len(kept)))


@given(
    st.text(max_size=300),
    st.lists(st.sampled_from([*"<>/=\"'!-&;", "a href=", UNSUBSCRIBE, "<p>", "</p>"]), max_size=20),
)
def test_no_bytes_break_it(words: str, pieces: list[str]) -> None:
    broken = "".join(f"{piece}{words[at::7]}" for at, piece in enumerate(pieces)) + words
    assert UNSUBSCRIBE not in impersonal.page(broken, URL, frozenset()).whole
    assert UNSUBSCRIBE not in impersonal.text(broken, URL, ())


@given(trees())
def test_cutting_twice_cuts_no_more(piece: str) -> None:
    page = CSSInliner().inline(f"<html><head></head><body>{piece}</body></html>")
    once = impersonal.page(page, URL, frozenset({ENTRY}))
    assert impersonal.page(once.whole, URL, frozenset({ENTRY})) == once


@given(st.lists(st.tuples(st.booleans(), WORDS), max_size=12), st.integers(0, 12))
def test_lines_of_the_text_that_are_not_personal_stay(lines: list[tuple[bool, str]], rule: int) -> None:
    written = [f"({at}) {UNSUBSCRIBE if mine else ''}{words}" for at, (mine, words) in enumerate(lines)]
    body = "\n\n".join([*written[:rule], "-" * 72, *written[rule:]])
    left = impersonal.text(body, URL, ())
    assert "publisher.invalid" not in left
    for at, (mine, _) in enumerate(lines):
        assert (f"({at}) " in left) != mine

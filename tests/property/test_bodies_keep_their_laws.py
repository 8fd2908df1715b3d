"""Laws of every body, whatever an author writes."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import example, given, settings
from hypothesis import strategies as st

from publisher.content.clean import clean, for_feeds, is_plain
from publisher.content.html import own_links
from publisher.content.markdown import to_html
from publisher.content.markup import attributes_of, raw_links
from publisher.content.nested_lists import nest_lists
from publisher.content.references import References
from tests.bodies import a_parsed_post, an_index, rendered

PIECES = [
    "words ", "**", "*", "_", "`", "```\n", "~~~\n", "\n", "\n\n", "    ", "> ", "- ", "* ", "** ", "*** ", "1. ", "# ",
    "[a](other.md)", "[b](/x)", "![c](pic.png)", "[d](<a b>)", "[e](//h/y)", "[f](#z)", "[[", "]]", "[[other]]",
    "![[pic.png]]", "{{< ", " >}}", "{{% ", " %}}", "{% ", " %}", "{{ ", " }}", "{{< youtube x >}}", "{{< x >}}",
    "{{< notice >}}", "{{< /notice >}}", "{% end %}", "{% highlight c %}", "{% endhighlight %}", "{% raw %}",
    "{% endraw %}", "{{</* y */>}}", "{: .c}", "<", ">", "<b>", "</b>", "<div>", "</div>", "<p>", "</p>",
    "<a href=", "'", '"', "q ", "<img src=x.png>", "<!--", "-->", "<!-- more -->", "<script>", "</script>", "<td>",
    "<li>", "<iframe src=//y/z>", "<video src=a.mp4>", "$", "$$", "x_1", "|", "\n|---|---|\n", "[^1]", "[^1]: ", "\n: ",
    "&#8;", "&amp;", "&", "\\", "~", "{#id onclick=x}", "https://example.org/a", "javascript:x", "\x08", "\ud800", "é",
    "<input type=checkbox checked>", "- [x] ", "<details>", "<table>", "</table>", "zqk0z", "<h2>", "</h2>", "<code>",
]  # fmt: skip
BODIES = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
TAG = re.compile(r"<[a-z][a-z0-9]*((?:\s[^<>]*)?)>")
ABSOLUTE = re.compile(r"(?:https?:|mailto:|tel:|data:)")


@given(BODIES)
@settings(max_examples=300, deadline=None)
@example("{{< x >}}" * 50 + "[[" * 50)
def test_no_body_raises_and_none_holds_a_forbidden_character(body: str) -> None:
    made = rendered(body).body
    assert not FORBIDDEN.search(made.html + made.feed_html + made.summary)


@given(BODIES)
@settings(max_examples=300, deadline=None)
def test_every_link_and_image_of_a_feed_is_absolute(body: str) -> None:
    for tag in TAG.finditer(rendered(body).body.feed_html):
        for attribute in attributes_of(tag[1]):
            if attribute.name in {"href", "src", "cite"}:
                assert ABSOLUTE.match(attribute.value), tag[0]


def _canonical(html: str) -> str:
    """What stays of HTML when the spelling of void tags, entities and empty attributes is forgotten."""
    return unescape(re.sub(r"\s*/>", ">", html.replace("&nbsp;", "\N{NO-BREAK SPACE}")))


@given(BODIES)
@settings(max_examples=300, deadline=None)
@example("| a |\n|:-:|\n| b |\n\n- [ ] c\n\n[^1]\n\n[^1]: d\n\n```x\n<y>\n```\n\n$z$ # h")
def test_cleaning_what_goes_into_feeds_changes_nothing_that_matters(body: str) -> None:
    feed_html = rendered(body).body.feed_html
    # HTML's own rules move misplaced tables about each time they are read; what is there stays the same.
    assert set(TAG.findall(clean(feed_html))) == set(TAG.findall(for_feeds(feed_html)))
    assert "<script" not in feed_html


@given(BODIES)
@settings(max_examples=300, deadline=None)
def test_a_body_proven_plain_needs_no_cleaning_so_page_and_feed_share_it(body: str) -> None:
    html = to_html(body.encode("utf-8", "ignore").decode(), formulas=False)
    if is_plain(html) and "<input" not in html and "style=" not in html and "language-" not in html:
        absolute = own_links(html, references := References(a_parsed_post(), an_index()))
        if not references.odd and "footnote" not in html:
            assert _canonical(clean(absolute)) == _canonical(absolute)


@given(
    st.lists(st.sampled_from([piece for piece in PIECES if "<" not in piece and "{" not in piece]), max_size=24).map(
        "".join
    )
)
@settings(max_examples=200, deadline=None)
def test_both_ways_of_rewriting_links_agree_on_the_parsers_own_html(body: str) -> None:
    html = to_html(body.encode("utf-8", "ignore").decode(), formulas=False)
    index = an_index()
    one, other = References(a_parsed_post(), index), References(a_parsed_post(), index)
    assert _canonical(own_links(html, one)) == _canonical(raw_links(html, other))
    assert (one.resolved, one.assets, one.broken, one.image) == (
        other.resolved,
        other.assets,
        other.broken,
        other.image,
    )


@given(BODIES)
@settings(max_examples=200, deadline=None)
@example("* a\n** b\n*** c\n\n** d\n# e\n** f")
def test_nesting_lists_twice_does_no_more_than_once(body: str) -> None:
    text = body.encode("utf-8", "ignore").decode()
    assert nest_lists(nest_lists(text)) == nest_lists(text)


@given(BODIES)
@settings(max_examples=200, deadline=None)
def test_a_text_without_starred_lines_is_the_same_object_after_nesting(body: str) -> None:
    text = body.encode("utf-8", "ignore").decode().replace("**", "")
    assert nest_lists(text) is text


CODE = st.lists(
    st.sampled_from([one for one in PIECES if "`" not in one and "~" not in one and one not in {"\x08", "\ud800"}])
).map("".join)


@given(CODE.filter(lambda code: "raw" not in code and "/*" not in code))
@settings(max_examples=300, deadline=None)
@example("* a\n** b\n{{< x >}}\n\n  {{< y >}}\n[[z]]")
def test_fenced_code_comes_out_as_it_went_in(code: str) -> None:
    html = rendered(f"before\n\n```text\n{code}\n```\n").body.html
    found = re.search(r'<pre><code class="language-text">(.*?)</code></pre>', html, re.DOTALL)
    assert found
    assert unescape(found[1].replace("&amp;", "&amp;amp;").replace("&amp;amp;", "&amp;")) == f"{code}\n"


@given(CODE.filter(lambda code: "raw" not in code and "/*" not in code and "\n" not in code and code.strip()))
@settings(max_examples=200, deadline=None)
def test_inline_code_comes_out_as_it_went_in(code: str) -> None:
    html = rendered(f"before `{code}.` after\n").body.html
    assert (
        f"<code>{code}.</code>" in html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        or code[0] == " "
    )


RAW = re.compile(r"\{\{[<%]|[>%]\}\}|\{%|%\}")
# Left out: what shows tags on purpose, and <code> in places where HTML moves its content out of it.
TAGGED = [one for one in PIECES if "raw" not in one and "/*" not in one and "`" not in one and one != "<code>"]


@given(st.lists(st.sampled_from(TAGGED)).map("".join))
@settings(max_examples=300, deadline=None)
def test_no_template_tag_outside_code_reaches_a_reader(body: str) -> None:
    html = rendered(body).body.feed_html
    outside = re.sub(r"<(code|pre)\b.*?</\1>", "", html, flags=re.DOTALL)
    assert not RAW.search(unescape(re.sub(r"<[^<>]*>", " ", outside)))

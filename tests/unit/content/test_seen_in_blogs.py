"""One case for each thing that bodies of real blogs taught, in words of our own."""

from __future__ import annotations

import pytest

from tests.bodies import rendered


def html(body: str, path: str = "notes/today.md") -> str:
    return rendered(body, path).body.feed_html


def told(body: str, path: str = "notes/today.md") -> list[str]:
    return [problem.message for problem in rendered(body, path).problems]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            "See [[other]]: it says more.",
            '<p>See <a href="https://example.com/notes/other/">other</a>: it says more.</p>\n',
        ),
        ("[[other|That]]: https://example.org", '<p><a href="https://example.com/notes/other/">That</a>: '),
        ("[[toc]]\n\nText.", "<p>Text.</p>\n"),
        ("At [[http://example.org/a\\_b]].", '<p>At <a href="http://example.org/a_b">http://example.org/a_b</a>.</p>'),
    ],
)
def test_wikilinks_before_a_colon_to_contents_and_to_the_web(body: str, shown: str) -> None:
    assert html(body).startswith(shown)
    assert told(body) == []


def test_a_call_of_zola_may_span_lines_and_hold_braces() -> None:
    call = '{{ figure(image="pic.png",\n   alt=\'A "map" {1}\',\n   caption="North (up)") }}'
    shown = '<figure><img src="https://example.com/notes/pic.png" alt="A &quot;map&quot; {1}" />'
    assert html(f"Before.\n\n{call}\n\nAfter.") == (
        f"<p>Before.</p>\n{shown}<figcaption>North (up)</figcaption></figure>\n<p>After.</p>\n"
    )


def test_a_box_on_its_own_lines_holds_markdown_in_mdx() -> None:
    body = "<callout-info class='aside'>\n\tRead *this*.\n\n\tAnd [that](other.md).\n</callout-info>\n\nAfter.\n"
    assert html(body, "notes/today.mdx") == (
        "\n<p>Read <em>this</em>.</p>\n"
        '<p>And <a href="https://example.com/notes/other/">that</a>.</p>\n\n<p>After.</p>\n'
    )


def test_braces_in_mdx_hold_javascript() -> None:
    body = "<Frame style={{ a: { b: {} } }} names={['x']}>Text{' '}here.</Frame>\n\n"
    body += "<div style={{ c: 1 }}>\n**B**\n</div>\n"
    assert html(body, "notes/today.mdx") == "<p>Text here.</p>\n<div>\n<p><strong>B</strong></p>\n</div>\n"
    assert told(body, "notes/today.mdx") == ["unknown component Frame is left out"]


@pytest.mark.parametrize(
    ("opening", "closing", "language"),
    [
        ('{{< high rust "linenos=table" >}}', "{{< /high >}}", ' class="language-rust"'),
        ('{{< code-rust "first-try" >}}', "{{< /code-rust >}}", ' class="language-rust"'),
        ('{{< terminal "My very own screen" >}}', "{{</terminal>}}", ""),
        ("{% code go %}", "{% endcode %}", ' class="language-go"'),
    ],
)
def test_a_sites_own_wrapper_of_code_holds_code(opening: str, closing: str, language: str) -> None:
    code = "# A *b* c\n\nlet x: Vec<T> = [[1]]; // {{ x }}"
    shown = code.replace("<", "&lt;").replace(">", "&gt;")
    assert html(f"{opening}\n{code}\n{closing}\n") == f"<pre><code{language}>{shown}\n</code></pre>\n"


def test_the_sites_address_joins_what_follows_with_one_slash() -> None:
    assert html("[a]: {{< baseurl >}}/notes/other/\n\n[A][a] and [b]({{<baseurl>}}notes/pic.png)\n") == (
        '<p><a href="https://example.com/notes/other/">A</a> and <a href="https://example.com/notes/pic.png">b</a></p>\n'
    )
    assert told("<img src='{{< baseurl >}}/x.png'>") == []


@pytest.mark.parametrize(
    ("opening", "title"),
    [
        (":::note", "Note"),
        (":::tip[Mind the *gap*]", "Mind the <em>gap</em>"),
        ("::: warning Wet paint", "Wet paint"),
        ('::::{.callout-important title="x"}', "Important"),
        (":::objection[Is it so?]{#why}", "Is it so?"),
    ],
)
def test_a_container_becomes_a_quotation_with_its_title(opening: str, title: str) -> None:
    body = f"Before.\n{opening}\nIt *is*.\n\n- a\n:::\nAfter."
    inner = f"<p><strong>{title}</strong></p>\n<p>It <em>is</em>.</p>\n<ul>\n<li>a</li>\n</ul>\n"
    assert html(body) == f"<p>Before.</p>\n<blockquote>\n{inner}</blockquote>\n<p>After.</p>\n"


def test_a_container_without_a_known_name_or_title_leaves_its_words() -> None:
    assert html(":::: columns\n::: {.left}\nA\n:::\n::::\n").strip() == "<p>A</p>"
    assert html("```\n:::note\n:::\n```\n") == "<pre><code>:::note\n:::\n</code></pre>\n"


def test_marked_words_and_attributes_in_braces_leave_words_alone() -> None:
    assert html("So: :quote[Keep *it* short.]{#short} Yes.") == "<p>So: Keep <em>it</em> short. Yes.</p>\n"
    assert html("![A](pic.png){.wide width=50%} and `x`{.sh}") == (
        '<p><img src="https://example.com/notes/pic.png" alt="A" /> and <code>x</code></p>\n'
    )
    assert html("Words.\n{.lead #first}\n\nf(x){y} at 10:30 or a::b[c]{d}") == (
        "<p>Words.</p>\n<p>f(x){y} at 10:30 or a::b[c]{d}</p>\n"
    )


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (r"Let \\( R_t = \\sum_k r_{t+k} \\) and \\(f\\).", r"R_t = \\sum_k r_{t+k}"),
        (r"Let \(a_1 < b_1\) be.", "a_1 &lt; b_1"),
    ],
)
def test_formulas_between_latexs_brackets_are_kept_readable(body: str, shown: str) -> None:
    assert f'<code class="language-math">{shown}</code>' in html(body)


def test_a_formula_on_its_own_lines_is_a_block() -> None:
    assert html("So\n\n\\\\[\na_1 = *b*\n\\\\]\n\nthen.") == (
        '<p>So</p>\n<pre><code class="language-math">a_1 = *b*</code></pre>\n<p>then.</p>\n'
    )


@pytest.mark.parametrize(
    "body", [r"\[the cats\] and \(see [x](other.md)\)", r"an open \\( and \\( no more", r"`\\(x\\)`"]
)
def test_escaped_brackets_around_words_are_no_formula(body: str) -> None:
    assert "language-math" not in html(body)


def test_a_tag_of_jsx_becomes_one_of_html() -> None:
    link = "<a\n    className='x'\n    href={'other.md'}\n    style={{\n      a: 1,\n    }}\n  >"
    body = f'<div>\n  {link}\n    O{{`ther <b> "x"`}}\n  </a>\n</div>'
    assert html(body, "notes/today.mdx") == (
        '<div>\n<p><a href="https://example.com/notes/other/">\nOther &lt;b&gt; "x"\n</a></p>\n</div>\n'
    )


def test_a_wikilink_may_carry_a_footnote() -> None:
    shown = '<p>See <a href="https://example.com/notes/other/">other</a><sup>'
    assert html("See [[other]][^1].\n\n[^1]: More.\n").startswith(shown)


def test_attributes_of_frameworks_do_not_turn_a_tag_into_text() -> None:
    assert html('Try <a @click="go(0)" href="other.md">this</a>.') == (
        '<p>Try <a href="https://example.com/notes/other/">this</a>.</p>\n'
    )
    assert html('Then\n\n<tiny-player :@slug="$data.id" @label=now></tiny-player>\n').strip() == "<p>Then</p>\n<p></p>"
    assert html("From <a@example.org> or @robin.") == (
        '<p>From <a href="mailto:a@example.org">a@example.org</a> or @robin.</p>\n'
    )


def test_a_notebook_is_linked_and_its_author_told() -> None:
    assert html("{% notebook trip/route.png cells[2:] %}") == (
        '<p><a href="https://example.com/trip/route.png">Notebook: route.png</a></p>\n'
    )
    assert told("{% notebook trip/route.png %}") == ["notebook is shown as a link to the notebook"]

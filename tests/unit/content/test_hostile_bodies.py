"""Texts made to hurt: rendered or refused in time that grows with their length, in this same process."""

from __future__ import annotations

import time

import pytest

from tests.bodies import rendered

MANY = 10_000
SECONDS = 5.0  # a tenth of a second on an idle machine; what grows by the square takes minutes
TEXTS = {
    "shortcodes never closed": "{{< " * MANY,
    "shortcodes": "{{< x >}} " * MANY,
    "quotes in shortcodes": '{{< "' * MANY,
    "opened": "{{< details >}}\n" * MANY,
    "closed": "{{< /details >}}\n" * MANY,
    "verbatim never closed": "{% highlight c %}" * MANY,
    "braces": "{" * MANY,
    "brackets": "[" * MANY,
    "wikilinks": "[[" * MANY,
    "images": "![[a.png]]\n" * MANY,
    "quotations": ">" * MANY * 10,
    "lists": "- " * MANY * 10,
    "stars": "* a\n" + "** b\n" * MANY,
    "emphasis": "*a **b " * MANY,
    "backticks": "* a\n** " + "`" * MANY,
    "elements": "<div>" * MANY * 10,
    "quotes in tags": '<a href="' * MANY,
    "other quotes in tags": "<a href=\"x'>" * MANY,
    "tags never closed": "<a x " * MANY,
    "comments": "<!--" * MANY,
    "scripts": "<script>" * MANY,
    "players": "<iframe src='" * MANY,
    "headings": "<h2>" * MANY,
    "candidates": f'<img srcset="{"a 1x," * MANY}">',
    "dollars": "$" * MANY,
    "prices": "a $5 $x$ " * MANY,
    "attributes": "\n{: .a}" * MANY,
    "closing parentheses": " http://a" + ")" * MANY + "x",
    "broken links": "\n".join(f"[x](m{number}.md)" for number in range(2_000)),
    "percent signs": f"[x](a{'%' * MANY})",
    "dots": f"[x]({'../' * MANY}x.md)",
    "our schemes": f"[x]({'ref:' * MANY})",
    "one long line": "word " * MANY * 20,
    "references": "&#8;&amp;" * MANY,
    "footnotes": "[^1]" * MANY + "\n\n[^1]: a",
    "surrogates": "\ud800" * MANY,
    "controls": "\x08\x00" * MANY,
    "table": "|a" * 2_000 + "\n" + "|-" * 2_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_takes_long_or_ends_the_process(name: str) -> None:
    start = time.process_time()
    rendered(TEXTS[name])
    assert time.process_time() - start < SECONDS


def test_components_made_to_hurt_take_no_longer() -> None:
    start = time.process_time()
    rendered("<Foo a={" * MANY + "\nimport x\n" * MANY + "{/*" * MANY + "<Foo>" * MANY, path="notes/a.mdx")
    assert time.process_time() - start < SECONDS

"""Whatever an address or a text holds: no page leaves the output folder, and no text becomes markup."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from publisher.pages import paths
from publisher.pages.site import Pages
from publisher.templating import packaged_templates
from tests.builders import BASE, a_feed, an_item, some_settings

# What XML 1.0 allows: entries are cleaned of the rest before they reach a page.
CLEAN = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))
PIECES = st.sampled_from(["..", ".", "/", "%2e", "%2F", "\\", "%5c", "a", "é", "%00", ".html", "?", "#", "%", "%ff"])


@cache
def pages() -> Pages:
    return Pages(some_settings(), (packaged_templates(),), (a_feed(),), str)


@given(st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join))
def test_no_address_leads_out_of_the_output_folder(place: str) -> None:
    path = paths.output_path(BASE + place, BASE)
    if path is not None:
        names = path.split("/")
        assert not {"", ".", ".."} & set(names)
        assert re.search(r"[\\\x00-\x1f]", path) is None
        assert all(len(name.encode()) <= 255 for name in names)
        assert path.lower().endswith((".html", ".htm"))


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_a_page_is_found_again_by_its_encoded_address(names: list[str]) -> None:
    place = "".join(f"{quote(name, safe='')}/" for name in names)
    path = paths.output_path(BASE + place, BASE)
    if path is not None:
        assert path.split("/") == [*names, "index.html"]
        assert paths.root(BASE + place, BASE).count("../") == len(names)


@given(CLEAN, CLEAN, CLEAN)
def test_text_is_read_back_as_it_was_written(title: str, summary: str, tag: str) -> None:
    document = pages().post(an_item(title=title or "-", summary=summary, tags=(tag,)))
    page = lxml_html.document_fromstring(document.decode())
    [heading] = page.xpath("//h1")
    assert (heading.text or "") == (title or "-")
    assert page.xpath("//meta[@name='description']/@content") == ([summary] if summary else [])
    assert page.xpath("//*[contains(@class, 'p-category')]")[0].text_content() == tag

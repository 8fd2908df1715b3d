"""A site's own templates: overriding, and faults that name their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.errors import TemplateError
from publisher.pages.site import Pages
from publisher.templating import search_path
from tests.builders import a_feed, an_entry, an_item, some_settings

if TYPE_CHECKING:
    from pathlib import Path


def own_pages(site: Path, bytecode: Path | None = None, **templates: str) -> Pages:
    """Pages of a site that brings templates of its own; ``base_html`` stands for pages/base.html."""
    folder = site / "templates" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in templates.items():
        (folder / name.replace("_html", ".html").replace("_css", ".css")).write_text(text)
    return Pages(some_settings(), search_path(site), (a_feed(),), str, bytecode)


def fault(pages: Pages) -> str:
    with pytest.raises(TemplateError) as caught:
        pages.post(an_item())
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return caught.value.message


def test_a_site_overrides_one_file_and_keeps_the_others(tmp_path: Path) -> None:
    pages = own_pages(tmp_path, base_html="<title>{{ title }}</title><main>{% block main %}{% endblock %}</main>")
    page = pages.post(an_item()).decode()
    assert page.startswith("<title>Hello</title><main>")
    assert '<h1 class="p-name">Hello</h1>' in page


def test_a_site_may_bring_only_a_stylesheet(tmp_path: Path) -> None:
    pages = own_pages(tmp_path, style_css="body { color: {{ red }} }")
    assert pages.stylesheet() == b"body { color: {{ red }} }"
    assert pages.post(an_item()) == own_pages(tmp_path / "plain").post(an_item())


def test_a_site_may_change_one_block_of_a_packaged_template(tmp_path: Path) -> None:
    own = '{% extends "packaged/pages/base.html" %}{% block head %}<meta name="x">{% endblock %}'
    page = own_pages(tmp_path, base_html=own).post(an_item()).decode()
    assert '<meta name="x"></head>' in page
    assert '<h1 class="p-name">Hello</h1>' in page


def test_a_template_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    pages = own_pages(tmp_path, post_html="\ufeff{% if title %}\r\nyes\r\n{% endif %}\r\n")
    assert pages.post(an_item()) == b"yes\n"


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html="one\ntwo\n{% if %}\n"))
    assert message.startswith(f"{tmp_path}/templates/pages/post.html:3: syntax error")


def test_a_syntax_error_in_the_frame_is_told_of_the_frame(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, base_html="one\n{% endblock %}\n"))
    assert message.startswith(f"{tmp_path}/templates/pages/base.html:2: syntax error")


def test_an_undefined_variable_names_file_and_line(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html="one\n\n{{ autor }}\n"))
    assert message == f"{tmp_path}/templates/pages/post.html:3: 'autor' is undefined"


def test_an_undefined_attribute_names_file_and_line(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html="{{ published.year }}"))
    assert message.startswith(f"{tmp_path}/templates/pages/post.html:1: ")
    assert "year" in message


def test_a_fault_is_told_likewise_when_the_template_was_compiled_before(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = fault(own_pages(tmp_path, cache, post_html="one\n\n{{ autor }}\n"))
    assert list(cache.iterdir())
    assert fault(own_pages(tmp_path, cache)) == first


def test_a_missing_template_is_named_with_who_asks_for_it(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html='one\n{% include "pages/nowhere.html" %}'))
    assert message == f"{tmp_path}/templates/pages/post.html:2: there is no template named pages/nowhere.html"


def test_whatever_a_template_raises_names_its_line(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html="one\n{{ 1 // 0 }}"))
    assert message.startswith(f"{tmp_path}/templates/pages/post.html:2: ZeroDivisionError")


def test_a_template_that_includes_itself_is_told(tmp_path: Path) -> None:
    message = fault(own_pages(tmp_path, post_html='{% include "pages/post.html" %}'))
    assert "RecursionError" in message


def test_a_template_in_another_encoding_is_named(tmp_path: Path) -> None:
    pages = own_pages(tmp_path)
    path = tmp_path / "templates" / "pages" / "base.html"
    path.write_bytes(b"caf\xe9")
    assert fault(pages) == f"{path}: the template is not UTF-8"


def test_without_any_templates_the_first_one_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"pages/discovery\.html: there is no template named"):
        Pages(some_settings(), (tmp_path,), (a_feed(),), str)
    with pytest.raises(TemplateError, match=r"pages/style\.css: there is no such template"):
        Pages(some_settings(), (tmp_path,), (), str).stylesheet()


def test_compiled_templates_give_the_same_bytes(tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "cache"
    first = own_pages(tmp_path, cache).index([(an_entry(), "Text.")], [(2018, 1)], [])
    assert own_pages(tmp_path, cache).index([(an_entry(), "Text.")], [(2018, 1)], []) == first


@pytest.mark.parametrize("length", [0, 20, 40, 200])
def test_a_spoilt_cache_of_compiled_templates_is_made_anew(tmp_path: Path, length: int) -> None:
    cache = tmp_path / "cache"
    first = own_pages(tmp_path, cache).post(an_item())
    for compiled in cache.iterdir():
        compiled.write_bytes(compiled.read_bytes()[:length])
    assert own_pages(tmp_path, cache).post(an_item()) == first


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert own_pages(tmp_path, tmp_path / "file").post(an_item()) == own_pages(tmp_path).post(an_item())


def test_a_changed_template_is_not_taken_from_the_cache(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert own_pages(tmp_path, cache, post_html="one").post(an_item()) == b"one"
    assert own_pages(tmp_path, cache, post_html="two").post(an_item()) == b"two"


def test_preparing_changes_nothing(tmp_path: Path) -> None:
    pages = own_pages(tmp_path)
    pages.prepare()
    assert pages.post(an_item()) == own_pages(tmp_path).post(an_item())

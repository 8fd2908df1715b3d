"""A site's own templates: taken when they come, told of in words when they are broken, given up when they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.config import load
from publisher.errors import TemplateError
from publisher.web.rendering import WebPages
from tests.sites import a_site, write

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "templates/web/thanks.html"
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "syntax": ("\n{% if %}", "thanks.html:2: Expected an expression"),
    "an undefined name": ("{{ nobody }}", "thanks.html:1: 'nobody' is undefined"),
    "an undefined name in a shipped page": ("{% extends 'web/sent.html' %}", "is undefined"),
    "a missing parent": ("{% extends 'web/nowhere.html' %}", "web/nowhere.html"),
    "a filter that is none": ("{{ web|polish }}", "thanks.html:1: No filter named 'polish'"),
    "an error of its own": ("\n\n{{ 1 // 0 }}", "thanks.html:3: ZeroDivisionError"),
    "a wrong type": ("{{ web + 1 }}", "thanks.html:1: TypeError"),
    "itself": ("{% include 'web/thanks.html' %}", "RecursionError"),
    "no text": (b"\xff\xe9", "templates/web/thanks.html: UnicodeDecodeError"),
    "half a character": ('{{ "\\ud800" }}', "templates/web/thanks.html: UnicodeEncodeError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_template_is_told_of_with_its_file_and_line(tmp_path: Path, case: str) -> None:
    site, (text, words) = a_site(tmp_path / "site"), BROKEN[case]
    write(site, PAGE, text)
    with pytest.raises(TemplateError) as fault:
        WebPages(site).render("thanks.html", load(site))
    assert words in fault.value.message
    assert "Mend the template" in fault.value.remedy


def test_a_template_counts_from_when_it_comes_until_it_goes(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    pages, settings = WebPages(site), load(site)
    shipped = pages.render("thanks.html", settings)
    own = write(site, PAGE, "Thank you kindly.")
    assert pages.render("thanks.html", settings) == "Thank you kindly."
    own.write_text("Ever so kindly.", encoding="utf-8")
    assert pages.render("thanks.html", settings) == "Ever so kindly."
    own.unlink()
    assert pages.render("thanks.html", settings) == shipped

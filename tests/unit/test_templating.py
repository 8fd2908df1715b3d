"""Where templates are found, and when they have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.templating import fingerprint, packaged_templates, search_path

if TYPE_CHECKING:
    from pathlib import Path


def test_the_packaged_templates_are_there() -> None:
    assert (packaged_templates() / "pages" / "base.html").is_file()


def test_the_sites_own_templates_come_first(tmp_path: Path) -> None:
    assert search_path(tmp_path) == (tmp_path / "templates", packaged_templates())


def test_a_site_beside_the_package_names_the_folder_once() -> None:
    assert search_path(packaged_templates().parent) == (packaged_templates(),)


def test_without_templates_of_its_own_every_site_has_one_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a" / "templates" / "pages").mkdir(parents=True)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b") == fingerprint(packaged_templates().parent)


def test_a_changed_byte_changes_the_fingerprint(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "pages"
    own.mkdir(parents=True)
    shipped = fingerprint(tmp_path)
    (own / "base.html").write_text("one")
    first = fingerprint(tmp_path)
    (own / "base.html").write_text("two")
    assert len({shipped, first, fingerprint(tmp_path)}) == 3


def test_equal_bytes_under_another_name_are_another_fingerprint(tmp_path: Path) -> None:
    for site, name in (("a", "x.html"), ("b", "y.html")):
        (tmp_path / site / "templates").mkdir(parents=True)
        (tmp_path / site / "templates" / name).write_text("same")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")


def test_a_copy_of_a_packaged_template_changes_nothing(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "pages"
    own.mkdir(parents=True)
    (own / "base.html").write_bytes((packaged_templates() / "pages" / "base.html").read_bytes())
    assert fingerprint(tmp_path) == fingerprint(tmp_path / "elsewhere")


def test_what_editors_leave_behind_does_not_count(tmp_path: Path) -> None:
    own = tmp_path / "templates"
    own.mkdir()
    before = fingerprint(tmp_path)
    (own / ".base.html.swp").write_text("x")
    (own / "base.html~").write_text("x")
    assert fingerprint(tmp_path) == before

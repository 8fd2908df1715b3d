"""Where templates are found: the site's own first, then those that ship with Publisher.

A site overrides file by file: what its ``templates/`` folder lacks comes from the package.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "templates"


def packaged_templates() -> Path:
    """The folder of the templates that ship with Publisher.

    A wheel carries them inside the package; an editable install has no copy there, so the
    folder beside the package is taken.
    """
    package = Path(__file__).parent
    inside = package / FOLDER
    return inside if inside.is_dir() else package.parent / FOLDER


def search_path(site: Path) -> tuple[Path, ...]:
    """The folders to look a template up in, first hit wins. ``site`` is config.toml's folder.

    The site's folder need not exist. Where it is the packaged one itself it stands once.
    """
    own, packaged = site / FOLDER, packaged_templates()
    return (packaged,) if own.resolve() == packaged.resolve() else (own, packaged)


def fingerprint(site: Path) -> str:
    """A digest of every template in effect: it changes when, and only when, a page might.

    Made from names and bytes, since modification times differ between checkouts. Files that are
    overridden do not count, nor do the hidden and backup files that editors leave behind.

    Raises TemplateError when a template cannot be read.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_effective(search_path(site)).items()):
        content = _read(path)
        digest.update(b"%d %d " % (len(os.fsencode(name)), len(content)))
        digest.update(os.fsencode(name))
        digest.update(content)
    return digest.hexdigest()


def _effective(folders: tuple[Path, ...]) -> dict[str, str]:
    """Each template's name, mapped to the file that is used for it."""
    found: dict[str, str] = {}
    for folder in reversed(folders):
        found.update(_files(str(folder), ""))
    return found


def _files(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Name and path of every template below a folder; none when there is no such folder."""
    if not os.path.isdir(folder):  # noqa: PTH112 - strings here: a run with nothing to do walks this
        return
    with os.scandir(folder) as listing:
        for found in listing:
            if found.name.startswith(".") or found.name.endswith("~"):
                continue
            if found.is_dir():
                yield from _files(found.path, f"{prefix}{found.name}/")
            elif found.is_symlink() or found.is_file():  # a pipe would be waited for without end
                yield prefix + found.name, found.path


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - as above
            return stream.read()
    except OSError as fault:
        raise TemplateError(
            f"{path}: the template cannot be read ({fault.strerror})",
            "Make the file readable, or remove it to use the one that ships with Publisher.",
        ) from fault

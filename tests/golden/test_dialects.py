"""Every folder of ``dialects`` is a small site; its expected.json says what each file is read as.

A file's expectation holds the fields of its post that matter to the case (and "body", "body_line"),
or "skipped", or "errors"; "warnings" may stand beside fields. To add a case, add a file and its lines.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from publisher.content.posts import read_post
from publisher.model.entry import Author
from publisher.model.problem import Level
from tests.builders import some_settings

if TYPE_CHECKING:
    from publisher.content.posts import Reading

DIALECTS = Path(__file__).parent / "dialects"
CASES = [
    pytest.param(site, file.relative_to(site / "posts").as_posix(), id=file.relative_to(DIALECTS).as_posix())
    for site in sorted(DIALECTS.iterdir())
    for file in sorted((site / "posts").rglob("*.m*"))
]
SETTINGS = some_settings()  # https://example.com/, in Los Angeles


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Author):
        return {name: text for name, text in dataclasses.asdict(value).items() if text}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def as_told(reading: Reading) -> dict[str, Any]:
    """A reading in the words of expected.json, complete."""
    told: dict[str, Any] = {"skipped": reading.skipped} if reading.skipped else {}
    for problem in reading.problems:
        line = f"{problem.line}: {problem.message} -> {problem.remedy}"
        told.setdefault("errors" if problem.level is Level.ERROR else "warnings", []).append(line)
    if reading.source:
        post = reading.source.post
        told |= {field.name: _plain(getattr(post, field.name)) for field in dataclasses.fields(post)}
        told |= {"body": reading.source.body, "body_line": reading.source.body_line}
    return told


@pytest.mark.parametrize(("site", "path"), CASES)
def test_a_file_is_read_as_its_author_meant_it(site: Path, path: str) -> None:
    expected = json.loads((site / "expected.json").read_text(encoding="utf-8"))[path]
    told = as_told(read_post(path, (site / "posts" / path).read_bytes(), SETTINGS))
    named = {"skipped", "errors", "warnings"} & told.keys()
    assert {key: told.get(key) for key in {*expected, *named}} == expected


@pytest.mark.parametrize("site", sorted(DIALECTS.iterdir()), ids=lambda site: site.name)
def test_every_expectation_has_its_file(site: Path) -> None:
    expected = json.loads((site / "expected.json").read_text(encoding="utf-8"))
    assert {path for path in expected if not (site / "posts" / path).is_file()} == set()

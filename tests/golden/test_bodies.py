"""Every folder of ``bodies`` holds a post's body and the HTML that it becomes in the small site of tests/bodies.py.

``post.md`` (or ``post.mdx``) is the body; ``expected.html`` the page's HTML; ``expected.feed.html`` the
feed's, where it differs; ``problems.txt`` what the author is told, where there is something. To add a case,
add a folder; nothing here needs to change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bodies import rendered

CASES = sorted((Path(__file__).parent / "bodies").iterdir())


def _text(case: Path, name: str, default: str) -> str:
    file = case / name
    return file.read_text(encoding="utf-8") if file.exists() else default


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_body_becomes_the_html_beside_it(case: Path) -> None:
    source = next(case.glob("post.md*"))
    made = rendered(source.read_text(encoding="utf-8"), path=f"notes/{source.name}")
    html = _text(case, "expected.html", "")
    assert made.body.html == html
    assert made.body.feed_html == _text(case, "expected.feed.html", html)
    assert "".join(f"{problem}\n" for problem in made.problems) == _text(case, "problems.txt", "")

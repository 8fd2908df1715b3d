"""What the quick answer knows of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from publisher.flows import unchanged

if TYPE_CHECKING:
    from pathlib import Path


def _left(build: Path, until: float | None) -> str:
    unchanged.remember(
        str(build),
        until=until,
        posts="",
        static="",
        templates=(),
        output="",
        passed_over=frozenset(),
        said="0 0 0 0",
        files={},
        sources="",
        outputs={},
    )
    return str(build)


@pytest.mark.parametrize(("until", "due"), [(None, None), (1.0, 1.0), (4e9, None)])
def test_what_was_said_falls_due_with_the_next_post(tmp_path: Path, until: float | None, due: float | None) -> None:
    assert unchanged.fell_due(_left(tmp_path, until)) == due


def test_nothing_is_due_where_no_run_has_ended(tmp_path: Path) -> None:
    assert unchanged.fell_due(str(tmp_path)) is None

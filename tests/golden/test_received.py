"""Each file of ``received`` is a feed as somebody's program wrote it; expected.json says what is read out of it.

An expectation holds what differs from an empty noun, and the items' fields alike. To add a case, add a file, run this
once with GOLDEN=write in the environment, and read what was written.
"""

from __future__ import annotations

import json
import os
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from publisher.feeds.reading import read_feed

RECEIVED = Path(__file__).parent / "received"
EXPECTED = RECEIVED / "expected.json"
CASES = [path for path in sorted(RECEIVED.iterdir()) if path != EXPECTED]
URL = "https://x.test/feeds/all"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        told = {one.name: (getattr(value, one.name), one.default) for one in fields(value)}
        return {
            name: _plain(one) for name, (one, default) in told.items() if one != ("" if default is MISSING else default)
        }
    return value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_a_feed_is_read_as_it_was_meant(path: Path) -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))
    read = _plain(read_feed(path.read_bytes(), URL))
    if os.environ.get("GOLDEN") == "write":
        told = dict(sorted((expected | {path.name: read}).items()))
        EXPECTED.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert read == expected.get(path.name)


def test_every_expectation_has_its_file() -> None:
    assert json.loads(EXPECTED.read_text("utf-8")).keys() == {path.name for path in CASES}

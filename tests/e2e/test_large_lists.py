"""A list of a million people comes in and goes out in flat memory. Short in a test run, in full in ``make soak``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_subscribers_commands import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 1_000_000 if os.environ.get("PUBLISHER_SOAK") else 20_000
MOST_MEGABYTES = 200
# A process counts what its parent held at the moment it was made, so the command is the child of a small one.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-c", "from publisher.cli.main import main; main()", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
sys.exit(done.returncode)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "posts").mkdir()
    yield tmp_path
    for path in tmp_path.glob("*.*"):  # some hundred megabytes
        path.unlink()


def measured(site: Path, *arguments: str, code: int = 0) -> tuple[str, int]:
    """Run a subscribers' command; what it answered, and the most memory it took, in megabytes."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, "subscribers", *arguments],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, done.stderr
    peak = int(done.stderr.split()[-1])
    seconds = time.monotonic() - start
    print(f"{' '.join(arguments[:2])}: {ROWS / seconds:.0f} rows/s, {peak} MB")  # noqa: T201 - shown by pytest -s
    return done.stdout, peak


def write_list(path: Path) -> None:
    """A list like Mailchimp's, in which one of a thousand stands twice, one has left, and one is no address."""
    with path.open("w") as target:
        target.write("Email Address,OPTIN_TIME,CONFIRM_TIME,LEID,EUID\n")
        for number in range(ROWS):
            name = {998: "reader1", 999: "nobody at"}.get(number % 1000, f"reader{number}")
            minute, second = divmod(number % 3600, 60)
            target.write(f"{name}@example{number % 500}.org,,2021-05-06 07:{minute:02}:{second:02},{number},e\n")


@pytest.mark.soak
def test_a_million_people_move_in_flat_memory(site: Path) -> None:
    write_list(site / "subscribed_members.csv")
    arguments = ("import", "subscribed_members.csv", "--digest", "conferences", "--json")
    wrong = ROWS // 1000
    dry, peak = measured(site, *arguments, "--dry-run", code=1)
    assert peak < MOST_MEGABYTES
    done, peak = measured(site, *arguments, code=1)
    assert peak < MOST_MEGABYTES
    counts = json.loads(done)["counts"]
    assert counts["refused"] == wrong
    assert sum(counts.values()) == ROWS
    assert json.loads(dry)["counts"] == counts
    for form in ("csv", "json"):
        _, peak = measured(site, "export", f"people.{form}", "--format", form)
        assert peak < MOST_MEGABYTES
        again, peak = measured(site, "import", f"people.{form}", "--json")
        assert peak < MOST_MEGABYTES
        assert json.loads(again)["counts"] == {"known already": counts["added"]}

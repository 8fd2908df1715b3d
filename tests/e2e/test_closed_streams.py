"""Standard streams that are closed or full, and a folder that is gone: a word and an exit code, never a traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.sites import a_site, command, environment, run

FULL = Path("/dev/full")


def shell(site: Path, words: str, redirection: str) -> subprocess.CompletedProcess[str]:
    script = f'"$0" "$@" {redirection}'
    return subprocess.run(
        ["/bin/sh", "-c", script, *command(*words.split())],
        cwd=site,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_fault(tmp_path: Path, redirection: str) -> None:
    site = a_site(tmp_path / "site")
    for _ in ("anew", "with nothing to do"):
        done = shell(site, "publish", redirection)
        assert (done.returncode, done.stderr) == (0, "")
    assert (site / "public/feed.xml").exists()


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("words", ["publish", "check", "--version"])
def test_an_answer_that_cannot_be_written_is_said(tmp_path: Path, words: str) -> None:
    done = shell(a_site(tmp_path / "site"), words, ">/dev/full")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = run(tmp_path, words=["/bin/sh", "-c", 'cd gone && rmdir ../gone && "$0" "$@"', *command("publish")])
    assert (done.code, "is gone" in done.err) == (2, True)

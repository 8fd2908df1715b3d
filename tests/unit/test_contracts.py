"""The house stands as it is drawn: imports go down only, the lower floors are pure, and quick answers stay quick."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from typing import TYPE_CHECKING

import pytest
from importlinter.cli import lint_imports

from tests.sites import CHECKOUT, a_site, environment

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = CHECKOUT / "publisher"
CONTRACTS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]

# What no answer may wait for if it can do without: tens of milliseconds each.
HEAVY = {"alembic", "css_inline", "feedgen", "frontmatter", "httpx", "jinja2", "lxml", "mjml", "nh3", "pyromark"}
HEAVY |= {"prometheus_client", "rich", "sqlalchemy", "starlette", "uvicorn", "watchfiles", "yaml"}
REACHING_OUT = {"asyncio", "http", "io", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "urllib.request"}
REACHING_OUT |= {"random", "secrets", "tempfile", "threading", "time"}
TELLING_THE_TIME = {".now", ".today", ".utcnow"}
LISTENING = {"asyncio", "http.server", "socketserver", "starlette", "uvicorn"}


@cache
def names_in(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """What a module imports, also inside functions (dotted names and their first parts), and what else it names.

    Attributes are named with their dot.
    """
    imports: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imports.add(node.module or "")
        elif isinstance(node, ast.Attribute):
            names.add(f".{node.attr}")
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return frozenset(imports | {name.partition(".")[0] for name in imports}), frozenset(names)


def imported(path: Path) -> frozenset[str]:
    return names_in(path)[0]


def modules(*floors: str) -> list[Path]:
    """The modules of some floors, or of all."""
    return sorted(path for floor in floors or ("",) for path in (PACKAGE / floor).rglob("*.py"))


def test_the_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(CHECKOUT)
    code = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    told = capsys.readouterr().out
    assert code == 0, told
    assert f"{len(CONTRACTS)} kept, 0 broken" in told


def test_each_folder_of_the_package_has_its_floor() -> None:
    (floors,) = (contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    drawn = {name.strip().removeprefix("publisher.") for line in floors for name in line.split("|")}
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders <= drawn


@pytest.mark.parametrize("path", modules("model", "rules"), ids=lambda path: path.stem)
def test_model_and_rules_reach_nothing_outside(path: Path) -> None:
    imports, names = names_in(path)
    assert {name for name in imports if "." not in name} <= sys.stdlib_module_names | {"publisher"}
    assert imports.isdisjoint(REACHING_OUT)
    assert "open" not in names
    assert TELLING_THE_TIME.isdisjoint(names), "now is an argument"


def test_the_listening_socket_belongs_to_the_web_floor() -> None:
    for path in modules():
        assert path.parent.name == "web" or imported(path).isdisjoint(LISTENING), path


@pytest.mark.parametrize(
    ("package", "place"),
    [
        ("feedgen", "feeds/frames.py"),
        ("mjml", "mail/mjml_html.py"),
        ("css_inline", "mail/mjml_html.py"),
        ("apscheduler", "engine/clock.py"),
        ("itsdangerous", "tokens.py"),
        ("email_validator", "mail/addresses.py"),
        ("smtplib", "mail/smtp.py"),
        ("prometheus_client", "web/metrics.py"),
        ("brotli", "web/documents.py"),
    ],
)
def test_one_module_knows_each_of_these(package: str, place: str) -> None:
    assert [path for path in modules() if package in imported(path)] == [PACKAGE / place]


def test_only_the_command_line_prints() -> None:
    for path in modules():
        assert "print" not in names_in(path)[1], path
        assert path.parent.name == "cli" or "click" not in imported(path), path


# What a command imports

LOADED = """
import sys
from publisher.cli.main import run
code = run(sys.argv[1:])
sys.stderr.write(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(code)
"""


def loaded(folder: Path, *arguments: str) -> set[str]:
    """Top-level names of all modules that are loaded when ``publisher`` with these arguments ends."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("publish", "--help"), ("digest", "--help"), ("serve", "--help"), ("--version",)]
)
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert loaded(tmp_path, *arguments).isdisjoint(HEAVY | {"sqlite3", "tomllib"})


def test_a_publish_with_nothing_to_do_imports_next_to_nothing(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    loaded(site, "publish")
    names = loaded(site, "publish")
    assert names.isdisjoint(HEAVY | {"click", "dataclasses", "datetime", "json", "sqlite3", "tomllib"})

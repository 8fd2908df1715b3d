"""README.md does not lie: its commands exist, take the options it names, and do what they say in a new site."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path

import click
import pytest

from publisher.cli.root import root
from tests.sites import CHECKOUT, run

README = (CHECKOUT / "README.md").read_text("utf-8")
MAKEFILE = (CHECKOUT / "Makefile").read_text("utf-8")
ELSEWHERE = frozenset({"cd", "pip", "python", "python3", "git", "hugo"})  # not ours to show
ENDLESS = frozenset({"--watch", "--open", "serve"})


def blocks() -> list[str]:
    """The shell blocks, in their order."""
    return re.findall(r"^```(?:sh|bash|shell|console)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """The words of each command in a text of shell."""
    lines = (line.removeprefix("$ ") for line in text.replace("\\\n", " ").splitlines())
    parts = (part for line in lines for part in re.split(r"&&|\|\||;|\|", line))
    return [words for words in (shlex.split(part, comments=True) for part in parts) if words]


def inline() -> list[list[str]]:
    """The commands that stand in running text and tables."""
    text = re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`((?:publisher|publish|make)(?: [^`\n]*)?)`", text)
    return [words for span in spans for words in commands(span)]


EVERY = sorted({tuple(words) for words in (*(one for block in blocks() for one in commands(block)), *inline())})


def test_there_is_something_to_prove() -> None:
    assert blocks()
    assert any(words[0] in {"publish", "publisher"} for words in EVERY)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_exists_and_takes_its_options(words: tuple[str, ...]) -> None:
    name, *arguments = words
    if name == "make":
        for target in arguments:
            assert re.search(rf"^{re.escape(target)}:", MAKEFILE, re.MULTILINE), f"make has no {target}"
    elif name in {"publish", "publisher"}:
        _parse(["publish", *arguments] if name == "publish" else arguments)
    else:
        assert name in ELSEWHERE, f"what is {name}?"


def _parse(arguments: list[str]) -> None:
    """Let click read a command line without running it. Raises ClickException for what it does not know."""
    command: click.Command = root
    context = None
    while isinstance(command, click.Group) and arguments:
        context = click.Context(command, parent=context)
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
    if not isinstance(command, click.Group):
        with suppress(click.exceptions.Exit):  # --help is all that is read of a line
            command.make_context(command.name, list(arguments), parent=context)


def _runs_here(block: str) -> bool:
    """Whether a block holds nothing but our own commands, and ends."""
    found = commands(block)
    own = all(words[0] in {"publish", "publisher", "cd"} for words in found)
    return own and not any(ENDLESS.intersection(words) for words in found)


@pytest.mark.parametrize("block", [block for block in blocks() if _runs_here(block)])
def test_the_blocks_run_as_they_stand(tmp_path: Path, block: str) -> None:
    if "publisher init" not in block:
        run(tmp_path, "init", ".")
    scripts = Path(sys.executable).parent
    if not (scripts / "publisher").exists():
        pytest.skip("the commands are not installed beside this Python")
    words = ["env", f"PATH={scripts}{os.pathsep}{os.environ['PATH']}", "sh", "-euc", block]
    done = run(tmp_path, words=words)
    assert done.code == 0, done.err
    assert list(tmp_path.rglob("public/feed.xml")) or "publish" not in block

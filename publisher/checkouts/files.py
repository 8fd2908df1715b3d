"""Files of a checkout as tables: TOML, YAML and JSON, with every fault as a problem that names file and line.

YAML's plain words stay texts here: what is meant as a number or a flag is read as one where it is used.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from publisher.model.entry import Author
from publisher.model.problem import warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from publisher.model.problem import Problem

try:
    from yaml import CBaseLoader as _Loader
except ImportError:  # PyYAML was built without libyaml
    from yaml import BaseLoader as _Loader  # type: ignore[assignment] # the same, in Python

LARGEST = 1_000_000  # bytes of a file that is still somebody's configuration
_AT_LINE = re.compile(r"at line (\d+)")
_MEND = "mend the file, or write what it says into config.toml yourself"


class Files:
    """The files of one checkout, and what could not be read of them."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def has(self, *names: str) -> bool:
        """Whether one of these files or folders is there."""
        return any(Path(self.folder, name).exists() for name in names)

    def first(self, *names: str) -> str:
        """The first of these that is a file; empty where none is."""
        return next((name for name in names if Path(self.folder, name).is_file()), "")

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        try:
            return sorted(path.name for path in Path(self.folder, folder).iterdir())
        except OSError:
            return []

    def text(self, name: str) -> str:
        """A file's text; empty where it cannot be read."""
        path = Path(self.folder, name)
        try:
            if not path.is_file():  # a pipe would be waited for without end
                raise OSError("it is no file")  # noqa: TRY301 - told as the system's own refusals are
            if path.stat().st_size > LARGEST:
                raise OSError(f"it is larger than {LARGEST // 1000} KB")  # noqa: TRY301 - as above
            return path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as fault:
            reason = getattr(fault, "strerror", None) or str(fault)
            self.say(name, 0, f"cannot be read: {reason}")
            return ""

    def table(self, name: str) -> dict[str, Any]:
        """A file's table by its ending; empty where it holds none."""
        text = self.text(name)
        try:
            found = _READERS[name.rpartition(".")[2].lower()](text) if text else {}
        except (ValueError, RecursionError, yaml.YAMLError) as fault:
            self.say(name, _line(fault), f"cannot be understood: {_reason(fault)}", _MEND)
            return {}
        if isinstance(found, dict):
            return {str(key): value for key, value in found.items()}
        if found:
            self.say(name, 1, "holds no table of settings", _MEND)
        return {}

    def say(self, name: str, line: int, message: str, remedy: str = "") -> None:
        """Keep a problem of one file."""
        self.problems.append(warning(name, line, message, remedy))


_READERS: dict[str, Callable[[str], Any]] = {
    "toml": tomllib.loads,
    "json": json.loads,
    "yaml": lambda text: yaml.load(text, Loader=_Loader),  # noqa: S506 - this loader builds texts, lists and tables
    "yml": lambda text: yaml.load(text, Loader=_Loader),  # noqa: S506 - as above
}


def _line(fault: Exception) -> int:
    if isinstance(fault, json.JSONDecodeError):
        return fault.lineno
    mark = getattr(fault, "problem_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    found = _AT_LINE.search(str(fault))
    return int(found[1]) if found else 0


def _reason(fault: Exception) -> str:
    if isinstance(fault, RecursionError):
        return "it is nested too deeply"
    return str(getattr(fault, "problem", None) or fault).partition("\n")[0]


def folded(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table with its keys in lower case, all the way down: Hugo does not tell them apart."""
    return {key.lower(): folded(value) if isinstance(value, dict) else value for key, value in _texts(table)}


def _texts(table: Mapping[Any, Any]) -> Iterable[tuple[str, Any]]:
    return ((str(key), value) for key, value in table.items())


def at(table: Any, *keys: str) -> Any:
    """What stands in nested tables; None where one of them is missing or is none."""
    for key in keys:
        if not isinstance(table, dict):
            return None
        table = table.get(key)
    return table


def text_at(table: Any, *keys: str) -> str:
    """A text of nested tables, on one line; empty for anything else."""
    found = at(table, *keys)
    return " ".join(found.split()) if isinstance(found, str) else ""


def number_at(table: Any, *keys: str) -> int | None:
    """A whole number, also one that is written as a text."""
    found = at(table, *keys)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    return int(found) if isinstance(found, str) and re.fullmatch(r"-?[0-9]{1,9}", found) else None


def flag_at(table: Any, *keys: str) -> bool | None:
    """A flag, also one that is written as a word."""
    found = at(table, *keys)
    if isinstance(found, bool):
        return found
    return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(str(found).lower())


def texts_at(table: Any, *keys: str) -> tuple[str, ...]:
    """A list of texts; a lone one is a list of one."""
    found = at(table, *keys)
    if isinstance(found, str):
        return (found,)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def authors_in(value: Any) -> tuple[Author, ...]:
    """Authors as generators write them: a name, a table of name and email, or a list of either."""
    found = (_author(one) for one in (value if isinstance(value, list) else [value]))
    return tuple(one for one in found if one is not None)


def _author(value: Any) -> Author | None:
    if isinstance(value, str):
        return Author(" ".join(value.split())) if value.strip() else None
    table = folded(value) if isinstance(value, dict) else {}
    name, email = text_at(table, "name"), text_at(table, "email")
    url = text_at(table, "url") or text_at(table, "uri")
    return (
        Author(name or email, email, url if url.startswith(("http://", "https://")) else "") if name or email else None
    )


def folder_named(value: str, fallback: str) -> str:
    """A folder of a checkout as a plain relative path."""
    plain = value.strip().removeprefix("./").strip("/")
    return plain if plain and ".." not in plain.split("/") else fallback

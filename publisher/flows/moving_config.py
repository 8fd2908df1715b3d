"""The config.toml of a site that moves in: the shipped one, with what is known of the site written into it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from publisher.config import DEFAULT_PATHS
from publisher.model.entry import Author

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = re.compile(r"(?:# )?\[([\w.-]+)\]")
_KEY = re.compile(r"(?:# )?([a-z_]+) = ")
_COMMENT = re.compile(r"\s{2,}(#.*)$")
_COLUMN = 43  # where the shipped file's comments begin


def config_text(shipped: str, values: Mapping[tuple[str, str], Any]) -> str:
    """``shipped`` with a value for each (table, key) that is known; the sample's digest and sender are put to sleep."""
    left = dict(values)
    lines, table = [], ""
    for line in shipped.splitlines():
        if header := _HEADER.match(line):
            table = header[1]
        key = _KEY.match(line)
        place = (table, key[1]) if key else ("", "")
        if place in left:
            lines.append(_line(place[1], left.pop(place), line))
        else:
            lines.append(_asleep(line, table))
    if left:
        raise KeyError(f"the shipped config has no line for {sorted(left)}")
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any, before: str) -> str:
    """One setting, with the comment that stood beside it."""
    text = f"{key} = {toml(value)}"
    comment = _COMMENT.search(before)
    return f"{text:<{_COLUMN - 1}} {comment[1]}" if comment else text


def _asleep(line: str, table: str) -> str:
    """What the sample site alone means, kept as an example."""
    own = table.startswith("digests.") or (table in {"mail", "site", "feeds"} and _KEY.match(line))
    return f"# {line}" if own and line.strip() and not line.startswith(("#", "[mail]", "[site]", "[feeds]")) else line


def toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        sound = value.encode("utf-8", "replace").decode()  # JSON and YAML can hold half of a surrogate pair
        return json.dumps(sound, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Author):
        known = {"name": value.name, "email": value.email, "url": value.uri}
        return (
            toml({key: text for key, text in known.items() if text}) if value.email or value.uri else toml(value.name)
        )
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_name(key)} = {toml(one)}" for key, one in value.items()) + " }"
    return "[" + ", ".join(map(toml, value)) + "]"


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml(key)


def feed_values(paths: Mapping[Any, str], *, limit: int, full: bool) -> dict[tuple[str, str], Any]:
    """[feeds]: the addresses that readers hold; the other formats stand beside them."""
    named = {fmt.value: path for fmt, path in paths.items()}
    for fmt, path in DEFAULT_PATHS.items():
        if fmt.value not in named:  # Jekyll's Atom stands at feed.xml, where RSS would be
            ending = path.rpartition(".")[2]
            free = (path, f"{fmt.value}.{ending}", *(f"{fmt.value}-{number}.{ending}" for number in (2, 3, 4)))
            named[fmt.value] = next(one for one in free if one not in named.values())
    return {
        ("feeds", "paths"): named,
        ("feeds", "limit"): limit,
        ("feeds", "content"): "full" if full else "summary",
    }

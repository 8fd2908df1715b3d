# ruff: noqa: RUF001 - names that go wrong are what this is about
"""The addresses that a generator gives to posts and tags, beside those that we give them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.content.posts import read_post
from publisher.flows.feed_plan import place_of_tag
from publisher.model.settings import DEFAULT_PERMALINKS, DEFAULT_TAG_PATH, PagesSettings, PostsSettings
from tests.builders import some_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

BASE = "https://blog.test/sub/"
ZONE = "America/New_York"

# Names, titles, slugs and tags that go wrong somewhere.
NASTY = (
    "Plain Words",
    "UPPER CASE",
    "under_score and-hyphen",
    "two  spaces",
    "a - b -- c",
    " lead and trail ",
    "-dashed-",
    "node.js v1.2",
    "dots...",
    ".hidden",
    "C++",
    "C#",
    "C# and F#",
    "AT&T",
    "it's",
    "“quoted” and 'quoted'",
    "50% off",
    "100%25",
    "a%20b",
    "what? now!",
    "a+b=c",
    "x@y.z",
    "~tilde",
    "(paren) [bracket] {brace}",
    "semi;colon, comma: colon",
    "star*pipe|less<more>",
    "money $5 €5 £5",
    "Straße",
    "ÜBER Größe",
    "İstanbul ıstanbul",
    "ΟΔΟΣ",
    "Привет, Мир",
    "Ёлка и объём",
    "日本語 の本",
    "한국어",
    "हिन्दी भाषा",
    "עברית",
    "العربية",
    "e\u0301cole",  # decomposed
    "ﬁligree ² Ａ",  # compatibility characters
    "👩‍💻 emoji",
    "no\u00a0break",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "em — dash – en",
    "ellipsis…",
    "Æther Øre Łódź đ ð þ",
    "½ cup",
    "١٢٣ digits",
    "Ⅷ roman",
    "2024-01-05",
    "index",
    "Ünïcödé-MIX_of.everything",
)


def ours(folder: Path, spelling: str, patterns: Mapping[str, str], posts: str) -> dict[str, str]:
    """Each post's address by its path, below BASE."""
    permalinks = tuple(sorted({"": DEFAULT_PERMALINKS[spelling], **patterns}.items()))
    site = replace(
        some_settings(base_url=BASE, timezone=ZoneInfo(ZONE)),
        posts=PostsSettings(dir=posts, permalinks=permalinks, spelling=spelling),
    )
    found = {}
    root = folder / posts
    for path in sorted(root.rglob("*.md")):
        name = path.relative_to(root).as_posix()
        reading = read_post(name, path.read_bytes(), site)
        assert reading.source, (name, reading)
        found[name] = reading.source.post.permalink.removeprefix(BASE)
    return found


def tag_places(names: Iterable[str], spelling: str, tag_path: str = DEFAULT_TAG_PATH) -> dict[str, str]:
    """Each tag's page below BASE; "" for a tag of which nothing is left."""
    pages, posts = PagesSettings(tag_path=tag_path), PostsSettings(spelling=spelling)
    site = replace(some_settings(base_url=BASE), pages=pages, posts=posts)
    return {name: place_of_tag(name, site) for name in names}


def quoted(text: str) -> str:
    """A text as a value of TOML and of YAML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def front(title: str, mark: str = "+++", **keys: str) -> str:
    """A post's file; values are ready for TOML (or YAML, where ``mark`` is ---)."""
    lines = [f"title {'=:'[mark == '---']} {quoted(title)}"]
    lines += [f"{key} = {value}" if mark == "+++" else f"{key}: {value}" for key, value in keys.items()]
    return "\n".join([mark, *lines, mark, "", "x", ""])


_WORDS = st.text(
    st.one_of(
        st.sampled_from("aZ09 -_.+#%&@~'/\"?:;,!()[]{}<>|*=$€ßİıΣςÉéѐ日本한👩‍\u200b\u0301\u00a0\u2003½²ﬁ"),
        st.characters(
            min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cn", "Cc", "Co"), exclude_characters="\\"
        ),
    ),
    min_size=1,
    max_size=24,
)


@cache
def any_words() -> list[str]:
    """What hypothesis would try one after the other; a generator builds them all at once."""
    found: dict[str, None] = {}

    @settings(max_examples=400, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_WORDS)
    def collect(word: str) -> None:
        found[word] = None

    collect()
    return [*found]


def names_of_files(words: list[str]) -> Iterator[tuple[int, str]]:
    """Those that can be the name of a file, each once in any case."""
    seen = set()
    for at, word in enumerate(words):
        name = word.strip().replace("/", "")
        if name and len(name.encode()) < 200 and name[0] != "." and name[-1] not in ".~#" and name.lower() not in seen:
            seen.add(name.lower())
            yield at, name

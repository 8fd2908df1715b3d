"""Law of config.toml: whatever it holds, it is read, or refused with every fault, a message and a line that exists."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from publisher.config import _DIGEST, _NAMED_FEED, _SHAPE, parse
from publisher.errors import ConfigError

WORDS = [
    *(
        "",
        "full",
        "rss",
        "tag",
        "en",
        "UTC",
        "mon 09:00",
        "09:00",
        "feed.xml",
        "tags/:name/:file",
        "/:slug/",
        "/:year/",
    ),
    *(
        "https://blog.test/",
        "https://[::1",
        "http://a:b@c.test:99999/",
        "sqlite:///x",
        "postgresql://[x",
        "maildir:out",
    ),
    *("..", "/", "a b", "\\u0000", "\\uffff", "é", "each", "x\\ny"),
]
SCALARS = st.one_of(
    st.sampled_from(WORDS).map(lambda word: f'"{word}"'),
    st.sampled_from(
        ["true", "-1", "0", "3", "1.5", "nan", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "9" * 5000]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'"), max_size=5).map(lambda t: f"'{t}'"),
)
INLINE_KEYS = st.sampled_from(["rss", "atom", "json", "name", "email", "url", "weekly", "talks", "x", '""', '"a b"'])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(INLINE_KEYS, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=4,
)
TABLES: dict[str, Any] = {**_SHAPE, "feeds.a": _NAMED_FEED, "feeds.B c": _NAMED_FEED, "digests.d": _DIGEST, "x": {}}


def _table(name: str) -> st.SearchStrategy[str]:
    keys = st.sampled_from([*TABLES[name], "password", "titel", "x"])
    lines = st.dictionaries(keys, VALUES, max_size=4).map(
        lambda table: "".join(f"{key} = {value}\n" for key, value in table.items())
    )
    header = ".".join(f'"{part}"' if " " in part else part for part in name.split("."))
    return st.one_of(lines.map(lambda text: f"[{header}]\n{text}"), VALUES.map(lambda value: f"{header} = {value}\n"))


DOCUMENTS = st.lists(st.sampled_from(sorted(TABLES)), unique=True, max_size=5).flatmap(
    lambda names: st.tuples(*map(_table, names)).map("".join)
)
VALID = '[site]\ntitle = "T"\nbase_url = "https://blog.test/"\n'


def reads_or_refuses(text: str) -> None:
    try:
        parse(text)
    except ConfigError as refused:
        faults = refused.problems
    else:
        return
    assert faults
    assert all(fault.message and 0 <= fault.line <= text.count("\n") + 1 for fault in faults)


@given(DOCUMENTS)
def test_tables_of_known_and_unknown_keys_with_any_values(text: str) -> None:
    reads_or_refuses(text)


@given(DOCUMENTS.filter(lambda text: "[site]" not in text and "site =" not in text))
def test_the_same_beside_a_site_that_is_valid(text: str) -> None:
    reads_or_refuses(text + VALID)


@given(st.text() | st.text("[]{}=.#,'\"\n x1-:"))
def test_any_text_at_all(text: str) -> None:
    reads_or_refuses(text)

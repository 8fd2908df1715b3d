"""No bytes raise anything but FeedError; and what we write ourselves is read back as it was meant."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from publisher.errors import FeedError
from publisher.feeds.discovery import feeds_of
from publisher.feeds.reading import read_feed

GOLDEN = Path(__file__).parent.parent / "golden" / "moving"
FEEDS = [path.read_bytes() for path in sorted(GOLDEN.rglob("*.xml")) if b"{{" not in path.read_bytes()]
KEYS = "id url title authors name tags attachments date_published content_html image".split()  # noqa: SIM905 - reads better
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


def reads(data: bytes) -> None:
    with suppress(FeedError):
        read_feed(data, "https://x.test/feed")


@given(st.binary(max_size=400))
@example(b"<rss version='2.0'><channel><item><pubDate>")
def test_any_bytes(data: bytes) -> None:
    reads(data)
    reads(b"<rss version='2.0'><channel><title>T</title><item>" + data)
    reads(b"<feed xmlns='http://www.w3.org/2005/Atom'><entry>" + data + b"</entry></feed>")
    reads(b'{"version": "https://jsonfeed.org/version/1", "items": [' + data)
    feeds_of(data, "https://x.test/")


@given(st.sampled_from(FEEDS), st.data())
def test_a_feed_with_a_part_that_is_missing_or_changed(feed: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(feed)))
    end = data.draw(st.integers(start, len(feed)))
    reads(feed[:start])
    reads(feed[:start] + data.draw(st.binary(max_size=8)) + feed[end:])


@given(VALUES)
def test_json_of_any_shape(value: object) -> None:
    text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [value], "title": value, "hubs": value})
    reads(text.encode("utf-8", "surrogatepass"))

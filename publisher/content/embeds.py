"""What pages embed (films, sound, slides, messages) as links that any feed reader can show."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from publisher.content.urls import media_type

_REWRITTEN = (
    (re.compile(r"(?:https?:)?//(?:www\.)?youtube(?:-nocookie)?\.com/embed/videoseries\?.*?\blist=([\w-]+).*"),
     r"https://www.youtube.com/playlist?list=\1"),
    (re.compile(r"(?:https?:)?//(?:www\.)?youtube(?:-nocookie)?\.com/(?:embed|v|shorts)/([\w-]+).*"),
     r"https://www.youtube.com/watch?v=\1"),
    (re.compile(r"(?:https?:)?//player\.vimeo\.com/video/(\d+).*"), r"https://vimeo.com/\1"),
    (re.compile(r"(?:https?:)?//(?:www\.)?dailymotion\.com/embed/video/(\w+).*"),
     r"https://www.dailymotion.com/video/\1"),
    (re.compile(r"(?:https?:)?//open\.spotify\.com/embed(?:-podcast)?/(\w+/\w+).*"), r"https://open.spotify.com/\1"),
    (re.compile(r"(?:https?:)?//codepen\.io/([\w-]+)/embed/(?:preview/)?(\w+).*"), r"https://codepen.io/\1/pen/\2"),
)  # fmt: skip
_KINDS = (
    ("Video", ("youtube.com", "youtu.be", "vimeo.com", "dailymotion.com", "bilibili.com", "ted.com", "twitch.tv")),
    ("Audio", ("spotify.com", "soundcloud.com", "podcasts.apple.com", "bandcamp.com")),
    ("Post", ("twitter.com", "x.com", "instagram.com", "facebook.com", "bsky.app", "linkedin.com")),
    ("Code", ("gist.github.com", "codepen.io", "jsfiddle.net", "codesandbox.io", "stackblitz.com")),
    ("Slides", ("speakerdeck.com", "slideshare.net", "slides.com", "docs.google.com/presentation")),
    ("Recording", ("asciinema.org",)),
    ("Map", ("google.com/maps", "openstreetmap.org")),
)


def readable(url: str, title: str = "") -> tuple[str, str]:
    """Where a person would look at an embed, and a label for the link: ``Video: title or address``."""
    target = watch_url(url.strip())
    shown = title.strip() or re.sub(r"^(?:https?:)?//(?:www\.)?", "", target).rstrip("/")
    return target, f"{_kind(target)}: {shown}"


def watch_url(url: str) -> str:
    """The page of what a player's URL plays; any other URL as it is."""
    if "/plugins/" in url and "facebook.com" in url:
        return _facebook(url)
    for pattern, page in _REWRITTEN:
        if pattern.fullmatch(url):
            return pattern.sub(page, url)
    return url


def _facebook(url: str) -> str:
    try:
        return parse_qs(urlsplit(url).query).get("href", [url])[0]
    except ValueError:
        return url


def _kind(url: str) -> str:
    if media := media_type(url):
        return media.partition("/")[0].capitalize()
    address = re.sub(r"^(?:https?:)?//(?:www\.)?", "", url.lower())
    for kind, hosts in _KINDS:
        if address.startswith(hosts) or address.partition("/")[0].endswith(tuple(f".{host}" for host in hosts)):
            return kind
    return "Embedded"

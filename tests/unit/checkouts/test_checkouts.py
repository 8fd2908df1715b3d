"""What a generator's configuration says, in our words; nothing of it is executed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from publisher.checkouts.recognising import recognise
from publisher.model.entry import Author
from publisher.model.feed import Format

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.checkouts.checkout import Checkout


def read(folder: Path, **files: str) -> Checkout:
    """A checkout of these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = recognise(os.fspath(folder))
    assert found is not None
    return found


def messages(checkout: Checkout) -> list[str]:
    return [f"{one.path}:{one.line} {one.message}" for one in checkout.problems]


def test_a_folder_of_nobody_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Hello", "utf-8")
    assert recognise(os.fspath(tmp_path)) is None
    assert recognise(os.fspath(tmp_path / "nowhere")) is None


def test_a_site_of_ours_is_no_generators(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[site]\ntitle = "T"\nbase_url = "https://x.test/"\n', "utf-8")
    assert recognise(os.fspath(tmp_path)) is None


# Hugo

THREE_FORMATS = """
[outputs]
home = ["HTML", "RSS", "ATOM", "JSONFeed"]
[outputFormats.ATOM]
mediaType = "application/atom+xml"
[outputFormats.JSONFeed]
mediaType = "application/json"
baseName = "feed"
"""
ATOM_AS_XML = """
[outputs]
home = ["ATOM"]
[outputFormats.ATOM]
mediaType = "application/atom+xml"
baseName = "feed"
[mediaTypes."application/atom+xml"]
suffixes = ["xml"]
"""


def test_hugo_says_all_that_we_ask(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        **{
            "hugo.toml": """
baseURL = "https://blog.test/"
Title = "Notes"
languageCode = "en-us"
timeZone = "Europe/Berlin"
publishDir = "docs"
[params]
description = "About things"
author = { name = "Robin", email = "robin@blog.test" }
[permalinks]
posts = "/:year/:month/:slugorcontentbasename"
[services.rss]
limit = 15
"""
        },
    )
    assert (found.generator, found.title, found.base_url) == ("hugo", "Notes", "https://blog.test/")
    assert (found.language, found.timezone, found.description) == ("en-US", "Europe/Berlin", "About things")
    assert found.authors == (Author("Robin", "robin@blog.test"),)
    assert (found.posts, found.static, found.output) == ("content", "static", "docs")
    assert found.permalinks == (
        ("", "/:sections/:slugorcontentbasename/"),
        ("posts", "/:year/:month/:slugorcontentbasename/"),
    )
    assert (found.tag_path, found.tag_feed) == ("tags/:name/", "tags/:name/:file")
    assert (found.feeds, found.limit, found.full) == (((Format.RSS, "index.xml"),), 15, False)
    assert found.problems == ()


def test_hugo_in_its_folder_of_files_and_in_yaml(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        **{"config/_default/hugo.yaml": "baseURL: https://x.test/\nuglyURLs: true\n"},
        **{"config/_default/permalinks.toml": 'page.posts = "/p/:title/"\n'},
        **{"config/_default/params.toml": 'author = "Kim"\n'},
        **{"config/_default/taxonomies.toml": 'topic = "topics"\n'},
    )
    assert found.permalinks == (
        ("", "/:sections/:slugorcontentbasename.html"),
        ("posts", "/p/:title.html"),
    )
    assert (found.authors, found.tag_path, found.tag_feed) == ((Author("Kim"),), "", "")


@pytest.mark.parametrize(
    ("config", "feeds"),
    [
        ('[outputs]\nhome = ["HTML"]', ()),
        ('disableKinds = ["RSS"]', ()),
        ('[outputFormats.RSS]\nbaseName = "feed"', ((Format.RSS, "feed.xml"),)),
        (
            THREE_FORMATS,
            ((Format.ATOM, "index.atom"), (Format.JSON, "feed.json"), (Format.RSS, "index.xml")),
        ),
        (
            ATOM_AS_XML,
            ((Format.ATOM, "feed.xml"),),
        ),
    ],
)
def test_hugos_feeds(tmp_path: Path, config: str, feeds: object) -> None:
    assert read(tmp_path, **{"hugo.toml": f'baseURL = "https://x.test/"\n{config}'}).feeds == feeds


def test_hugo_with_a_template_of_its_own_may_give_whole_texts(tmp_path: Path) -> None:
    template = {"layouts/_default/rss.xml": "<rss>{{ .Content | html }}</rss>"}
    assert read(tmp_path, **{"hugo.toml": 'baseURL = "https://x.test/"'}, **template).full is True


def test_hugos_oddities_are_told(tmp_path: Path) -> None:
    config = 'baseURL = "https://x.test/"\ndisablePathToLower = true\n[permalinks]\nposts = "/:2006/:slug/"\n'
    said = messages(read(tmp_path, **{"config.toml": config + "[languages.en]\n[languages.de]\n"}))
    assert [line.partition(" ")[0] for line in said] == ["config.toml:0"] * 2


# Jekyll


def test_jekyll_says_all_that_we_ask(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        **{
            "_config.yml": "title: Notes\nurl: https://blog.test\nbaseurl: /notes\ntimezone: Europe/Berlin\n"
            "author: Robin\nemail: r@blog.test\nplugins: [jekyll-feed, jekyll-archives]\npermalink: /:year/:title/\n"
            "feed:\n  posts_limit: 30\n"
            "jekyll-archives:\n  enabled: [tags]\n  permalinks:\n    tag: /t/:name/\n"
        },
    )
    assert (found.generator, found.base_url, found.timezone) == ("jekyll", "https://blog.test/notes/", "Europe/Berlin")
    assert found.authors == (Author("Robin", "r@blog.test"),)
    assert (found.posts, found.output, found.permalinks) == ("_posts", "_site", (("", "/:year/:title/"),))
    assert (found.feeds, found.limit, found.full) == (((Format.ATOM, "feed.xml"),), 30, True)
    assert (found.tag_path, found.problems) == ("t/:name/", ())


@pytest.mark.parametrize(
    ("config", "pattern"),
    [
        ("", "date"),
        ("permalink: pretty", "pretty"),
        ("permalink: blog/:title", "/blog/:title"),
        ("permalink: pretty\ncollections:\n  posts:\n    permalink: /:slug/", "/:slug/"),
        ("defaults:\n- scope: {path: '', type: posts}\n  values: {permalink: '/x/:title/'}", "/x/:title/"),
        ("defaults:\n- nonsense\n- scope:\n", "date"),
    ],
)
def test_jekylls_permalinks(tmp_path: Path, config: str, pattern: str) -> None:
    assert read(tmp_path, **{"_config.yml": f"url: https://x.test\n{config}\n"}).permalinks == (("", pattern),)


def test_jekylls_feed_may_be_a_template(tmp_path: Path) -> None:
    feed = "---\n---\n<rss>{% for post in site.posts limit:12 %}{{ post.content | xml_escape }}{% endfor %}</rss>"
    found = read(tmp_path, **{"_config.yml": "url: https://x.test\n", "feed.xml": feed})
    assert (found.feeds, found.limit, found.full) == (((Format.RSS, "feed.xml"),), 12, True)
    assert messages(found) == ["_config.yml:0 names no time zone: Jekyll takes that of the machine it runs on"]


def test_jekylls_plugin_may_stand_in_the_gemfile_alone(tmp_path: Path) -> None:
    gems = 'group :jekyll_plugins do\n  gem "jekyll-feed", "~> 0.12"\nend\n'
    found = read(tmp_path, **{"_config.yml": "timezone: UTC\nfeed: {excerpt_only: true}", "Gemfile": gems})
    assert (found.feeds, found.limit, found.full) == (((Format.ATOM, "feed.xml"),), 10, False)


def test_hexo_is_not_taken_for_jekyll(tmp_path: Path) -> None:
    (tmp_path / "source" / "_posts").mkdir(parents=True)
    (tmp_path / "_config.yml").write_text("title: Hexo\n", "utf-8")
    assert recognise(os.fspath(tmp_path)) is None


# Zola


def test_zola_says_all_that_we_ask(tmp_path: Path) -> None:
    config = (
        'base_url = "https://z.test"\ntitle = "Z"\ndefault_language = "fr"\ngenerate_feeds = true\n'
        'feed_filenames = ["atom.xml", "rss.xml"]\nfeed_limit = 20\nauthor = "Kim"\n'
        'taxonomies = [{ name = "tags", feed = true }, { name = "people" }]\n'
    )
    found = read(tmp_path, **{"config.toml": config})
    assert (found.generator, found.base_url, found.language, found.timezone) == ("zola", "https://z.test", "fr", "UTC")
    assert found.feeds == ((Format.ATOM, "atom.xml"), (Format.RSS, "rss.xml"))
    assert (found.limit, found.full, found.posts) == (20, True, "content")
    assert (found.tag_path, found.tag_feed, found.problems) == ("tags/:name/", "tags/:name/:file", ())


def test_zola_without_feeds_and_with_its_older_words(tmp_path: Path) -> None:
    assert read(tmp_path / "a", **{"zola.toml": 'base_url = "https://z.test"'}).feeds == ()
    old = 'base_url = "https://z.test"\ngenerate_feed = true\nfeed_filename = "rss.xml"\n[slugify]\npaths = "safe"\n'
    found = read(tmp_path / "b", **{"config.toml": old})
    assert found.feeds == ((Format.RSS, "rss.xml"),)
    assert messages(found) == ['config.toml:0 slugify.paths is "safe"']


# Eleventy


def test_eleventy_says_what_stands_plainly_in_it(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        **{
            "eleventy.config.js": """
import { feedPlugin } from "@11ty/eleventy-plugin-rss";
// input: "commented-out"
export default function (eleventyConfig) {
  eleventyConfig.addPlugin(feedPlugin, {
    type: "atom", outputPath: "/feed/feed.xml",
    collection: { name: "posts", limit: 10 },
    metadata: { language: "en", title: "E", base: "https://e.test/" },
  });
  return { dir: { input: "src", output: "dist" }, pathPrefix: "/notes/" };
}
""",
            "src/_data/metadata.js": 'export default { title: "E", url: "https://e.test/", language: "en",\n'
            '  author: { name: "Kim", email: "k@e.test" } }',
            "src/blog/first.md": "---\ntitle: First\n---\n",
            "src/tags.njk": "---\npermalink: /tags/{{ tag | slugify }}/\n---\n",
        },
    )
    assert (found.generator, found.title, found.base_url) == ("eleventy", "E", "https://e.test/notes/")
    assert (found.posts, found.output, found.authors) == ("src/blog", "dist", (Author("Kim", "k@e.test"),))
    assert (found.permalinks, found.tag_path) == ((("", "/blog/:path/"),), "tags/:name/")
    assert (found.feeds, found.limit, found.problems) == (((Format.ATOM, "feed/feed.xml"),), 10, ())


def test_eleventys_data_beside_posts_choose_their_address(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        **{
            ".eleventy.js": "module.exports = () => ({});",
            "posts/one.md": "",
            "posts/posts.json": '{ "permalink": "/writing/{{ page.fileSlug }}/index.html" }',
            "feed.njk": '---json\n{ "permalink": "feed.xml" }\n---\n<feed>',
        },
    )
    assert (found.permalinks, found.feeds) == ((("", "/writing/:name/"),), ((Format.ATOM, "feed.xml"),))


def test_what_eleventy_computes_is_told(tmp_path: Path) -> None:
    files = {"posts/one.md": "", "posts/posts.11tydata.js": "module.exports = { permalink: (data) => data.x }"}
    found = read(tmp_path, **{".eleventy.js": "module.exports = () => ({});"}, **files)
    assert found.permalinks == ()
    assert messages(found) == [
        ".eleventy.js:0 does not say plainly where its feeds are",
        "posts/posts.11tydata.js:0 permalink is computed: (data) => data.x }",
    ]


# Pelican


def test_pelican_says_all_that_we_ask_and_nothing_is_run(tmp_path: Path) -> None:
    (tmp_path / "spoilt").mkdir()
    found = read(
        tmp_path,
        **{
            "pelicanconf.py": "import os\nSITENAME: str = 'P'\nAUTHOR = 'Kim'\nTIMEZONE = 'Asia/Tokyo'\n"
            "PATH = 'content'\nARTICLE_PATHS = ['blog']\nARTICLE_URL = '{date:%Y}/{date:%m}/{slug}/'\n"
            "SITEURL = os.environ['X']\nos.rmdir('spoilt')\nFEED_ALL_ATOM = None\n",
            "publishconf.py": "from pelicanconf import *\nSITEURL = 'https://p.test'\n"
            "FEED_ALL_ATOM = 'feeds/all.atom.xml'\nFEED_ALL_RSS = 'feeds/all.rss.xml'\nFEED_MAX_ITEMS = 30\n",
        },
    )
    assert (tmp_path / "spoilt").is_dir()
    assert (found.generator, found.title, found.base_url, found.timezone) == (
        "pelican",
        "P",
        "https://p.test/",
        "Asia/Tokyo",
    )
    assert (found.posts, found.output) == ("content/blog", "output")
    assert (found.permalinks, found.tag_path) == ((("", "/:year/:month/:slug/"),), "tag/:name.html")
    assert found.feeds == ((Format.ATOM, "feeds/all.atom.xml"), (Format.RSS, "feeds/all.rss.xml"))
    assert (found.limit, found.full) == (30, True)
    assert messages(found) == ["pelicanconf.py:8 SITEURL is computed, and cannot be read here"]


def test_pelicans_patterns_without_a_counterpart_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, **{"pelicanconf.py": "ARTICLE_URL = '{author}/{date:%U}/{slug}.html'\n"})
    assert found.permalinks == ()
    assert messages(found) == ["pelicanconf.py:0 ARTICLE_URL holds {author}, which has no counterpart"]


# Bad input


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("hugo.toml", "baseURL = \n", "hugo.toml:1 cannot be understood"),
        ("hugo.json", '{\n"baseURL": ', "hugo.json:2 cannot be understood"),
        ("hugo.yaml", "a: [\n", "hugo.yaml:2 cannot be understood"),
        ("hugo.yaml", "- a\n- b\n", "hugo.yaml:1 holds no table of settings"),
        ("_config.yml", "a: b: c\n", "_config.yml:1 cannot be understood"),
        ("_config.yml", "[" * 5000, "_config.yml:"),
        ("zola.toml", "a" * 1_100_000, "zola.toml:0 cannot be read: it is larger than 1000 KB"),
        ("pelicanconf.py", "SITENAME = (\n", "pelicanconf.py:1 is no valid Python"),
        ("pelicanconf.py", "SITENAME = " + "(" * 3000, "pelicanconf.py:"),
        ("pelicanconf.py", "\0", "pelicanconf.py:"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(tmp_path: Path, name: str, text: str, place: str) -> None:
    assert messages(read(tmp_path, **{name: text}))[0].startswith(place)


@pytest.mark.parametrize("name", ["hugo.toml", "_config.yml", "zola.toml", ".eleventy.js", "pelicanconf.py"])
@pytest.mark.parametrize("kind", ["bytes", "pipe", "folder", "nothing"])
def test_files_that_are_no_texts_do_no_harm(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    if kind == "bytes":
        path.write_bytes(b"\xff\xfe\x00\x80" * 20)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
    found = recognise(os.fspath(tmp_path))
    assert found is not None
    assert (found.title, found.authors) == ("", ())


@pytest.mark.parametrize(
    "config",
    [
        "outputs: 3\npermalinks: 7\ntaxonomies: []\nlanguages: x\noutputFormats: []\nservices: no\nparams: []\n",
        "permalinks: {posts: [1], page: 3}\noutputs: {home: rss, term: 5}\noutputFormats: {RSS: 1}\nauthor: [[1]]\n",
        "title: [1]\nbaseURL: {}\nstaticDir: [[]]\ndisableKinds: {a: b}\npublishDir: ../../etc\ncontentDir: /\n",
    ],
)
def test_values_of_the_wrong_kind_do_no_harm(tmp_path: Path, config: str) -> None:
    hugo = read(tmp_path / "hugo", **{"hugo.yaml": config})
    assert (hugo.output, hugo.posts) == ("public", "content")
    assert read(tmp_path / "jekyll", **{"_config.yml": config}).output == "_site"
    assert read(tmp_path / "zola", **{"zola.toml": "author = 1\ntaxonomies = 3\nslugify = 3\n"}).tag_path == ""


def test_values_of_the_wrong_kind_do_no_harm_in_jekyll(tmp_path: Path) -> None:
    config = "defaults: 3\nplugins: {a: b}\nfeed: x\njekyll-archives: []\ncollections: []\nauthor: {}\n"
    config += "destination: /etc/../x\n"
    assert read(tmp_path, **{"_config.yml": config}).output == "_site"

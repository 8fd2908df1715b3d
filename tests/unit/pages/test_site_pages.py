"""Every page a site has: well formed, escaped, linked from where it stands, equal for equal input."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from lxml import html as lxml_html

from publisher.model.entry import Author, Enclosure, Image
from publisher.model.settings import DigestSettings, Filter, WebSettings
from publisher.pages.site import Pages
from publisher.templating import packaged_templates
from tests.builders import BASE, DAY, a_feed, an_entry, an_item, some_settings

if TYPE_CHECKING:
    from collections.abc import Callable

MAIN = a_feed()
CONFERENCE = a_feed("tag:conference", "tags/conference/", title="Only conferences", full_text=False)
HOSTILE = """</title><script>alert("x")</script> & 'quotes' {{ 7 * 7 }} \N{LATIN SMALL LETTER E WITH ACUTE}"""
VOID = {"meta", "link", "br", "img", "hr", "input"}


def place(name: str) -> str:
    slug = re.sub(r"\W+", "-", name.lower()).strip("-")
    return f"tags/{slug}/" if slug else ""


def some_pages(text: str = "", **site: str) -> Pages:
    feeds = (a_feed(title=text or "Field Notebook"), CONFERENCE)
    return Pages(some_settings(**site), (packaged_templates(),), feeds, place)


@cache  # compiling the templates anew for each test would take seconds
def every_page(text: str = "") -> dict[str, bytes]:
    """One page of each kind; ``text`` takes the place of whatever an author may write."""
    pages = some_pages(text, **({"title": text, "description": text} if text else {}))
    entry = an_entry(title=text or "Hello", tags=("conference", text or "other"))
    item = an_item(
        title=text or "Hello",
        summary=text or "A summary.",
        tags=(text or "conference",),
        authors=(Author(text or "Robin"),),
        image=Image(BASE + "a.png", text or "A picture"),
        enclosure=Enclosure(BASE + "a.mp3", "audio/mpeg", 1_000_000),
    )
    feed = a_feed("tag:x", "tags/x/", title=text or "X", description=text or "About x.")
    listings = [(entry, text or "A summary.")]
    return {
        "post": pages.post(item),
        "standing": pages.standing(item),
        "index": pages.index(listings, [(2018, 1)], [entry]),
        "empty index": pages.index([], [], []),
        "year": pages.year(2018, [entry]),
        "tag": pages.tag(text or "conference", "tags/conference/", [entry], feed),
        "tag without feed": pages.tag(text or "conference", "tags/conference/", [entry], None),
        "tags": pages.tags([(text or "conference", "tags/conference/", 1)]),
        "no tags": pages.tags([]),
        "feed": pages.feed(feed, listings),
        "main feed": pages.feed(MAIN, []),
        "feeds": pages.feeds([MAIN, feed]),
        "redirect": pages.redirect(BASE + "posts/x/?a=1&b=2"),
        "not found": pages.not_found(),
    }


KINDS = tuple(every_page())


class Nesting(HTMLParser):
    """Fails where an element is closed that is not the innermost open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: bytes) -> etree._Element:
    return lxml_html.document_fromstring(page.decode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", HOSTILE])
def test_every_page_is_well_formed(kind: str, text: str) -> None:
    page = every_page(text)[kind].decode()
    nesting = Nesting()
    nesting.feed(page)
    nesting.close()
    assert page.startswith("<!doctype html>\n")
    assert nesting.open == []
    assert nesting.seen.count("h1") == 1
    assert nesting.seen.count("title") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_has_what_browsers_readers_and_engines_look_for(kind: str) -> None:
    page = parsed(every_page()[kind])
    assert page.get("lang") == "en"
    assert page.findtext("head/title")
    assert page.xpath("//meta[@name='viewport']/@content") == ["width=device-width, initial-scale=1"]
    found = page.xpath("//link[@rel='alternate']/@href")
    assert found[:3] == [BASE + "feed.xml", BASE + "atom.xml", BASE + "feed.json"]
    types = page.xpath("//link[@rel='alternate']/@type")
    assert types[:3] == ["application/rss+xml", "application/atom+xml", "application/feed+json"]
    assert len(page.xpath("//link[@rel='canonical']/@href | //meta[@name='robots']/@content")) in {1, 2}


@pytest.mark.parametrize("kind", KINDS)
def test_what_authors_write_stays_text(kind: str) -> None:
    page = parsed(every_page(HOSTILE)[kind])
    assert page.xpath("//script") == []
    assert b"{{ 7" in every_page(HOSTILE)[kind] or kind == "redirect"
    assert b"49" not in every_page(HOSTILE)[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_no_page_runs_scripts_or_fetches_from_elsewhere(kind: str) -> None:
    page = parsed(every_page()[kind])
    assert page.xpath("//script") == []
    assert page.xpath("//@onclick") == []
    fetched = page.xpath("//link[@rel='stylesheet']/@href | //img/@src | //audio/@src")
    assert all(not url.startswith(("http", "//")) or url.startswith(BASE) for url in fetched)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_input_gives_equal_bytes(kind: str) -> None:
    assert every_page.__wrapped__()[kind] == every_page()[kind]


def test_the_stylesheet_is_the_packaged_one() -> None:
    assert some_pages().stylesheet() == (packaged_templates() / "pages" / "style.css").read_bytes()


@pytest.mark.parametrize(
    ("render", "way"),
    [
        (lambda pages: pages.index([(an_entry(), "")], [], []), "./"),
        (lambda pages: pages.year(2018, [an_entry()]), "../../"),
        (lambda pages: pages.tags([("hello", "tags/hello/", 1)]), "../"),
        (lambda pages: pages.post(an_item(tags=("hello",))), "../../"),
        (lambda pages: pages.post(an_item(url=BASE + "a/b/c.html", tags=("hello",))), "../../"),
        (lambda pages: pages.post(an_item(url=BASE + "about", tags=("hello",))), "./"),
    ],
)
def test_the_pages_own_links_are_relative_to_it(render: Callable[[Pages], bytes], way: str) -> None:
    page = parsed(render(some_pages()))
    assert page.xpath("//link[@rel='stylesheet']/@href") == [f"{way}style.css"]
    assert f"{way}feeds/" in page.xpath("//nav/a/@href")
    assert f"{way}posts/hello/" in page.xpath("//a/@href") or f"{way}tags/hello/" in page.xpath("//a/@href")


def test_the_page_for_missing_addresses_is_served_at_any_depth() -> None:
    page = parsed(some_pages(base_url="https://example.com/blog/").not_found())
    assert page.xpath("//link[@rel='stylesheet']/@href") == ["/blog/style.css"]
    assert page.xpath("//link[@rel='canonical']") == []


def test_links_inside_a_body_stay_as_they_are() -> None:
    body = '<p><a href="https://example.com/posts/x/?a=1&amp;b">x</a> &lt;b&gt;</p>'
    assert body.encode() in some_pages().post(an_item(html=body))


def test_a_body_with_its_own_top_heading_keeps_the_page_at_one() -> None:
    page = parsed(some_pages().post(an_item(html="<h1>Mine</h1><h2>Under it</h2>")))
    assert page.xpath("//h1/text()") == ["Hello"]
    assert page.xpath("//h2/text()") == ["Mine"]


def test_a_post_tells_its_day_author_and_tags() -> None:
    item = an_item(authors=(Author("Robin", "robin@example.com"),), tags=("AWS Lambda", "…"))
    page = parsed(some_pages().post(item))
    assert page.xpath("//time/@datetime") == ["2018-12-03"]
    assert page.xpath("//time/text()") == ["3 December 2018"]
    assert page.xpath("//*[contains(@class, 'p-author')]/text()") == ["Robin"]
    assert page.xpath("//a[@rel='tag']/@href") == ["../../tags/aws-lambda/"]
    assert page.xpath("//*[contains(@class, 'p-category')]/text()") == ["AWS Lambda", "…"]
    assert b"robin@example.com" not in some_pages().post(item)


def test_a_change_on_another_day_is_told() -> None:
    later = parsed(some_pages().post(an_item(updated=DAY + timedelta(days=40))))
    assert later.xpath("//time[contains(@class, 'dt-updated')]/text()") == ["12 January 2019"]
    same = parsed(some_pages().post(an_item(updated=DAY + timedelta(hours=3))))
    assert same.xpath("//time[contains(@class, 'dt-updated')]") == []


def test_a_post_without_a_title_is_called_by_its_day() -> None:
    assert parsed(some_pages().post(an_item(title=""))).xpath("//h1/text()") == ["3 December 2018"]
    assert b">3 December 2018</a>" in some_pages().index([(an_entry(title=""), "")], [], [])


def test_a_post_in_another_language_says_so() -> None:
    page = parsed(some_pages().post(an_item(language="he")))
    assert (page.get("lang"), page.get("dir")) == ("he", "rtl")
    assert page.xpath("//time/text()") == ["2018-12-03"]
    assert b'<li class="h-entry" lang="he">' in some_pages().year(2018, [an_entry(language="he")])


def test_a_standing_page_has_no_date() -> None:
    about = an_item("about", published=datetime(1970, 1, 1, tzinfo=UTC), standing=True)
    assert parsed(some_pages().standing(about)).xpath("//time") == []


def test_those_who_share_a_post_find_its_picture() -> None:
    page = parsed(some_pages().post(an_item(image=Image(BASE + "a.png", "A picture"))))
    found = dict(zip(page.xpath("//meta/@property"), page.xpath("//meta[@property]/@content"), strict=True))
    assert found == {
        "og:url": BASE + "posts/hello/",
        "og:type": "article",
        "og:title": "Hello",
        "og:site_name": "Field Notebook",
        "og:image": BASE + "a.png",
        "og:image:alt": "A picture",
    }


def test_audio_can_be_played_and_other_files_downloaded() -> None:
    audio = an_item(enclosure=Enclosure(BASE + "a.mp3", "audio/mpeg", 2_000_000))
    assert parsed(some_pages().post(audio)).xpath("//audio/@src") == [BASE + "a.mp3"]
    other = an_item(enclosure=Enclosure(BASE + "a.pdf", "application/pdf", 0))
    assert parsed(some_pages().post(other)).xpath("//a[@class='u-enclosure']/@href") == [BASE + "a.pdf"]


def test_a_tags_page_names_its_own_feed() -> None:
    page = parsed(some_pages().tag("conference", "tags/conference/", [an_entry()], CONFERENCE))
    assert page.xpath("//link[@rel='alternate']/@href")[3:] == [url for _, _, url in CONFERENCE.documents]
    assert "../../feeds/tag/conference/" in page.xpath("//a/@href")


def test_a_feeds_page_gives_each_address_to_paste() -> None:
    page = parsed(some_pages().feed(CONFERENCE, [(an_entry(), "")]))
    assert page.xpath("//dd/code/text()") == [url for _, _, url in CONFERENCE.documents]
    assert page.xpath("//dt/a/text()") == ["RSS", "Atom", "JSON Feed"]
    assert "../../../tags/conference/" in page.xpath("//a/@href")
    assert "../../../posts/hello/" in page.xpath("//a/@href")


def test_the_list_of_feeds_links_to_opml_and_to_each_explanation() -> None:
    links = parsed(some_pages().feeds([MAIN, CONFERENCE])).xpath("//main//a/@href")
    assert "../feeds.opml" in links
    assert "../feeds/main/" in links
    assert "../feeds/tag/conference/" in links


def test_a_site_without_feeds_has_pages_all_the_same() -> None:
    pages = Pages(some_settings(), (packaged_templates(),), (), place)
    for page in (pages.post(an_item()), pages.feeds([]), pages.not_found(), pages.redirect(BASE)):
        assert parsed(page).xpath("//link[@rel='alternate'] | //footer") == []


def with_digests(public_url: str, **titles: str) -> Pages:
    """Pages of a site with digests, by name and title."""
    plain = some_settings()
    digests = tuple(DigestSettings(name, title, Filter(), (), plain.site.timezone) for name, title in titles.items())
    settings = replace(plain, web=WebSettings(public_url), digests=digests)
    return Pages(settings, (packaged_templates(),), (MAIN,), place)


def test_every_page_says_where_one_subscribes_by_mail() -> None:
    pages = with_digests("https://mail.example.com/news/", talks="Talks & more", weekly=HOSTILE)
    for page in (pages.post(an_item()), pages.index([], [], []), pages.feeds([MAIN]), pages.not_found()):
        links = parsed(page).xpath("//footer//a[contains(@href, 'subscribe')]")
        assert [(link.get("href"), link.text) for link in links] == [
            ("https://mail.example.com/news/subscribe?digest=talks", "Talks & more"),
            ("https://mail.example.com/news/subscribe?digest=weekly", HOSTILE),
        ]
        assert "Or by email: Talks & more, " in parsed(page).xpath("string(//footer)")


def test_without_a_server_or_a_digest_pages_say_nothing_of_mail() -> None:
    plain = Pages(some_settings(), (packaged_templates(),), (MAIN,), place).post(an_item())
    assert with_digests("", talks="Talks").post(an_item()) == plain
    assert with_digests("https://mail.example.com/").post(an_item()) == plain
    assert b"email" not in plain


def test_a_former_address_leads_on() -> None:
    page = parsed(some_pages().redirect(BASE + "posts/x/?a=1&b=2"))
    assert page.xpath("//meta[@http-equiv='refresh']/@content") == [f"0; url={BASE}posts/x/?a=1&b=2"]
    assert page.xpath("//link[@rel='canonical']/@href") == [BASE + "posts/x/?a=1&b=2"]


def test_a_year_does_not_know_of_other_years() -> None:
    pages = some_pages()
    before = pages.year(2018, [an_entry()])
    pages.index([(an_entry("new", published=DAY + timedelta(days=400)), "")], [(2020, 1), (2018, 1)], [])
    assert pages.year(2018, [an_entry()]) == before


def test_a_lone_surrogate_does_not_stop_a_page() -> None:
    assert b"a ? b" in some_pages().post(an_item(title="a \ud800 b"))

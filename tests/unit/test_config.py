"""config.toml: every key is documented with its default, and every fault is told at once, with line and remedy."""

from __future__ import annotations

import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from publisher.config import _DIGEST, _NAMED_FEED, _SHAPE, load, parse
from publisher.errors import ConfigError, UsageError
from publisher.model.entry import Author
from publisher.model.feed import Format
from publisher.model.settings import Filter

SHIPPED = (Path(__file__).parents[2] / "config.toml").read_text(encoding="utf-8")
SITE = '[site]\ntitle = "T"\nbase_url = "https://blog.test/"\n'
DIGEST = '[digests.talks]\nschedule = "mon 09:00"\n'

# Lines of the shipped file that show an example: these keys have no value until they are given one.
EXAMPLES = {
    ("digests.conferences", "feed"),
    ("digests.conferences", "hold"),  # none by default
    ("mail", "editor"),
    ("mail", "relay_log"),
    ("mail", "reply_to"),
    ("web", "public_url"),
    ("digests.conferences", "cadences"),
    *(("feeds.talks", key) for key in ("title", "tags", "authors", "sections", "without")),
}


def faults_of(text: str) -> list[tuple[int, str, str]]:
    """Line, message and remedy of each fault."""
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert {problem.path for problem in caught.value.problems} == {"config.toml"}
    return [(problem.line, problem.message, problem.remedy) for problem in caught.value.problems]


def fault_of(text: str) -> tuple[int, str, str]:
    (fault,) = faults_of(text)
    return fault


# What is documented


def documented() -> list[tuple[int, str, str]]:
    """Line index, table and key of every key that the shipped file shows, commented out or not."""
    found, table = [], ""
    for index, line in enumerate(SHIPPED.splitlines()):
        if header := re.match(r"(?:# )?\[([a-z.]+)\]", line):
            table = header[1]
        elif key := re.match(r"(?:# )?([a-z_]+) = ", line):
            found.append((index, table, key[1]))
    return found


def uncommented(*indices: int) -> str:
    """The shipped file with these lines (and the header of [feeds.talks], if one of them is below it) in force."""
    lines = SHIPPED.splitlines()
    header = next(index for index, line in enumerate(lines) if line.startswith("# [feeds.talks]"))
    tables = {index: table for index, table, _ in documented()}
    below = {header} if any(tables[index] == "feeds.talks" for index in indices) else set()
    return "\n".join(line.removeprefix("# ") if at in {*indices, *below} else line for at, line in enumerate(lines))


def test_every_key_that_is_accepted_is_documented_and_the_other_way_round() -> None:
    accepted = {(table, key) for table, keys in _SHAPE.items() for key in keys}
    accepted |= {("feeds.talks", key) for key in _NAMED_FEED} | {("digests.conferences", key) for key in _DIGEST}
    assert sorted((table, key) for _, table, key in documented()) == sorted(accepted)


def test_the_shipped_file_is_valid_as_it_is_and_with_every_line_in_force() -> None:
    assert parse(SHIPPED).site.title == "Field Notebook"
    everything = uncommented(*(index for index, _, key in documented() if key != "cadences"))
    assert [feed.name for feed in parse(everything).feeds.named] == ["talks"]


@pytest.mark.parametrize(
    ("index", "table", "key"),
    [
        pytest.param(index, table, key, id=f"{table}.{key}")
        for index, table, key in documented()
        if SHIPPED.splitlines()[index].startswith("# ") and (table, key) not in EXAMPLES
    ],
)
def test_what_is_commented_out_shows_the_default(index: int, table: str, key: str) -> None:
    title = next(at for at, where, name in documented() if (where, name) == ("feeds.talks", "title"))
    base = (title,) if table == "feeds.talks" else ()
    assert parse(uncommented(index, *base)) == parse(uncommented(*base)), f"{key} in [{table}]"


@pytest.mark.parametrize(("table", "key"), sorted(EXAMPLES))
def test_what_is_commented_out_as_an_example_is_valid(table: str, key: str) -> None:
    index = next(at for at, where, name in documented() if (where, name) == (table, key))
    text = uncommented(index)
    if key == "cadences":
        text = re.sub(r"(?m)^schedule = .*$", "", text)
    assert parse(text) != parse(SHIPPED)


# What is read


def test_a_title_and_an_address_are_enough() -> None:
    settings = parse(SITE)
    assert settings.site.timezone == ZoneInfo("UTC")
    assert (settings.site.language, settings.site.authors, settings.digests) == ("en", (), ())
    assert settings.feeds.paths == (
        (Format.RSS, "feed.xml"),
        (Format.ATOM, "atom.xml"),
        (Format.JSON, "feed.json"),
    )
    assert (settings.output.dir, settings.posts.dir, settings.pages.static) == ("public", "posts", "static")
    assert settings.posts.permalinks == (("", "/:sections/:slug/"),)


@pytest.mark.parametrize(
    ("line", "what", "value"),
    [
        ("language = 'pt-BR'", "site.language", "pt-BR"),
        ("timezone = 'Asia/Tokyo'", "site.timezone", ZoneInfo("Asia/Tokyo")),
        ("author = 'Ann'", "site.authors", (Author("Ann"),)),
        (
            "author = [{ name = 'Ann', email = 'a@b.test', url = 'https://a.test/' }, 'Ben']",
            "site.authors",
            (Author("Ann", "a@b.test", "https://a.test/"), Author("Ben")),
        ),
        ("description = '''\none\n\ntwo'''", "site.description", "one\n\ntwo"),
        ("[posts]\ndir = 'content/'", "posts.dir", "content"),
        ("[posts]\npermalink = '/:year/:slug/'", "posts.permalinks", (("", "/:year/:slug/"),)),
        (
            "[posts]\npermalink = { talks = '/t/:slug/' }",
            "posts.permalinks",
            (("", "/:sections/:slug/"), ("talks", "/t/:slug/")),
        ),
        ("[posts]\ntime_of_day = '9:30'", "posts.time_of_day", time(9, 30)),
        ("[posts]\ntime_of_day = 09:30:15", "posts.time_of_day", time(9, 30, 15)),
        ("[pages]\nenabled = false", "pages.enabled", False),
        ("[output]\nreplace = 'index.xml'", "output.replace", ("index.xml",)),
        ("[feeds]\nformats = ['json', 'rss']", "feeds.formats", (Format.RSS, Format.JSON)),
        ("[feeds]\nformats = 'atom'", "feeds.paths", ((Format.ATOM, "atom.xml"),)),
        (
            "[feeds]\npaths = { rss = 'index.xml' }",
            "feeds.paths",
            ((Format.RSS, "index.xml"), (Format.ATOM, "atom.xml"), (Format.JSON, "feed.json")),
        ),
        ("[feeds]\nper = ['section', 'tag']", "feeds.per", ("tag", "section")),
        ("[feeds]\nlimit = 0", "feeds.limit", 0),
        ("[feeds]\nhubs = ['https://hub.test/']", "feeds.hubs", ("https://hub.test/",)),
        ("[mail]\nfrom = 'Ann <a@b.test>'", "mail.sender", "Ann <a@b.test>"),
        ("[mail]\npostal_address = '''\nAnn\n1 Street'''", "mail.postal_address", "Ann\n1 Street"),
        ("[store]\nurl = 'postgresql://people@db.test/mail'", "store_url", "postgresql://people@db.test/mail"),
        ("[store]\nurl = 'postgresql://[db'", "store_url", "postgresql://[db"),
        ("[web]\npublic_url = 'https://news.test'", "web_public_url", "https://news.test/"),
        ("[web]\nport = 0", "web.port", 0),
        ("[web]\nhost = 'unix:/run/publisher.sock'", "web.host", "unix:/run/publisher.sock"),
        ("[web]\ntrusted_proxies = '10.0.0.0/8'", "web.trusted_proxies", ("10.0.0.0/8",)),
        ("[web]\ntrusted_proxies = ['::1', '127.0.0.1']", "web.trusted_proxies", ("::1/128", "127.0.0.1/32")),
        ("[web]\nallow_origins = ['https://WWW.b.test:8443/']", "web.allow_origins", ("https://www.b.test:8443",)),
        ("[web]\nlogs = 'json'", "web.logs", "json"),
    ],
)
def test_a_value_is_read_into_its_setting(line: str, what: str, value: object) -> None:
    found: Any = parse(SITE + line + "\n")
    for name in what.split("."):
        found = getattr(found, name)
    assert found == value


def test_a_digest_may_keep_its_issues_back() -> None:
    assert parse(SITE + DIGEST).digests[0].archive
    assert not parse(SITE + DIGEST + "archive = false\n").digests[0].archive


def test_base_url_ends_in_a_slash_and_titles_lose_the_blanks_around_them() -> None:
    site = parse('[site]\ntitle = " T "\nbase_url = "https://blog.test/sub"\n').site
    assert (site.title, site.base_url) == ("T", "https://blog.test/sub/")


def test_a_named_feed_inherits_what_it_does_not_say() -> None:
    text = "[feeds]\nlimit = 7\ncontent = 'summary'\nformats = ['rss', 'json']\n[feeds.talks]\ntags = ['talk']\n"
    (feed,) = parse(SITE + text).feeds.named
    assert (feed.name, feed.title, feed.limit, feed.content) == ("talks", "talks", 7, "summary")
    assert feed.filter == Filter(tags=("talk",))
    assert feed.paths == ((Format.RSS, "talks/feed.xml"), (Format.JSON, "talks/feed.json"))


def test_one_path_of_a_named_feed_leaves_the_others_where_they_are() -> None:
    (feed,) = parse(SITE + "[feeds.talks]\npaths = { rss = 'talks.xml' }\n").feeds.named
    assert [path for _, path in feed.paths] == ["talks.xml", "talks/atom.xml", "talks/feed.json"]


def test_a_digest_inherits_the_sites_zone_and_gets_a_title() -> None:
    (digest,) = parse(f"{SITE}timezone = 'Asia/Tokyo'\n{DIGEST}").digests
    assert (digest.title, digest.timezone, digest.start) == ("T: talks", ZoneInfo("Asia/Tokyo"), "now")
    assert digest.cadences == (("weekly", "mon 09:00"),)


@pytest.mark.parametrize(
    ("schedule", "pace"),
    [
        ("each", "each"),
        ("daily 08:00", "daily"),
        ("SUN 8:00", "weekly"),
        ("first mon 09:00", "monthly"),
        ("last fri 23:59", "monthly"),
        ("31 09:00", "monthly"),
    ],
)
def test_a_lone_schedule_names_its_cadence(schedule: str, pace: str) -> None:
    (digest,) = parse(f'{SITE}[digests.talks]\nschedule = "{schedule}"\n').digests
    assert digest.cadences == ((pace, schedule.casefold()),)


def test_cadences_are_named_by_the_author() -> None:
    text = "[digests.talks]\ncadences = { weekly = 'mon 09:00', slow = '1 09:00' }\n"
    (digest,) = parse(SITE + text).digests
    assert digest.cadences == (("weekly", "mon 09:00"), ("slow", "1 09:00"))


# What is refused

TEXT_WANTED = 'text in quotes, such as "…"'
NETWORKS_WANTED = 'a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"]'
ADDRESS_WANTED = 'an absolute address, such as "https://blog.example.org/"'
INSIDE_WANTED = 'a path inside the output, such as "feed.xml"'


@pytest.mark.parametrize(
    ("table", "line", "wanted"),
    [
        ("site", "description = 3", TEXT_WANTED),
        ("site", 'description = "a\\u0008b"', "text without control characters, which no feed may hold"),
        ("site", 'description = "a\\uffffb"', "text without control characters, which no feed may hold"),
        ("site", "language = 'english'", 'a language code, such as "en" or "pt-BR" (RFC 5646)'),
        ("site", "language = ''", "text that is not empty"),
        ("site", "timezone = 'Mars/Olympus'", 'the name of a time zone, such as "Europe/Berlin" or "UTC"'),
        ("site", "timezone = '../../etc/passwd'", 'the name of a time zone, such as "Europe/Berlin" or "UTC"'),
        ("site", "timezone = 'Europe'", 'the name of a time zone, such as "Europe/Berlin" or "UTC"'),
        ("site", "author = 3", 'a name, or { name = "…", email = "…", url = "…" }, or a list of them'),
        ("site", "author = { nam = 'A' }", 'a name, or { name = "…", email = "…", url = "…" }, or a list of them'),
        ("site", "author = { name = 'A', url = 'a.test' }", ADDRESS_WANTED),
        ("site", "author = { name = 'A', email = 3 }", TEXT_WANTED),
        ("posts", "dir = '/'", "a folder, relative to config.toml or absolute"),
        ("posts", "dir = 'https://blog.test/'", "a folder, relative to config.toml or absolute"),
        ("posts", "permalink = 3", 'a pattern such as "/:year/:slug/", or a table of section = pattern'),
        ("posts", "permalink = { talks = '' }", 'a pattern such as "/:year/:slug/", or a table of section = pattern'),
        ("posts", "permalink = '/:year/'", "it gives many posts one address; it needs :slug, :title or :filename"),
        ("posts", "time_of_day = '24:00'", 'a time of day, such as "09:00"'),
        ("posts", "time_of_day = 9", 'a time of day, such as "09:00"'),
        ("pages", "enabled = 'yes'", "true or false"),
        ("output", "replace = [3]", TEXT_WANTED),
        ("output", "replace = ['../x']", INSIDE_WANTED),
        ("feeds", "formats = []", 'a list from "rss", "atom", "json"'),
        ("feeds", "formats = ['xml']", 'a list from "rss", "atom", "json"'),
        ("feeds", "formats = 3", 'a list of texts, such as ["a", "b"]'),
        ("feeds", "limit = -1", "a whole number, 0 or more"),
        ("feeds", "limit = true", "a whole number, 0 or more"),
        ("feeds", "limit = 2.0", "a whole number, 0 or more"),
        ("feeds", "content = 'none'", 'one of "full", "summary"'),
        ("feeds", "content = ['full']", 'one of "full", "summary"'),
        ("feeds", "per = ['category']", 'a list from "tag", "author", "section"'),
        ("feeds", "tag_paths = 'tags/:name'", 'a path with :name and :file, such as "tags/:name/:file"'),
        ("feeds", "hubs = ['hub.test']", ADDRESS_WANTED),
        ("mail", "from = ''", "text that is not empty"),
        ("mail", 'from = "A\\nBcc: b@c.test"', "text on one line, without tabs"),
        ("mail", "transport = 'carrier pigeon'", '"maildir:FOLDER", or a relay: "smtp://user@relay.example.org"'),
        ("store", "url = 'mysql://db.test/x'", '"sqlite:///mailing.sqlite3" or "postgresql://…"'),
        ("web", "port = 65536", "a whole number from 0 to 65535"),
        ("web", "trusted_proxies = ['localhost']", NETWORKS_WANTED),
        ("web", "trusted_proxies = ['10.0.0.1/8']", NETWORKS_WANTED),
        ("web", "allow_origins = ['https://b.test/page']", 'a list of origins, such as ["https://www.example.org"]'),
        ("web", "allow_origins = ['*']", ADDRESS_WANTED),
        ("web", "letters_per_network = 0", "a whole number from 1 to 1000000"),
        ("web", "logs = 'xml'", 'one of "text", "json"'),
        ("digests.talks", "archive = 'no'", "true or false"),
        ("digests.talks", "start = 'later'", 'one of "now", "all"'),
        ("feeds.talks", "limit = 'all'", "a whole number, 0 or more"),
    ],
)
def test_a_value_is_refused_with_its_line_and_what_was_wanted(table: str, line: str, wanted: str) -> None:
    text = f"[{table}]\n{line}\n"
    text = SITE + line + "\n" if table == "site" else SITE + (DIGEST + line + "\n" if "digests" in table else text)
    number, message, _ = fault_of(text)
    key = line.partition(" ")[0]
    assert message == f"{key} in [{table}] is to be {wanted}"
    assert text.split("\n")[number - 1] == line


@pytest.mark.parametrize("path", ["/feed.xml", "../feed.xml", "a//b.xml", "./feed.xml", "feeds/", "a\\\\b", "a/../b"])
def test_a_path_that_leaves_the_output_or_has_two_spellings_is_refused(path: str) -> None:
    number, message, _ = fault_of(f'{SITE}[feeds]\npaths = {{ rss = "{path}" }}\n')
    assert (number, message) == (5, f"paths in [feeds] is to be {INSIDE_WANTED}")


@pytest.mark.parametrize(
    "paths", ["{}", "{ xml = 'feed.xml' }", "'feed.xml'", "{ rss = 3 }", "{ rss = 'a\\tb' }".replace("'", '"')]
)
def test_paths_that_are_no_table_of_formats_are_refused(paths: str) -> None:
    assert fault_of(f"{SITE}[feeds]\npaths = {paths}\n")[0] == 5


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("blog.test", ADDRESS_WANTED),
        ("/blog/", ADDRESS_WANTED),
        ("ftp://blog.test/", ADDRESS_WANTED),
        ("https://", ADDRESS_WANTED),
        ("https://[::1", ADDRESS_WANTED),
        ("https://blog.test:99999/", ADDRESS_WANTED),
        ("https://blog.test/a b/", ADDRESS_WANTED),
        ("https://blog.test/<b>/", ADDRESS_WANTED),
        ("https://blog.test/%zz/", ADDRESS_WANTED),
        ("https://bücher.test/", "an address in ASCII: the host in punycode (xn--…), other letters percent-encoded"),
        (
            "https://ann:pw@blog.test/",
            "an address without a user and password: everyone who reads a feed would read them",
        ),
        ("https://blog.test/?a=b", "an address without ? and #"),
        ("https://blog.test/#a", "an address without ? and #"),
    ],
)
def test_an_address_that_no_feed_could_carry_is_refused(address: str, wanted: str) -> None:
    number, message, _ = fault_of(f'[site]\ntitle = "T"\nbase_url = "{address}"\n')
    assert (number, message) == (3, f"base_url in [site] is to be {wanted}")


def test_what_is_missing_is_named_with_the_line_to_add() -> None:
    assert faults_of('[site]\nlanguage = "en"\n') == [
        (1, "title is missing in [site]", 'add: title = "My notebook"'),
        (1, "base_url is missing in [site]", 'add: base_url = "https://blog.example.org/"'),
    ]
    assert [line for line, _, _ in faults_of("")] == [0, 0]


@pytest.mark.parametrize("lines", ["", "schedule = 'each'\ncadences = { weekly = 'mon 09:00' }\n"])
def test_a_digest_wants_either_a_schedule_or_cadences(lines: str) -> None:
    assert fault_of(f"{SITE}[digests.talks]\n{lines}") == (
        4,
        "[digests.talks] wants either schedule or cadences",
        'add: schedule = "mon 09:00"',
    )


@pytest.mark.parametrize(
    "schedule",
    ["mon", "09:00", "mon 24:00", "32 09:00", "fifth mon 09:00", "monday 09:00", "0 9 * *", "0 24 * * *", ""],
)
def test_a_schedule_that_is_none_is_refused(schedule: str) -> None:
    number, message, _ = fault_of(f'{SITE}[digests.talks]\nschedule = "{schedule}"\n')
    assert number == 5
    assert message.startswith("schedule in [digests.talks] is to be ")


def test_a_schedule_that_never_comes_is_refused() -> None:
    assert fault_of(f'{SITE}[digests.talks]\nschedule = "0 9 31 Feb *"\n')[1] == (
        'schedule in [digests.talks] is to be cron whose day of the month is one that its months have, not "31"'
    )


@pytest.mark.parametrize(
    "schedule", ["mon,thu 09:00", "mon-fri 08:00", "last 09:00", "0 9 * * Mon", "*/30 8-18 * * 1-5"]
)
def test_a_schedule_may_have_any_form_that_the_calendar_reads(schedule: str) -> None:
    (digest,) = parse(f'{SITE}[digests.talks]\ncadences = {{ own = "{schedule}" }}\n').digests
    assert digest.cadences == (("own", schedule.casefold()),)


@pytest.mark.parametrize("cadences", ["{}", "3", "{ weekly = 3 }", "{ 'every week' = 'mon 09:00' }"])
def test_cadences_that_are_no_table_of_schedules_are_refused(cadences: str) -> None:
    assert fault_of(f"{SITE}[digests.talks]\ncadences = {cadences}\n")[0] == 5


@pytest.mark.parametrize("kind", ["feeds", "digests"])
@pytest.mark.parametrize("name", ["Talks", "two words", "a_b", "é", "-a", ""])
def test_a_name_that_could_be_no_address_is_refused(kind: str, name: str) -> None:
    schedule = "schedule = 'each'\n" if kind == "digests" else ""
    number, message, _ = fault_of(f'{SITE}[{kind}."{name}"]\n{schedule}')
    assert number == 4
    assert message == f"the name of [{kind}.{name}] is to be lower-case letters, digits and hyphens"


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        ("sites = 1\n" + SITE, 1, "unknown key sites", "did you mean site?"),
        (SITE + "[post]\ndir = 'x'\n", 4, "unknown key post", "did you mean posts?"),
        (SITE + "[site.authors]\nname = 'x'\n", 4, "unknown key authors in [site]", "did you mean author?"),
        (SITE + "Language = 'en'\n", 4, "unknown key Language in [site]", "did you mean language?"),
        (SITE + "colour = 'red'\n", 4, "unknown key colour in [site]", None),
        (SITE + "[pages]\nstatics = 'x'\n", 5, "unknown key statics in [pages]", "did you mean static?"),
        (SITE + "[feeds]\nlimits = 3\n", 5, "unknown key limits in [feeds]", "did you mean limit?"),
        (SITE + "[feeds.talks]\ntag = ['x']\n", 5, "unknown key tag in [feeds.talks]", "did you mean tags?"),
        (SITE + DIGEST + "shedule = 'x'\n", 6, "unknown key shedule in [digests.talks]", "did you mean schedule?"),
        (SITE + "[digest.talks]\nschedule = 'each'\n", 4, "unknown key digest", "did you mean digests?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(text: str, line: int, message: str, remedy: str | None) -> None:
    found = fault_of(text)
    assert found[:2] == (line, message)
    assert found[2] == remedy or (remedy is None and found[2].startswith("known here: title, base_url, "))


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        ("[mail]\nsmtp_password = 'hunter2'", "PUBLISHER_SMTP_PASSWORD"),
        ("[web]\nadmin_token = 'hunter2'", "PUBLISHER_ADMIN_TOKEN"),
        ("[web]\nSecret_Keys = 'hunter2'", "PUBLISHER_SECRET_KEYS"),
        ("[store]\nurl = 'postgresql://ann:hunter2@db.test/x'", "PUBLISHER_STORE_URL"),
        ("[store]\nurl = 'postgresql://db.test/x?user=ann&password=hunter2'", "PUBLISHER_STORE_URL"),
        ("[mail]\ntransport = 'smtp://ann:hunter2@mail.test'", "PUBLISHER_SMTP_PASSWORD"),
    ],
)
def test_a_secret_is_refused_with_the_name_of_its_variable_and_not_repeated(line: str, variable: str) -> None:
    number, message, remedy = fault_of(f"{SITE}{line}\n")
    assert number == 5
    assert variable in message + remedy
    assert "hunter2" not in message + remedy


def test_all_faults_are_told_at_once() -> None:
    site = "[site]\ntitle = ''\nbase_url = 'x'\nlanguge = 'en'\n"
    text = site + "[feeds]\nlimit = -1\n[feeds.Talks]\n[digests.a]\nstart = 3\n"
    assert [line for line, _, _ in faults_of(text)] == [4, 2, 3, 6, 7, 9, 8]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{SITE}feeds.limit = 'x'\n", 4),
        ("feeds.limit = 'x'\n" + SITE, 1),
        (f"feeds = {{ limit = 'x' }}\n{SITE}", 1),
        (f"{SITE}[feeds.paths]\nrss = 3\n", 4),
        (f"{SITE}[ feeds ] # all\n  'limit' = 'x'\n", 5),
        (f"{SITE}[feeds]\n# limit = 1\nlimit = 'x'\n", 6),
        (f"{SITE}[feeds.a]\nlimit = 1\n[feeds]\nlimit = 'x'\n", 7),
        (f"{SITE}description = '''\n'''\n[feeds]\nlimit = 'x'\n", 7),
    ],
)
def test_the_line_is_found_in_any_shape_of_toml(text: str, line: int) -> None:
    found = faults_of(text)
    assert line in [number for number, _, _ in found]


@pytest.mark.parametrize("name", ["site", "feeds", "digests", "mail"])
def test_a_table_that_is_none_is_refused(name: str) -> None:
    text = f"{name} = 3\n" + (SITE if name != "site" else "")
    assert faults_of(text)[0][0] == 1


# Two feeds with one address


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("paths = { rss = 'atom.xml' }\n", "atom.xml is the address of two feeds ([feeds] and [feeds])"),
        (
            "[feeds.talks]\npaths = { rss = 'feed.xml' }\n",
            "feed.xml is the address of two feeds ([feeds] and [feeds.talks])",
        ),
        (
            "[feeds.a]\npaths = { rss = 'x.xml' }\n[feeds.b]\npaths = { rss = 'x.xml' }\n",
            "x.xml is the address of two feeds ([feeds.a] and [feeds.b])",
        ),
        (
            "[feeds.a]\npaths = { rss = 'feed.xml/x' }\n",
            "feed.xml/x is the address of two feeds ([feeds] and [feeds.a])",
        ),
        (
            "per = ['tag', 'author']\nauthor_paths = 'tags/:name/:file'\n",
            "tags/:name/feed.xml is the address of two feeds (tag_paths in [feeds] and author_paths in [feeds])",
        ),
        (
            "per = ['tag']\ntag_paths = ':name/:file'\n[feeds.talks]\n",
            ":name/feed.xml is the address of two feeds ([feeds.talks] and tag_paths in [feeds])",
        ),
    ],
)
def test_two_feeds_that_have_or_could_come_to_have_one_address_are_refused(text: str, message: str) -> None:
    found = faults_of(f"{SITE}[feeds]\n{text}")
    assert found[0][1:] == (message, "give each feed a path of its own")
    assert found[0][0] > 0


@pytest.mark.parametrize(
    "text",
    [
        "per = ['tag', 'author', 'section']\n",
        "per = ['tag']\n[feeds.tags]\n",
        "per = ['tag']\nauthor_paths = 'tags/:name/:file'\n",
        "per = ['tag', 'author']\ntag_paths = 'by-tag-:name/:file'\nauthor_paths = 'by-author-:name/:file'\n",
        "per = ['tag']\ntag_paths = 't-:name/:file'\n[feeds.t]\n",
        "formats = ['rss']\npaths = { rss = 'atom.xml' }\n",
    ],
)
def test_feeds_that_can_never_meet_are_accepted(text: str) -> None:
    assert parse(f"{SITE}[feeds]\n{text}").site.title == "T"


# The file


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SITE + "language = en\n", 4),
        (SITE + "[feeds\n", 4),
        (SITE + "title = 'again'\n", 4),
        (SITE + 'description = "', 4),
        (f"x = {'9' * 5000}\n", 0),
        (f"x = {'[' * 5000}\n", 0),
    ],
)
def test_broken_toml_is_refused_with_its_line(text: str, line: int) -> None:
    number, message, remedy = fault_of(text)
    assert number == line
    assert message.startswith("not valid TOML: ")
    assert remedy


def test_a_site_is_read_from_its_folder_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SITE, encoding="utf-8-sig", newline="\r\n")
    assert load(tmp_path) == parse(SITE)


def test_a_folder_without_a_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.toml in .*\n.*publisher init") as caught:
        load(tmp_path)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(SITE.encode("utf-16"))
    with pytest.raises(UsageError, match=r"config\.toml cannot be read: .*\n.*save it as UTF-8"):
        load(tmp_path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(UsageError, match=r"config\.toml cannot be read"):
        load(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(UsageError, match=r"config\.toml"):
        load(tmp_path / "site")


def test_the_shipped_file_is_what_a_toml_parser_says_it_is() -> None:
    assert set(tomllib.loads(SHIPPED)) == {*_SHAPE, "digests"}


@pytest.mark.parametrize("folder", [".", "./", "posts", "./posts/", "static"])
def test_an_output_among_its_own_inputs_is_refused(folder: str) -> None:
    with pytest.raises(ConfigError, match="give the output a folder of its own"):
        parse(f'[site]\ntitle = "T"\nbase_url = "https://a.test/"\n[output]\ndir = "{folder}"\n')


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[pages]\nstatic = '.'", "static in [pages] holds the whole site"),
        ("[pages]\nstatic = '/srv'", "static in [pages] holds the whole site"),
        ("[pages]\nstatic = 'files'\n[output]\ndir = 'files/public'", "static in [pages] holds the whole site"),
        ("[output]\ndir = '../..'", "dir in [output] is the folder of the site"),
        ("[output]\ndir = '../notes'", "dir in [output] is the folder of the site"),
        ("[output]\ndir = '/.'", "dir in [output] is to be a folder"),
        ("[mail]\ntransport = 'maildir:public/mail'", "transport in [mail] puts mail where everyone can read it"),
        ("[store]\nurl = 'sqlite:///static/m.sqlite3'", "url in [store] puts the list of readers where everyone"),
    ],
)
def test_folders_that_would_publish_what_is_private_are_refused(lines: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{SITE}{lines}\n", "/srv/notes")
    assert message in caught.value.problems[0].message


def test_a_feed_has_no_place_among_our_own_files() -> None:
    assert "which is Publisher's own" in fault_of(SITE + "[feeds]\npaths = { rss = '.publisher/manifest.txt' }\n")[1]


@pytest.mark.parametrize("path", ["tags", "feeds.opml", "sitemap.xml", "index.html"])
def test_a_feed_at_the_address_of_a_page_is_refused(path: str) -> None:
    with pytest.raises(ConfigError, match="page"):
        parse(f'[site]\ntitle = "T"\nbase_url = "https://a.test/"\n[feeds]\npaths = {{ rss = "{path}" }}\n')

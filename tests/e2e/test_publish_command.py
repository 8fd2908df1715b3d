"""publish, init, new and check as an author runs them: what is said, what is written, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.sites import a_post, a_site, command, config_of, environment, paths_in, run, stamps, tree, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30.0  # seconds until something that should have happened surely never will


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return a_site(tmp_path / "site")


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder, with its time and length."""
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path.as_posix(): (stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}


def test_a_new_site_publishes_at_once_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    made = run(tmp_path, "init", "site")
    assert made.code == 0
    assert made.out.endswith("Next: cd site && publish\n")
    site = tmp_path / "site"
    first = run(site, "publish")
    assert (first.code, first.err) == (0, "")
    assert {"index.html", "feed.xml", "atom.xml", "feed.json"} <= tree(site / "public").keys()
    before = everything(site)
    second = run(site, "publish")
    assert second.out.startswith("Nothing to do: ")
    assert everything(site) == before
    assert run(site, "publish", "-q") == (0, "", "")
    assert run(site, "check").code == 0


def test_init_keeps_the_posts_of_a_blog_and_makes_no_site_twice(tmp_path: Path) -> None:
    blog = tmp_path / "blog"
    write(blog, "posts/mine.md", a_post("Mine"))
    write(blog, ".gitignore", "*.tmp")
    made = run(tmp_path, "init", "blog")
    assert made.code == 0
    assert "posts/ was there and is kept" in made.out
    assert [path.name for path in (blog / "posts").iterdir()] == ["mine.md"]
    ignored = (blog / ".gitignore").read_text().splitlines()
    assert ignored[0] == "*.tmp"
    assert {"/.publisher/", "/outbox/", "/*.sqlite3*"} <= set(ignored)
    assert run(blog, "publish").code == 0
    again = run(tmp_path, "init", "blog")
    assert again.code == 2
    assert "is a site already" in again.err
    write(tmp_path, "file", "")
    assert run(tmp_path, "init", "file").code == 2
    assert run(tmp_path, "init", "file/below").code == 1


def test_a_dry_run_says_what_would_change_and_writes_nothing_at_all(site: Path) -> None:
    before = everything(site)
    done = run(site, "publish", "--dry-run")
    assert done.code == 0
    assert "files would be written: " in done.out
    assert everything(site) == before
    run(site, "publish")
    write(site, "posts/one.md", a_post("One", "Edited.", tags=["talk"]))
    before = everything(site)
    done = run(site, "publish", "--dry-run")
    assert "posts/one.md was edited" in done.out
    assert "files would be changed: " in done.out
    assert everything(site) == before


def test_json_is_all_that_is_printed_and_quiet_is_silent(site: Path) -> None:
    write(site, "posts/bad.md", "+++\ntitle = \n+++\n")
    done = run(site, "publish", "--json")
    answer = json.loads(done.out)
    assert (done.code, done.err) == (1, "")
    assert (answer["posts"], answer["feeds"], answer["dry_run"]) == (2, 1, False)
    assert [(one["level"], one["path"], one["line"]) for one in answer["problems"]] == [("error", "posts/bad.md", 2)]
    assert "one/index.html" in answer["new"]
    assert json.loads(run(site, "publish", "--json", "--dry-run").out)["new"] == []
    assert json.loads(run(site, "check", "--json").out)["posts"] == 2
    (site / "posts" / "bad.md").unlink()
    assert run(site, "publish", "--quiet", "--full") == (0, "", "")


def test_a_warning_ends_in_1_only_when_strict_and_a_refusal_always(site: Path) -> None:
    write(site, "posts/three.md", a_post("Three", "[gone](gone.md)"))
    for arguments, code in ((["--full"], 0), (["--strict"], 1), ([], 0), (["--strict", "-q"], 1)):
        done = run(site, "publish", *arguments)
        assert done.code == code
        assert "posts/three.md:6: warning: gone.md names no post" in done.err
    write(site, "posts/three.md", "+++\ntitle = \n+++\n")
    for arguments in ([], [], ["-q"], ["--strict"], ["--full"]):
        done = run(site, "publish", *arguments)
        assert done.code == 1
        assert "posts/three.md:2: error" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publish", "--dryrun"], "--dry-run"),
        (["publish", "--ful"], "--full"),
        (["publsh"], "Did you mean publish?"),
        (["chek"], "Did you mean check?"),
        (["frobnicate"], "Known: publish"),
        (["publish", "extra"], "extra"),
        (["publish", "--site", "nowhere"], "no config.toml in"),
        (["new"], "TITLE"),
        (["new", "!!"], "the title has no letter or digit"),
        ([], "Usage"),
    ],
)
def test_a_slip_of_the_keyboard_is_told_with_what_was_meant(site: Path, arguments: list[str], said: str) -> None:
    before = everything(site)
    done = run(site, *arguments)
    assert done.code == 2
    assert said in done.err
    assert everything(site) == before


def test_every_fault_of_the_config_is_told_at_once_with_its_line(site: Path) -> None:
    text = config_of().replace("timezone", "timezon").replace("[feeds]", '[feeds]\nlimit = "many"\nper = ["tags"]')
    write(site, "config.toml", text)
    done = run(site, "publish")
    assert done.code == 2
    assert "did you mean timezone?" in done.err
    assert done.err.count("config.toml:") == 3
    assert run(site, "check").err == done.err


@pytest.mark.parametrize(
    ("path", "data", "code", "said"),
    [
        ("config.toml", b"[site\n", 2, "config.toml:1: error: not valid TOML"),
        ("config.toml", b"\xff\xfe", 2, "save it as UTF-8"),
        ("config.toml", None, 2, "publisher init DIR"),
        ("config.toml/x", b"", 2, "cannot be read"),
        ("ids.toml", b"<<<<<<< HEAD\n", 1, "keep the lines of both sides"),
        ("ids.toml", b"\xff", 1, "take the file from your version control"),
        ("ids.toml", b"posts = 3\n", 1, "ids.toml: "),
        ("ids.toml/x", b"", 1, "ids.toml cannot be read"),
        ("posts", None, 2, "name another one as dir in [posts]"),
        (".publisher", b"a file", 1, ".publisher"),
        (".publisher/state.sqlite3/x", b"", 1, "state.sqlite3"),
    ],
)
def test_no_fault_of_a_site_ends_in_a_traceback(
    site: Path, path: str, data: bytes | None, code: int, said: str
) -> None:
    place = site / path
    if data is None:
        place.rename(site / "elsewhere")
    else:
        for one in (place.parent, place):
            one.unlink(missing_ok=True) if one.is_file() else None
        write(site, path, data)
    done = run(site, "publish")
    assert (done.code, said in done.err) == (code, True), done.err
    assert paths_in(site / "public") == []


def test_a_copy_of_a_site_is_a_site_of_its_own(site: Path, tmp_path: Path) -> None:
    run(site, "publish")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", site, copy], check=True)
    write(copy, "posts/one.md", a_post("One, copied"))
    assert "posts/one.md was edited" in run(copy, "publish").out
    assert b"One, copied" in tree(copy / "public")["feed.xml"]
    moved = site.rename(tmp_path / "moved")
    write(moved, "posts/one.md", a_post("One, moved"))
    assert "posts/one.md was edited" in run(moved, "publish").out


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Look until it has happened, for as long as the process lives and patience lasts."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise AssertionError("the process has ended")


def test_watch_publishes_after_each_change_until_it_is_interrupted(site: Path) -> None:
    page = site / "public" / "one" / "index.html"
    process = subprocess.Popen(
        command("publish", "--watch"), cwd=site, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until(lambda: page.exists() and b"Some words." in page.read_bytes(), process)
        write(site, "posts/one.md", a_post("One", "Edited while the first run was at work, or just after."))
        until(lambda: b"just after." in page.read_bytes(), process)
        write(site, "config.toml", "broken")
        write(site, "config.toml", config_of(title="Renamed"))
        until(lambda: b"Renamed" in page.read_bytes(), process)
        write(site, "posts/new.md", a_post("New"))
        until((site / "public" / "new" / "index.html").exists, process)
        until((site / ".publisher" / "last.txt").exists, process)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"Traceback" not in err
    assert b"posts/new.md is new" in out
    assert run(site, "publish").out.startswith("Nothing to do")


@pytest.mark.parametrize(
    ("name", "text", "made", "begins"),
    [
        ("a.md", a_post("A"), "posts/what-i-learned.md", '+++\ntitle = "What I: learned"\n'),
        (
            "a.md",
            "---\ntitle: A\ndate: 2024-01-05\n---\nA.\n",
            "posts/what-i-learned.md",
            '---\ntitle: "What I: learned"\n',
        ),
        (
            "a.md",
            '{"title": "A", "date": "2024-01-05"}\n\nA.\n',
            "posts/what-i-learned.md",
            '{\n  "title": "What I: learned"',
        ),
        ("2024-01-05-a.md", "---\ntitle: A\n---\nA.\n", "posts/{day}-what-i-learned.md", "---\n"),
    ],
)
def test_a_new_post_speaks_the_dialect_of_the_others(
    tmp_path: Path, name: str, text: str, made: str, begins: str
) -> None:
    site = a_site(tmp_path / "site", {name: text})
    done = run(site, "new", "What I:", "learned")
    path = done.out.split(" ", 1)[0]
    day = path.removeprefix("posts/")[:10]
    assert path == made.format(day=day)
    assert (site / path).read_text().startswith(begins)
    assert run(site, "new", "What I: learned", "-q").out == path.replace(".md", "-2.md") + "\n"
    write(site, path, (site / path).read_text().replace("true", "false"))
    assert run(site, "publish", "-q") == (0, "", "")
    assert tree(site / "public")["feed.xml"].count(b"<title>What I: learned") == 1, "the second is a draft"


def test_check_finds_broken_posts_and_links_and_changes_nothing(site: Path) -> None:
    write(site, "posts/bad.md", "+++\ntitle = \n+++\n")
    write(site, "posts/three.md", a_post("Three", "[gone](gone.md)"))
    write(site, "public/feed.xml", "foreign")
    before = everything(site)
    done = run(site, "check")
    assert done.code == 1
    for words in (
        "posts/bad.md:2: error",
        "posts/three.md:6: warning",
        "error: files that are not known to be Publisher's stand where it would write: feed.xml",
    ):
        assert words in done.err
    assert done.out == "3 posts and 1 feed checked: 2 errors, 1 warning\n"
    assert everything(site) == before


def test_check_ends_in_1_for_warnings_only_when_strict(site: Path) -> None:
    write(site, "posts/three.md", a_post("Three", "[gone](gone.md)"))
    assert (run(site, "check", "-q").code, run(site, "check", "--strict", "-q").code) == (0, 1)


def test_check_finds_secrets_that_git_tracks(site: Path) -> None:
    more = '[store]\nurl = "sqlite:///people.db"\n[mail]\ntransport = "maildir:mail"\n'
    write(site, "config.toml", config_of(more))
    for path in ("mailing.sqlite3", "people.db", "dkim.key", ".publisher/x", "outbox/new/1", "mail/new/1", "notes.txt"):
        write(site, path, "x")
    assert run(site, "check").code == 0, "without git nothing is tracked"
    subprocess.run(["git", "init", "-q"], cwd=site, check=True)
    assert run(site, "check").code == 0
    subprocess.run(["git", "add", "-A"], cwd=site, check=True)
    done = run(site, "check")
    assert done.code == 1
    found = {line.split(":", 1)[0] for line in done.err.splitlines() if "is tracked by git" in line}
    assert found == {"mailing.sqlite3", "people.db", "dkim.key", ".publisher/x", "outbox/new/1", "mail/new/1"}


def test_no_hostile_post_makes_a_feed_that_check_finds_fault_with(site: Path) -> None:
    hostile = (
        "]]> &nbsp; <script>x</script> <a href='javascript:x'>x</a> <img src=//x> \x08\x00 \ufffe <iframe src=http://x>"
    )
    write(
        site,
        "posts/bad.md",
        a_post("<b>]]> & \u2028", hostile, tags=["<&>", "]]>"]) + "\x0c\n<p style=x>\n<!-- -- -->\n",
    )
    write(site, "config.toml", config_of(per=["tag"], content="full"))
    done = run(site, "check")
    assert done.code == 0, done.err
    assert ".xml" not in done.err


def test_a_closed_pipe_is_no_error(site: Path) -> None:
    run(site, "publish", "-q")
    before = stamps(site / "public")
    for arguments in ("publish", "publish --full", "publish --json --full", "check"):
        words = " ".join(f"'{word}'" for word in command(*arguments.split()))
        done = run(site, words=["sh", "-c", f"{words} | true"])
        assert done.err == ""
    assert stamps(site / "public") == before

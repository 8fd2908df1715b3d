"""The benchmark's scripts keep working, and compare what they say they compare."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks import measure, posts, sites, table
from benchmarks.measure import Side, Times

ROOT = Path(__file__).resolve().parents[2]


def test_our_side_of_every_row_is_measured_and_tabled(tmp_path: Path) -> None:
    results = tmp_path / "latest.md"
    asked = ["--quick", "--ours-only", "--posts", "25", "--fewer", "12", "--results", os.fspath(results)]
    subprocess.run([sys.executable, ROOT / "benchmarks" / "run.py", *asked], check=True, capture_output=True)
    rows = [line for line in results.read_text("utf-8").splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 14
    assert any("every post in the feed, a page each" in row for row in rows)
    assert any("25 posts" in row and "nothing to do" in row for row in rows)


def test_the_real_server_is_measured_beside_nginx(tmp_path: Path) -> None:
    results = tmp_path / "web.md"
    asked = ["--quick", "--folder", os.fspath(tmp_path), "--results", os.fspath(results)]
    measured = [sys.executable, "-m", "benchmarks.web", *asked]
    subprocess.run(measured, check=True, capture_output=True, cwd=ROOT)
    works = [line.split(" | ")[0] for line in results.read_text("utf-8").splitlines() if line.startswith("| feed")]
    assert len(works) == 2
    assert "304" in works[0]
    assert "gzip" in works[1]


def test_a_history_in_archives_is_measured_with_the_files_that_each_change_writes(tmp_path: Path) -> None:
    results = tmp_path / "history.md"
    asked = ["--quick", "--ours-only", "--posts", "60", "--results", os.fspath(results)]
    measured = [sys.executable, "-m", "benchmarks.history", *asked]
    subprocess.run(measured, check=True, capture_output=True, cwd=ROOT)
    rows = [line.strip("| ").split(" | ") for line in results.read_text("utf-8").splitlines() if line.startswith("|")]
    files = {row[0].partition(",")[0]: row[-1] for row in rows[2:]}
    assert files["nothing changed"] == "0"
    assert files["an old post edited"] == "4"  # its page, and an archive in each format
    assert int(files["cold"]) > 60


def test_equal_numbers_give_equal_posts() -> None:
    assert list(posts.generate(20)) == list(posts.generate(20))
    assert list(posts.generate(20)) != list(posts.generate(20, seed=2))


def test_posts_are_of_about_four_kilobytes_and_hold_what_real_posts_hold() -> None:
    written = [posts.as_toml(post) for post in posts.generate(200)]
    mean = sum(len(text) for text in written) / len(written)
    assert 3_700 < mean < 4_500
    assert all(text.count("```") == 4 and "![" in text and "\n## " in text and "\n1. " in text for text in written)


def test_posts_have_metadata_that_toml_can_read_and_slugs_of_their_own() -> None:
    made = list(posts.generate(300))
    heads = [tomllib.loads(posts.as_toml(post).split("+++")[1]) for post in made]
    assert len({post.slug for post in made}) == 300
    assert {tag for head in heads for tag in head["tags"]} <= {tag for post in made for tag in post.tags}
    assert all(head["date"].tzinfo is not None and len(head["tags"]) in {2, 3} for head in heads)
    assert 30 < sum("description" in head for head in heads) < 150
    assert {head["date"].year for head in heads} == set(range(2016, 2026))


def test_an_edit_changes_one_sentence_each_time(tmp_path: Path) -> None:
    path = posts.write(posts.generate(1), tmp_path)[0]
    before = path.read_text("utf-8")
    posts.edit(path, 1)
    once = path.read_text("utf-8")
    posts.edit(path, 2)
    twice = path.read_text("utf-8")
    assert once.startswith(before.rstrip())
    assert once != twice
    assert len(once) == len(twice)


def test_unequal_work_is_refused(tmp_path: Path) -> None:
    made = posts.Batch(2)
    folder = tmp_path / next(iter(made)).slug
    folder.mkdir()
    (folder / "index.html").touch()
    with pytest.raises(RuntimeError, match="pages of 1 posts, not of 2"):
        sites.require_equal_work(tmp_path, made, sites.Arrangement(limit=0))


def test_a_feed_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text("<rss><item></item></rss>", encoding="utf-8")
    with pytest.raises(RuntimeError, match="1 entries, not 2"):
        sites.require_equal_work(tmp_path, posts.Batch(2), sites.Arrangement(limit=0, pages=False))


def test_memory_counts_the_whole_family_of_a_process(tmp_path: Path) -> None:
    hold = "held = bytes(30_000_000).replace(b'\\0', b'x')"
    code = f"import os, time; {hold}\nif os.fork() == 0:\n    {hold}; time.sleep(0.3); os._exit(0)\nos.wait()"
    peak = measure.memory(Side("family", (sys.executable, "-c", code), tmp_path, lambda: None))
    if peak.tree:  # 0 where the kernel tells no PSS
        assert peak.tree > 55_000_000
    assert peak.largest > 30_000_000


def test_a_side_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    side = Side("broken", (sys.executable, "-c", "raise SystemExit('out of ink')"), tmp_path, lambda: None)
    with pytest.raises(RuntimeError, match="out of ink"):
        measure.timed(side)


def test_ratios_are_taken_between_neighbours() -> None:
    assert measure.ratio(Times((1.0, 4.0, 3.0)), Times((2.0, 4.0, 30.0))) == 0.5


def test_a_row_says_whether_its_goal_is_reached() -> None:
    line = table.of_times("work", Times((1.0,)), "Peer", Times((4.0,)), 0.3)
    assert line.cells() == ("work", "1.00 s (1.00 s to 1.00 s)", "Peer 4.00 s (4.00 s to 4.00 s)", "0.25", "0.3", "yes")


def test_the_table_takes_its_place_in_a_document() -> None:
    text = f"Before.\n{table.BEGIN}\nold\n{table.END}\nAfter.\n"
    assert table.placed(text, "new\n") == f"Before.\n{table.BEGIN}\nnew\n{table.END}\nAfter.\n"
    with pytest.raises(ValueError, match="lacks the lines"):
        table.placed("Nothing here.", "new")

"""What a process that stays says: in words, or as a line of JSON for each thing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from publisher.errors import PublisherError
from publisher.logs import Log
from publisher.model.problem import error, note, warning

PROBLEMS = (note("", 0, "just so"), warning("a.md", 3, "odd", "look"), error("b.md", 1, "bad", "mend"))


def test_words_are_lines_and_quiet_leaves_out_what_needs_nobody() -> None:
    loud: list[str] = []
    quiet: list[str] = []
    for lines, is_quiet in ((loud, False), (quiet, True)):
        log = Log(lines.append, quiet=is_quiet)
        log.say("start", "Serving")
        log.say("start", "It is odd.", "warning")
        log.problems("publish", PROBLEMS)
        log.fault("pass", PublisherError("it does not work", "Mend it."))
    assert quiet[0] == "warning: It is odd."
    assert loud == ["Serving", quiet[0], str(PROBLEMS[0]), *quiet[1:]]
    assert quiet[1:] == [str(PROBLEMS[1]), str(PROBLEMS[2]), "error: it does not work\n  Mend it."]


def test_json_has_the_moment_the_level_and_the_event_of_each_line() -> None:
    lines: list[str] = []
    log = Log(lines.append, "json")
    log.say("start", "Serving", port=80)
    log.problems("publish", PROBLEMS[1:2])
    log.fault("pass", PublisherError("it does not work", "Mend it."))
    start, problem, fault = map(json.loads, lines)
    assert datetime.now(UTC) >= datetime.fromisoformat(start.pop("at"))
    assert start == {"level": "info", "event": "start", "text": "Serving", "port": 80}
    assert (problem["level"], problem["path"], problem["line"], problem["remedy"]) == ("warning", "a.md", 3, "look")
    assert (fault["level"], fault["text"], fault["remedy"]) == ("error", "it does not work", "Mend it.")


def test_a_fault_that_nobody_foresaw_says_where_it_came_from() -> None:
    lines: list[str] = []
    try:
        json.loads("{")
    except ValueError as fault:
        Log(lines.append).fault("pass", fault)
    (line,) = lines
    assert line.startswith("error: Traceback")
    assert "test_logs.py" in line

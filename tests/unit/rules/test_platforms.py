"""The tables of platforms agree with themselves, and no word is consent that is not in one."""

from __future__ import annotations

import pytest

from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.rules.platforms import (
    ANY,
    GHOST,
    MAILCHIMP,
    NAMES,
    PLAIN,
    PLATFORMS,
    Absent,
    find_platform,
    meaning,
    recognise,
    strictest,
)

CONFIRMED = SubscriptionState.CONFIRMED


@pytest.mark.parametrize("platform", [each for each in PLATFORMS if each is not PLAIN], ids=lambda each: each.name)
def test_a_platform_is_known_by_its_marks(platform: object) -> None:
    found = next(each for each in PLATFORMS if each is platform)
    for mark in found.marks:
        assert recognise([*mark, "something of their own"]) is found
    assert find_platform(found.name) is found


def test_a_list_of_nobodys_is_plain() -> None:
    assert recognise(["email", "name", "status"]) is PLAIN
    assert len(set(NAMES)) == len(PLATFORMS)


@pytest.mark.parametrize("word", ["", "sparkling", "unsubscribed ", "not subscribed", "0", "no", "falsch"])
def test_a_word_that_is_in_no_table_is_no_consent(word: str) -> None:
    for platform in PLATFORMS:
        for status in platform.statuses:
            if word not in status.words and ANY not in status.words:
                assert meaning(status.words, word) is None


def test_any_word_at_all_is_none_if_there_is_no_word() -> None:
    gone = GHOST.statuses[1].words
    assert meaning(gone, "2024-01-01") is SubscriptionState.UNSUBSCRIBED
    assert meaning(gone, "") is CONFIRMED


@pytest.mark.parametrize(
    ("name", "sense"),
    [
        ("subscribed_email_audience_export_1.csv", CONFIRMED),
        ("export.zip/Unsubscribed_members.csv", SubscriptionState.UNSUBSCRIBED),
        ("cleaned_x (1).csv", SuppressionReason.BOUNCE),
        ("nonsubscribed_x.csv", Absent.NEVER),
        ("subscribed_sms_x.csv", Absent.NEVER),
        ("list.csv", None),
    ],
)
def test_a_name_tells_how_all_stand(name: str, sense: object) -> None:
    assert MAILCHIMP.file_sense(name) is sense


def test_the_strictest_word_counts() -> None:
    assert strictest([CONFIRMED, SubscriptionState.UNSUBSCRIBED]) is SubscriptionState.UNSUBSCRIBED
    assert strictest([SuppressionReason.BOUNCE, SuppressionReason.COMPLAINT]) is SuppressionReason.COMPLAINT
    assert strictest([Absent.NEVER, CONFIRMED]) is Absent.NEVER

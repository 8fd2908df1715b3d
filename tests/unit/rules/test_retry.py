"""What a reply means: who is blamed, what is tried again and when, and what stops an issue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from publisher.model.delivery import DeliveryState, may_become
from publisher.model.reply import Reply, Stage
from publisher.rules.retry import Verdict, backoff, judge, too_many_refusals

S = DeliveryState
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)
AFTER_MAIL = (Stage.RCPT, Stage.DATA, Stage.CONTENT)
EARLY = (Stage.CONNECT, Stage.GREETING, Stage.TLS, Stage.AUTH)


def judged(
    stage: Stage, code: int, enhanced: str = "", text: str = "so it is", *, doubtful: bool = False, attempt: int = 1,
    begun: datetime = NOON, now: datetime = NOON, retry_for: timedelta = TWO_DAYS, jitter: float = 0.5,
) -> Verdict:  # fmt: skip
    reply = Reply(stage, code, enhanced, text, doubtful)
    return judge(reply, attempt=attempt, begun=begun, now=now, retry_for=retry_for, jitter=jitter)


@pytest.mark.parametrize("code", [250, 251, 299])
def test_what_is_taken_is_sent_and_keeps_the_relays_words(code: int) -> None:
    assert judged(Stage.CONTENT, code, "2.0.0", "queued as 4F") == Verdict(
        S.SENT, f"content: {code} 2.0.0 queued as 4F"
    )


@pytest.mark.parametrize("status", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"])
@pytest.mark.parametrize("code", [550, 551, 553, 554])
def test_a_mailbox_that_is_not_there_bounces(code: int, status: str) -> None:
    verdict = judged(Stage.RCPT, code, status)
    assert verdict == Verdict(S.FAILED, f"rcpt: {code} {status} so it is", bounced=True)


def test_a_bare_550_bounces_at_its_own_command_alone() -> None:
    assert judged(Stage.RCPT, 550).bounced
    for stage in Stage:
        assert judged(stage, 550).bounced is (stage is Stage.RCPT)


@pytest.mark.parametrize("status", ["5.1.1", "5.1.10", "5.2.1"])
@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.DATA, Stage.CONTENT])
def test_nothing_is_blamed_on_a_mailbox_beyond_its_own_command(stage: Stage, status: str) -> None:
    verdict = judged(stage, 550, status)
    assert (verdict.state, verdict.bounced, bool(verdict.pause)) == (S.PLANNED, False, True)


@pytest.mark.parametrize(
    ("code", "status"),
    [(550, "5.1.0"), (550, "5.1.4"), (550, "5.1.100"), (550, "5.2.0"), (550, "5.2.3"), (550, "5.3.0"), (550, "4.2.2"),
     (551, ""), (553, ""), (554, ""), (550, "5.1.11"), (550, "5.2.11")],
)  # fmt: skip
def test_other_refusals_of_a_recipient_fail_without_a_bounce(code: int, status: str) -> None:
    verdict = judged(Stage.RCPT, code, status)
    assert (verdict.state, verdict.bounced, verdict.pause, verdict.relay) == (S.FAILED, False, "", False)


@pytest.mark.parametrize(("code", "status"), [(552, "5.2.2"), (550, "5.2.2"), (552, ""), (452, "4.2.2"), (450, "")])
def test_a_full_or_greylisting_mailbox_is_tried_again(code: int, status: str) -> None:
    verdict = judged(Stage.RCPT, code, status)
    assert (verdict.state, verdict.due_at) == (S.DEFERRED, NOON + timedelta(minutes=5))
    assert (verdict.bounced, verdict.pause, verdict.relay) == (False, "", False)


@pytest.mark.parametrize(
    ("stage", "code", "status"),
    [
        (Stage.RCPT, 503, ""),
        (Stage.RCPT, 503, "5.1.1"),
        (Stage.RCPT, 550, "5.5.1"),
        (Stage.RCPT, 550, "5.7.1"),
        (Stage.RCPT, 550, "5.7.26"),
        (Stage.MAIL, 503, ""),
        (Stage.MAIL, 550, ""),
        (Stage.MAIL, 552, "5.3.4"),
        (Stage.MAIL, 553, "5.1.8"),
        (Stage.DATA, 554, "5.5.1"),
        (Stage.CONTENT, 554, ""),
        (Stage.CONTENT, 550, "5.7.1"),
    ],
)
def test_what_is_our_fault_pauses_the_issue(stage: Stage, code: int, status: str) -> None:
    verdict = judged(stage, code, status)
    assert verdict.state is S.PLANNED
    assert verdict.pause == verdict.detail == str(Reply(stage, code, status, "so it is"))
    assert (verdict.bounced, verdict.relay, verdict.due_at) == (False, False, None)


@pytest.mark.parametrize("stage", EARLY)
def test_a_relay_that_turns_us_away_pauses_and_is_left_alone(stage: Stage) -> None:
    verdict = judged(stage, 535, "5.7.8")
    assert (verdict.state, verdict.relay, bool(verdict.pause)) == (S.PLANNED, True, True)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("code", [0, 421, 450, 451, 452, 454])
def test_what_may_pass_is_tried_again(stage: Stage, code: int) -> None:
    verdict = judged(stage, code)
    assert (verdict.state, verdict.due_at) == (S.DEFERRED, NOON + timedelta(minutes=5))
    assert (verdict.bounced, verdict.pause) == (False, "")
    assert verdict.relay is (stage in {*EARLY, Stage.MAIL} or code == 421)


def test_an_address_that_the_relay_cannot_take_fails_without_a_bounce() -> None:
    for status in ("5.6.7", "5.1.3"):
        verdict = judged(Stage.RCPT, 0, status)
        assert (verdict.state, verdict.bounced, verdict.pause, verdict.relay) == (S.FAILED, False, "", False)


def test_a_sender_that_no_relay_can_take_pauses() -> None:
    verdict = judged(Stage.MAIL, 0, "5.1.7")
    assert (verdict.state, bool(verdict.pause), verdict.relay) == (S.PLANNED, True, False)


def test_doubt_is_doubt_however_late() -> None:
    verdict = judged(Stage.CONTENT, 0, doubtful=True, now=NOON + timedelta(days=9))
    assert verdict == Verdict(S.DOUBTFUL, "content: so it is")


def test_what_was_withheld_is_planned_again_however_late() -> None:
    verdict = judged(Stage.DATA, 0, text="withheld", now=NOON + timedelta(days=9))
    assert verdict == Verdict(S.PLANNED, "data: withheld")


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("code", [0, 100, 220, 250, 334, 354, 421, 450, 503, 550, 600, 999])
@pytest.mark.parametrize("doubtful", [False, True])
def test_every_verdict_is_a_step_that_the_ledger_has(stage: Stage, code: int, doubtful: bool) -> None:
    verdict = judged(stage, code, doubtful=doubtful)
    assert may_become(S.SENDING, verdict.state)
    assert (verdict.due_at is not None) is (verdict.state is S.DEFERRED)
    assert not verdict.pause or verdict.state is S.PLANNED
    assert not verdict.bounced or verdict.state is S.FAILED


def test_waits_double_from_five_minutes_to_four_hours() -> None:
    minutes = [backoff(attempt) / timedelta(minutes=1) for attempt in range(1, 9)]
    assert minutes == [5, 10, 20, 40, 80, 160, 200, 200]
    assert backoff(1, 0) == timedelta(minutes=4)
    assert timedelta(hours=3, minutes=59) < backoff(1_000_000, 0.9999) <= timedelta(hours=4)


def test_the_last_try_is_at_the_end() -> None:
    end = NOON + TWO_DAYS
    assert judged(Stage.RCPT, 450, attempt=20, now=end - timedelta(minutes=1)).due_at == end
    assert judged(Stage.RCPT, 450, attempt=21, now=end) == Verdict(S.RELEASED, "expired: rcpt: 450 so it is")
    assert judged(Stage.RCPT, 450, retry_for=timedelta(0)).state is S.RELEASED


def test_a_bounce_is_a_bounce_at_the_end_too() -> None:
    assert judged(Stage.RCPT, 550, "5.1.1", now=NOON + timedelta(days=3)).bounced


def test_trying_again_comes_to_an_end() -> None:
    now, attempt = NOON, 1
    while (verdict := judged(Stage.RCPT, 450, attempt=attempt, now=now, jitter=0.99)).state is S.DEFERRED:
        assert verdict.due_at is not None
        assert verdict.due_at > now
        now, attempt = verdict.due_at, attempt + 1
    assert (verdict.state, now) == (S.RELEASED, NOON + TWO_DAYS)
    assert attempt < 25


@pytest.mark.parametrize(
    ("refused", "handed", "too_many"),
    [(0, 0, False), (19, 19, False), (20, 20, True), (20, 100, True), (20, 101, False), (99, 5000, False)],
)
def test_twenty_refusals_of_the_first_hundred_are_too_many(refused: int, handed: int, too_many: bool) -> None:
    assert too_many_refusals(refused, handed) is too_many

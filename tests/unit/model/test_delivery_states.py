"""The delivery's state machine."""

from __future__ import annotations

from publisher.model.delivery import FINAL, TRANSITIONS, DeliveryState, may_become


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(DeliveryState)


def test_a_message_is_handed_over_only_after_sending_was_committed() -> None:
    assert {state for state in DeliveryState if may_become(state, DeliveryState.SENT)} == {
        DeliveryState.SENDING,
        DeliveryState.DOUBTFUL,
    }


def test_what_was_sent_failed_or_released_stays_so() -> None:
    for state in FINAL - {DeliveryState.HELD}:
        assert not TRANSITIONS[state]


def test_every_state_but_the_first_can_be_reached() -> None:
    assert set().union(*TRANSITIONS.values()) == set(DeliveryState)

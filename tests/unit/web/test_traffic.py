"""A crowd at the door: who is let in when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from publisher.web.heads import Incoming
from publisher.web.traffic import Bounds, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Loop:
    """Calls back when it is told to."""

    calls: list[tuple[Callable[..., object], tuple[Any, ...]]] = field(default_factory=list)

    def call_soon(self, callback: Callable[..., object], *given: Any) -> None:
        self.calls.append((callback, given))

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for callback, given in calls:
            callback(*given)


@dataclass
class Guest:
    """A connection that notes what the application is asked."""

    loop: Loop
    started: list[bytes] = field(default_factory=list)

    def start(self, asked: Incoming) -> None:
        self.started.append(asked.path)


def asking(number: int) -> Incoming:
    return Incoming(b"GET", b"/%d" % number, b"", "1.1", [], keep_alive=True, has_body=False)


def test_the_application_is_asked_in_order_and_by_a_few_at_a_time() -> None:
    traffic, guest = Traffic(lambda *_: None, Bounds()), Guest(Loop())
    for number in range(20):
        traffic.start(guest, asking(number))  # type: ignore[arg-type] # as much of a connection as is needed
    assert guest.started == []
    rounds = []
    while guest.loop.calls:
        guest.loop.turn()
        rounds.append(len(guest.started))
    assert rounds == [8, 16, 20]
    assert guest.started == [b"/%d" % number for number in range(20)]


def test_who_comes_after_the_crowd_is_asked_too() -> None:
    traffic, guest = Traffic(lambda *_: None, Bounds()), Guest(Loop())
    for number in range(3):
        traffic.start(guest, asking(number))  # type: ignore[arg-type] # as above
        guest.loop.turn()
        assert len(guest.started) == number + 1
    assert guest.loop.calls == []

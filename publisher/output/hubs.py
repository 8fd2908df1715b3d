"""Hubs are told that a feed has changed (W3C WebSub, section 7: what a publisher sends its hub).

The specification leaves the request to hub and publisher; what all known hubs take is the form
of PubSubHubbub 0.4: POST hub.mode=publish with the topic as hub.url.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.model.problem import Problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TIMEOUT = 10.0  # seconds for one hub


def ping(hubs: Sequence[str], topics: Sequence[str], timeout: float = TIMEOUT) -> tuple[Problem, ...]:
    """Tell every hub of every topic (feed URLs). A hub that fails is a warning: readers still poll.

    ``timeout`` is in seconds, for a hub that is silent; one that fails is not asked again.
    """
    if not hubs or not topics:
        return ()
    import httpx  # noqa: PLC0415 - only who has a hub pays for it

    problems = []
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        for hub in hubs:
            try:
                for topic in topics:
                    answer = client.post(hub, data={"hub.mode": "publish", "hub.url": topic, "hub.topic": topic})
                    answer.raise_for_status()
            except httpx.HTTPStatusError as fault:
                problems.append(_unheard(hub, f"answered {fault.response.status_code}"))
            except (httpx.HTTPError, httpx.InvalidURL) as fault:
                problems.append(_unheard(hub, str(fault) or type(fault).__name__))
    return tuple(problems)


def live(topics: Iterable[tuple[str, bytes]], timeout: float = TIMEOUT) -> tuple[str, ...]:
    """The URLs at which readers get these bytes: only of those is there something to tell a hub.

    A site that does not answer is asked once, not once for each of its feeds.
    """
    import httpx  # noqa: PLC0415 - as above

    found = []
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        for url, data in topics:
            try:
                answer = client.get(url)
            except (httpx.HTTPError, httpx.InvalidURL):
                break
            if answer.is_success and answer.content == data:
                found.append(url)
    return tuple(found)


def _unheard(hub: str, why: str) -> Problem:
    return warning(
        "",
        0,
        f"the hub {hub} could not be told: {why}",
        "the feeds are published all the same; try later: publisher ping",
    )

"""Hubs are told that a feed has changed (W3C WebSub, section 7: what a publisher sends its hub).

The specification leaves the request to hub and publisher; what all known hubs take is the form
of PubSubHubbub 0.4: POST hub.mode=publish with the topic as hub.url.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.model.problem import Problem, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

TIMEOUT = 10.0  # seconds for one hub


def ping(hubs: Sequence[str], topics: Sequence[str]) -> tuple[Problem, ...]:
    """Tell every hub of every topic (feed URLs). A hub that fails is a warning: readers still poll."""
    if not hubs or not topics:
        return ()
    import httpx  # noqa: PLC0415 - only who has a hub pays for it

    problems = []
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
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


def is_live(url: str, data: bytes) -> bool:
    """Whether readers who fetch ``url`` get these bytes: only then is there something to tell a hub."""
    import httpx  # noqa: PLC0415 - as above

    try:
        answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    return answer.is_success and answer.content == data


def _unheard(hub: str, why: str) -> Problem:
    return warning(
        "",
        0,
        f"the hub {hub} could not be told: {why}",
        "the feeds are published all the same; try later: publisher ping",
    )

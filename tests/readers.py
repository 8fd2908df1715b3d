"""Many readers at once, for tests and benchmarks of sending: written straight into the store, as an import would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from publisher.flows.newness import take_in
from publisher.store.tables import subscriber, subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.model.entry import Item
    from publisher.model.settings import DigestSettings
    from publisher.store.database import Store

BATCH = 10_000


def add_readers(
    store: Store,
    digest: DigestSettings,
    items: Sequence[Item],
    count: int,
    now: datetime,
    *,
    domains: int = 50,
    cadence: str = "weekly",
) -> None:
    """Confirm ``count`` readers of a digest at a cadence, spread over some domains; its baseline is taken first."""
    with store.writing() as connection:
        take_in(connection, digest, items, now)
        for start in range(1, count + 1, BATCH):
            numbers = range(start, min(start + BATCH, count + 1))
            connection.execute(insert(subscriber), [_person(number, domains, now) for number in numbers])
            connection.execute(insert(subscription), [_subscribed(number, digest.name, cadence) for number in numbers])


def _person(number: int, domains: int, now: datetime) -> dict[str, object]:
    address = f"reader{number}@d{number % domains}.example"
    return {"id": number, "address": address, "wire": address, "key": address, "created": now}


def _subscribed(number: int, digest: str, cadence: str) -> dict[str, object]:
    return {
        "subscriber": number,
        "digest": digest,
        "state": "confirmed",
        "cadence": cadence,
        "cursor": 0,
        "since": 0,
        "unsubscribe_token": f"{number:032d}",
        "generation": 0,
    }

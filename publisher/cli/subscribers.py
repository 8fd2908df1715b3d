"""``publisher subscribers``: who gets which digest."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from publisher.flows.subscribe import Enrolment
    from publisher.model.entry import Item
    from publisher.model.settings import Settings
    from publisher.model.subscriber import Subscription


@click.group()
def subscribers() -> None:
    """Add, list and remove the people who get a digest."""


@subscribers.command()
@click.argument("address")
@click.option("--digest", "digest", required=True, metavar="NAME", help="The digest they asked for.")
@click.option("--cadence", default="", metavar="NAME", help="Its pace, where the digest has several.")
@site_option
@quiet_option
@json_option
def add(address: str, digest: str, cadence: str, folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Add ADDRESS to a digest. By adding it you vouch that its owner asked for it."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.subscribe import Wish  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.subscribe import add as subscribe  # noqa: PLC0415 - as above
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings, now = load(folder), datetime.now(UTC)
    with closing(open_store(settings.store_url, folder)) as store:
        wish = Wish(address, digest, cadence)
        done = subscribe(store, settings, wish, lambda: _items(folder, settings, now), now)
    if as_json:
        answer({"address": done.address, "digest": digest, "cadence": done.cadence, "change": done.change.value})
    elif not quiet:
        tell(done.said)
        click.echo(_sentence(done))


@subscribers.command(name="list")
@click.option("--digest", "digest", default="", metavar="NAME", help="Only this digest.")
@site_option
@json_option
def listing(digest: str, folder: Path, *, as_json: bool) -> None:
    """List who gets what."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.newness import find_digest  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.subscribe import listing as subscriptions  # noqa: PLC0415 - as above
    from publisher.store.database import open_to_read  # noqa: PLC0415 - as above

    settings = load(folder)
    if digest:
        find_digest(settings, digest)
    store = open_to_read(settings.store_url, folder)
    found: tuple[Subscription, ...] = ()
    if store is not None:
        with closing(store):
            found = subscriptions(store, digest)
    _show(found, as_json=as_json)


@subscribers.command()
@click.argument("address")
@click.option("--digest", "digest", default="", metavar="NAME", help="Only from this digest, not from all.")
@site_option
@quiet_option
def remove(address: str, digest: str, folder: Path, *, quiet: bool) -> None:
    """Take ADDRESS off; what is not yet on its way is not sent."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.newness import find_digest  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.subscribe import remove as unsubscribe  # noqa: PLC0415 - as above
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings = load(folder)
    if digest:
        find_digest(settings, digest)
    with closing(open_store(settings.store_url, folder)) as store:
        ended = unsubscribe(store, address, digest, datetime.now(UTC))
    if not quiet:
        names = ", ".join(each.digest for each in ended)
        click.echo(f"{address} no longer gets {names}." if ended else f"{address} was on no list.")


def _items(folder: Path, settings: Settings, now: datetime) -> Sequence[Item]:
    from publisher.flows.reading import read_items  # noqa: PLC0415 - only a digest's first reader needs it

    return read_items(folder, settings, now)


def _sentence(done: Enrolment) -> str:
    digest = f"{done.digest.title} ({done.cadence})"
    return {
        "added": f"{done.address} now gets {digest}, on your word that they asked for it.",
        "came back": f"{done.address} gets {digest} again, on your word that they asked for it.",
        "changed pace": f"{done.address} now gets {digest}.",
    }.get(done.change.value, f"{done.address} gets {digest} already; nothing was changed.")


def _show(found: tuple[Subscription, ...], *, as_json: bool) -> None:
    if as_json:
        answer(
            [{"address": s.address, "digest": s.digest, "cadence": s.cadence, "state": s.state.value} for s in found]
        )
        return
    width = max((len(each.address) for each in found), default=0)
    for each in found:
        click.echo(f"{each.address:<{width}}  {each.digest}  {each.cadence}  {each.state.value}")
    click.echo(counted(len(found), "subscription") + ".")

"""Send a digest now: finish what is unfinished, ask, draft, deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.flows.deliver import Delivery, deliver
from publisher.flows.digest import Drafted, Outlook, check_mail, draft, outlook

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.flows.deliver import Clock, Progress
    from publisher.flows.digest import Occasion
    from publisher.flows.newness import Plan
    from publisher.mail.transports import Transport
    from publisher.store.database import Store


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending came to. ``drafted`` is None when nothing was new, or when the author said no."""

    outlook: Outlook
    drafted: Drafted | None
    unfinished: Delivery
    delivery: Delivery

    @property
    def progress(self) -> Progress | None:
        """Return how far the new issue got, None where another process delivers it."""
        if self.drafted is None:
            return None
        return next((each for each in self.delivery.worked_on if each.issue.id == self.drafted.id), None)


def send(
    store: Store,
    occasion: Occasion,
    transport: Transport,
    clock: Clock,
    *,
    engine: str,
    agree: Callable[[Plan], bool],
) -> Sent:
    """Mail what is new to the readers of a digest; run again, nobody gets anything twice.

    An earlier issue that was cut short is finished first. ``agree`` is asked before anyone is mailed
    something new. Raises MailError before anything is drafted when the mail settings have a fault.
    """
    check_mail(occasion.settings)
    unfinished = deliver(store, transport, engine, clock)
    ahead = outlook(store, occasion)
    if not ahead.plan.variants or not agree(ahead.plan):
        return Sent(ahead, None, unfinished, Delivery(()))
    drafted = draft(store, occasion)
    return Sent(ahead, drafted, unfinished, deliver(store, transport, engine, clock))

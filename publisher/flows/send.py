"""Send a digest now: finish what is unfinished, ask, draft, deliver; or one copy to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import MailError
from publisher.flows.deliver import Delivery, Terms, deliver
from publisher.flows.digest import Drafted, Outlook, check_mail, draft, outlook, sample_to_mail
from publisher.mail.addresses import parse_mailbox
from publisher.mail.compose import Composer
from publisher.model.delivery import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.flows.deliver import Clock, Progress
    from publisher.flows.digest import Occasion
    from publisher.flows.newness import Plan
    from publisher.mail.transports import Transport
    from publisher.store.database import Store

NOBODY = "test-copy-nobody-can-unsubscribe"  # stands where a reader's token would


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
    terms: Terms | None = None,
) -> Sent:
    """Mail what is new to the readers of a digest; run again, nobody gets anything twice.

    An earlier issue that was cut short is finished first. ``agree`` is asked before anyone is mailed
    something new. Raises MailError before anything is drafted when the mail settings have a fault.
    """
    check_mail(occasion.settings)
    unfinished = deliver(store, transport, engine, clock, terms)
    ahead = outlook(store, occasion)
    if not ahead.plan.variants or not agree(ahead.plan):
        return Sent(ahead, None, unfinished, Delivery(()))
    drafted = draft(store, occasion)
    return Sent(ahead, drafted, unfinished, deliver(store, transport, engine, clock, terms))


def send_sample(occasion: Occasion, address: str, transport: Transport, name: str) -> str:
    """Mail one copy of what a new reader would get, outside the ledger; returns the relay's words.

    ``name`` names this message, once. Raises UsageError for a bad address, MailError when the relay refuses.
    """
    mailbox = parse_mailbox(address)
    issue, made = sample_to_mail(occasion)
    composer = Composer(name, issue, made.rendered.content, 1)
    session = transport.session()
    try:
        reply = session.hand_over(composer.message(Claim(1, 1, 1, mailbox.wire, NOBODY)), lambda: True)
    finally:
        session.close()
    if not reply.accepted:
        raise MailError(f"{transport.where} did not take the message: {reply}", "Nothing else was sent.")
    return str(reply)

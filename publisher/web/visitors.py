"""The pages on which people subscribe and confirm, leave, and choose. GET and HEAD change nothing, whatever the token.

Whoever asks for a letter is sent on to one and the same page, be their address known, unknown or never to be mailed:
the request only writes down what they wish (flows/wishes.py).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Route

from publisher.errors import UsageError
from publisher.flows import consent, wishes
from publisher.flows.consent import Answer
from publisher.flows.wishes import Wished, WishKind
from publisher.web import leaving, preferences
from publisher.web.asking import Page, one_line
from publisher.web.offers import in_words, offers
from publisher.web.traps import FIELD, STAMP, Trap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from publisher.flows.consent import Confirmation
    from publisher.web.asking import Asked
    from publisher.web.context import Context


class Faults(NamedTuple):
    """What is wrong with a form, beside the field it is about; empty where nothing is."""

    address: str = ""
    digest: str = ""


LOST = {Answer.EXPIRED: 410, Answer.WRONG: 404}


def routes(context: Context) -> list[BaseRoute]:
    """Give all pages for visitors."""
    trap = Trap()
    subscribing = Page(context, partial(show_form, trap), partial(subscribe, trap))
    return [
        Route("/subscribe", subscribing),
        Route("/subscribe/", subscribing),
        Route("/subscribe/sent", Page(context, sent)),
        Route("/confirm/{token}", Page(context, ask_to_confirm, confirm)),
        *leaving.routes(context),
        *preferences.routes(context, trap),
    ]


# Subscribing


def show_form(trap: Trap, asked: Asked) -> Response:
    """Show the form; ``?digest=`` and ``?cadence=`` choose beforehand."""
    return _form(trap, asked, _preset(asked), Faults())


def subscribe(trap: Trap, asked: Asked) -> Response:
    """Write down what somebody wants to subscribe to, unless a trap has caught them."""
    if asked.field(FIELD):
        return asked.away("subscribe/sent")
    chosen = _chosen(asked)
    if not trap.is_human(asked.field(STAMP), asked.now):
        return _form(trap, asked, chosen, Faults(), again=True)
    wanted, faults = _wanted(asked, chosen)
    if any(faults):
        return _form(trap, asked, chosen, faults)
    waiting = asked.note(wanted)
    return asked.later(waiting) if waiting else asked.away("subscribe/sent")


def sent(asked: Asked) -> Response:
    """Tell somebody to look in their mail: the same for everybody."""
    return asked.page("sent.html", settled=False)


def _preset(asked: Asked) -> dict[str, str]:
    """What the query of a link to the form has chosen."""
    name, cadence = asked.query.get("digest", ""), asked.query.get("cadence", "")
    digests = asked.settings.digests
    chosen = {each.name: cadence or each.cadences[0][0] for each in digests if each.name == name or len(digests) == 1}
    return {name: _known(asked, name, cadence) for name, cadence in chosen.items()}


def _known(asked: Asked, name: str, cadence: str) -> str:
    """A pace that the digest has."""
    digest = wishes.offered_digest(asked.settings, name)
    return consent.current_cadence(digest, cadence)


def _chosen(asked: Asked) -> dict[str, str]:
    """The digests that were marked, each with its pace; a lone digest need not be named, nor a lone pace."""
    digests = asked.settings.digests
    names = [one_line(str(each), 100) for each in asked.form.getlist("digest") if each]
    if not names and len(digests) == 1:
        names = [digests[0].name]
    return {name: asked.field(f"cadence-{name}", 100) or asked.field("cadence", 100) for name in names}


def _wanted(asked: Asked, chosen: Mapping[str, str]) -> tuple[list[Wished], Faults]:
    """Wishes that were checked; none where there are faults."""
    address, faults = asked.field("address", wishes.LONGEST + 1), Faults()
    try:
        wishes.check(asked.settings, Wished(WishKind.SETTINGS, address))
    except UsageError as fault:
        faults = faults._replace(address=f"{fault.message} {fault.remedy}".strip())
    try:
        for name, cadence in chosen.items() or [("", "")]:
            wishes.offered_cadence(wishes.offered_digest(asked.settings, name), cadence)
    except UsageError as fault:
        faults = faults._replace(digest=fault.message)
    if any(faults):
        return [], faults
    wanted = [Wished(WishKind.SUBSCRIBE, address, name, cadence) for name, cadence in chosen.items()]
    return [wishes.check(asked.settings, wished) for wished in wanted], faults


def _form(trap: Trap, asked: Asked, chosen: Mapping[str, str], faults: Faults, *, again: bool = False) -> Response:
    return asked.page(
        "subscribe.html",
        422 if any(faults) else 200,
        offers=offers(asked.settings, chosen),
        wanted=chosen,
        address=asked.field("address"),
        faults=faults,
        again=again,
        stamp=trap.stamp(asked.now, again=again),
    )


# Confirming


def ask_to_confirm(asked: Asked) -> Response:
    """Show what would be confirmed, with a button: programs that read mail follow links, too."""
    waiting = asked.barred()
    if waiting:
        return asked.later(waiting)
    found = consent.peek(asked.context.store, asked.context.desk(), asked.token, asked.now)
    if found.answer in LOST:
        return _lost(asked, found)
    return _confirmed(asked, found, "already" if found.answer is Answer.ALREADY else "open")


def confirm(asked: Asked) -> Response:
    """Confirm what the token was signed for."""
    waiting = asked.barred()
    if waiting:
        return asked.later(waiting)
    found = confirmed(asked)
    if found.answer in LOST:
        return _lost(asked, found)
    return _confirmed(asked, found, "done")


def confirmed(asked: Asked) -> Confirmation:
    """Confirm, having looked first: a link that is no good makes nobody wait for the store."""
    context, desk = asked.context, asked.context.desk()
    found = consent.peek(context.store, desk, asked.token, asked.now)
    if found.answer is not Answer.CONFIRMED:
        return found
    found = consent.confirm(context.store, desk, asked.token, lambda: context.items(asked.now), asked.now)
    context.tell(found.said)
    context.wake()
    return found


def _confirmed(asked: Asked, found: Confirmation, state: str) -> Response:
    if found.digest is None:  # only links that are no good have none
        raise AssertionError(found.answer)
    return asked.page(
        "confirm.html",
        state=state,
        title=found.digest.title,
        address=found.address,
        pace=in_words(found.digest, found.cadence),
        token=asked.token,
    )


def _lost(asked: Asked, found: Confirmation) -> Response:
    if found.answer is Answer.WRONG:
        asked.missed()
    return asked.page("lost.html", LOST[found.answer], link="confirm", expired=found.answer is Answer.EXPIRED)

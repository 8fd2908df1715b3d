"""A person's own page, behind a link that is mailed to them: what they get and how often, their data, the way out."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from publisher.errors import UsageError
from publisher.flows import visitors, wishes
from publisher.flows.wishes import Wished, WishKind
from publisher.model.subscriber import SubscriptionState
from publisher.tokens import Outcome
from publisher.web.asking import Page
from publisher.web.offers import offers
from publisher.web.traps import FIELD, STAMP, Trap

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute

    from publisher.flows.visitors import Chosen, Person, Visit
    from publisher.web.asking import Asked
    from publisher.web.context import Context

    Owned = Callable[[Asked, Person], Response]

LOST = {Outcome.EXPIRED: 410, Outcome.WRONG: 404}
DOWNLOAD = 'attachment; filename="my-data.json"'


def routes(context: Context, trap: Trap) -> list[BaseRoute]:
    """Give the pages below /preferences."""

    def owned(get: Owned, post: Owned | None = None) -> Page:
        return Page(context, partial(_for_owner, trap, get), partial(_for_owner, trap, post) if post else None)

    asking = Page(context, partial(show_form, trap), partial(ask, trap))
    return [
        Route("/preferences", asking),
        Route("/preferences/", asking),
        Route("/preferences/sent", Page(context, sent)),
        Route("/preferences/forgotten", Page(context, forgotten)),
        Route("/preferences/{token}", owned(show, choose)),
        Route("/preferences/{token}/data", owned(data)),
        Route("/preferences/{token}/forget", owned(ask_to_forget, forget)),
    ]


# Asking for the link


def show_form(trap: Trap, asked: Asked) -> Response:
    """Ask for the address that the link should go to."""
    return _form(trap, asked)


def ask(trap: Trap, asked: Asked) -> Response:
    """Write down who wants their link, unless a trap has caught them."""
    if asked.field(FIELD):
        return asked.away("preferences/sent")
    if not trap.is_human(asked.field(STAMP), asked.now):
        return _form(trap, asked, again=True)
    try:
        wished = wishes.check(asked.settings, Wished(WishKind.SETTINGS, asked.field("address", wishes.LONGEST + 1)))
    except UsageError as fault:
        return _form(trap, asked, f"{fault.message} {fault.remedy}".strip())
    waiting = asked.note([wished])
    return asked.later(waiting) if waiting else asked.away("preferences/sent")


def sent(asked: Asked) -> Response:
    """Tell somebody to look in their mail: the same for everybody."""
    return asked.page("sent.html", settled=True)


def _form(trap: Trap, asked: Asked, fault: str = "", *, again: bool = False) -> Response:
    return asked.page(
        "settings.html",
        422 if fault else 200,
        address=asked.field("address"),
        fault=fault,
        again=again,
        stamp=trap.stamp(asked.now, again=again),
    )


# Behind the link


def _for_owner(trap: Trap, responds: Owned, asked: Asked) -> Response:
    """Open the door to whoever has a good link; others may ask for a new one."""
    waiting = asked.barred()
    if waiting:
        return asked.later(waiting)
    found = visited(asked)
    if found.person is not None:
        return responds(asked, found.person)
    expired = found.outcome is Outcome.EXPIRED
    stamp = trap.stamp(asked.now, again=True)
    return asked.page("lost.html", LOST[found.outcome], link="preferences", expired=expired, stamp=stamp)


def visited(asked: Asked) -> Visit:
    """Tell whose a link is. One that is no good is counted: it may be a guess."""
    found = visitors.visit(asked.context.store, asked.context.desk(), asked.token, asked.now)
    if found.outcome is Outcome.WRONG:
        asked.missed()
    return found


def choices(person: Person) -> dict[str, str]:
    """What a person reads, by digest, and at which cadence."""
    confirmed = SubscriptionState.CONFIRMED
    return {each.digest: each.cadence for each in person.subscriptions if each.state is confirmed}


def show(asked: Asked, person: Person, *, fault: bool = False) -> Response:
    """Show all digests and paces, with what somebody has."""
    return asked.page(
        "preferences.html",
        422 if fault else 200,
        offers=offers(asked.settings, choices(person)),
        address=person.address,
        suppressed=person.suppressed.value if person.suppressed else "",
        saved="saved" in asked.query and not fault,
        fault=fault,
        token=asked.token,
    )


def choose(asked: Asked, person: Person) -> Response:
    """Take over what was marked; a digest that the form did not have stays as it is."""
    names = [digest.name for digest in asked.settings.digests if f"cadence-{digest.name}" in asked.form]
    try:
        save(asked, {name: asked.field(f"cadence-{name}", 100) for name in names})
    except UsageError:  # config.toml may have changed since the page was shown
        return show(asked, person, fault=True)
    return asked.away(f"preferences/{asked.token}?saved")


def save(asked: Asked, wanted: dict[str, str]) -> Chosen:
    """Choose as a token's owner. Raises UsageError for a digest or cadence that is not offered."""
    context, now = asked.context, asked.now
    chosen = visitors.choose(context.store, context.desk(), asked.token, wanted, lambda: context.items(now), now)
    context.tell(chosen.said)
    context.wake()
    return chosen


def data(asked: Asked, person: Person) -> Response:
    """Give all that is known of a person, as a file."""
    known = visitors.data(asked.context.store, asked.context.desk(), asked.token, asked.now)
    content = json.dumps(known or {"address": person.address}, ensure_ascii=False, indent=2)
    return Response(content, media_type="application/json", headers={"Content-Disposition": DOWNLOAD})


def ask_to_forget(asked: Asked, person: Person) -> Response:
    """Ask whether somebody really means to be forgotten."""
    return asked.page("forget.html", address=person.address, token=asked.token)


def forget(asked: Asked, _person: Person) -> Response:
    """Erase a person."""
    visitors.forget(asked.context.store, asked.context.desk(), asked.token, asked.now)
    return asked.away("preferences/forgotten")


def forgotten(asked: Asked) -> Response:
    """Tell somebody that they were forgotten."""
    return asked.page("forgotten.html")

"""Leaving by the link in every mail, with one click or through a page (RFC 8058), saying why, and coming back."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from starlette.routing import Route

from publisher.flows import consent, leaving
from publisher.flows.leaving import LONGEST_REASON
from publisher.flows.subscribe import is_token
from publisher.flows.wishes import WishKind
from publisher.model.subscriber import SubscriptionState
from publisher.web.asking import Page
from publisher.web.limits import REASONS

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from publisher.flows.leaving import Standing
    from publisher.web.asking import Asked
    from publisher.web.context import Context

WHY = {
    "often": "It came too often.",
    "different": "It was not what I had expected.",
    "unasked": "I never asked for it.",
    "elsewhere": "I read it elsewhere, such as in a feed reader.",
}


def routes(context: Context) -> list[BaseRoute]:
    """Give the pages below /unsubscribe/."""
    return [
        Route("/unsubscribe/thanks", Page(context, thanks)),  # too short to be a token
        Route("/unsubscribe/{token}", Page(context, ask_to_leave, leave)),
        Route("/unsubscribe/{token}/settings", Page(context, ask_to_leave, mail_settings)),
        Route("/unsubscribe/{token}/reason", Page(context, ask_to_leave, give_reason)),
        Route("/unsubscribe/{token}/return", Page(context, ask_to_leave, come_back)),
    ]


def ask_to_leave(asked: Asked) -> Response:
    """Show a button; to somebody who has left, the way back."""
    barred = _barred(asked)
    if barred is not None:
        return barred
    standing = standing_of(asked)
    if standing is not None and standing.state is SubscriptionState.UNSUBSCRIBED:
        return _left(asked, standing)
    return asked.page("unsubscribe.html", standing=standing, token=asked.token)


def leave(asked: Asked) -> Response:
    """Leave, whatever the body is; a token that nobody knows gets the same answer."""
    barred = _barred(asked)
    if barred is not None:
        return barred
    return _left(asked, left(asked))


def left(asked: Asked) -> Standing | None:
    """Leave, having looked first: a link that is no good makes nobody wait for the store. Tells how things stood."""
    standing = standing_of(asked)
    if standing is not None and standing.state is not SubscriptionState.UNSUBSCRIBED:
        context = asked.context
        context.tell(consent.leave(context.store, context.desk(), asked.token, asked.now))
        context.wake()
    return standing


def give_reason(asked: Asked) -> Response:
    """Keep why somebody left, for the author."""
    barred = _barred(asked)
    if barred is not None:
        return barred
    marked = WHY.get(asked.field("why", 20), "")
    waiting = keep_reason(asked, f"{marked} {asked.field('words', LONGEST_REASON)}")
    return asked.later(waiting) if waiting else asked.away("unsubscribe/thanks")


def keep_reason(asked: Asked, reason: str) -> float:
    """Keep a reason; returns 0 then, or after how many seconds another one is taken from this network."""
    if not reason.strip():
        return 0
    waiting = asked.context.limits.reasons.take(asked.network, REASONS, monotonic())
    if not waiting:
        leaving.say_why(asked.context.store, asked.token, reason, asked.now)
    return waiting


def thanks(asked: Asked) -> Response:
    """Thank somebody for a reason."""
    return asked.page("thanks.html")


def come_back(asked: Asked) -> Response:
    """Have the owner of the address asked whether they want the digest again."""
    return _wish(asked, WishKind.SUBSCRIBE, "subscribe/sent")


def mail_settings(asked: Asked) -> Response:
    """Have the link to their own page mailed to the owner of the address."""
    return _wish(asked, WishKind.SETTINGS, "preferences/sent")


def note_by_token(asked: Asked, kind: WishKind) -> float:
    """Write down a wish for whoever a token belongs to, if anybody; the seconds to wait as ``Asked.note``."""
    wished = leaving.wish_by_token(asked.context.store, asked.token, kind)
    if wished is None:
        asked.missed()
        return 0
    return asked.note([wished])


def standing_of(asked: Asked) -> Standing | None:
    """Tell what a token's owner reads. What is not known is counted: it may be a guess."""
    standing = leaving.standing(asked.context.store, asked.settings, asked.token)
    if standing is None:
        asked.missed()
    return standing


def _wish(asked: Asked, kind: WishKind, after: str) -> Response:
    barred = _barred(asked)
    if barred is not None:
        return barred
    waiting = note_by_token(asked, kind)
    return asked.later(waiting) if waiting else asked.away(after)


def _barred(asked: Asked) -> Response | None:
    """What somebody gets whose link has not even the shape of one, or who tried too many."""
    waiting = asked.barred()
    if waiting:
        return asked.later(waiting)
    if is_token(asked.token):
        return None
    asked.missed()
    return asked.page("lost.html", 404, link="unsubscribe", expired=False)


def _left(asked: Asked, standing: Standing | None) -> Response:
    return asked.page(
        "left.html", title=standing.digest if standing else "", reasons=WHY, longest=LONGEST_REASON, token=asked.token
    )

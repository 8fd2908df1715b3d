"""The same as JSON, below /api/: for an author's own forms and programs. openapi.py describes it.

Pages of other origins may use it where [web] allow_origins names them, and never with cookies: there are none.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publisher.errors import UsageError
from publisher.flows import consent, visitors, wishes
from publisher.flows.archive import past_issues
from publisher.flows.consent import Answer
from publisher.flows.subscribe import is_token
from publisher.flows.wishes import Wished, WishKind
from publisher.model.subscriber import SubscriptionState
from publisher.tokens import Outcome
from publisher.web import archive, faults, leaving, openapi
from publisher.web import preferences as own
from publisher.web.asking import LIMITED, answer
from publisher.web.bodies import read_nothing, read_object
from publisher.web.faults import Refusal
from publisher.web.kept import Seen
from publisher.web.offers import offers
from publisher.web.rendering import web_root
from publisher.web.visitors import confirmed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

    from publisher.flows.consent import Confirmation
    from publisher.flows.visitors import Person
    from publisher.web.asking import Asked, Responds
    from publisher.web.context import Context

LOOK = "Look in your mail."
PREFLIGHT_AGE = "600"  # seconds
NO_LINK = "This link does not work."
OLD_LINK = "This link is too old."
ANEW = "Ask for a new one."


def routes(context: Context) -> list[BaseRoute]:
    """Give all routes below /api/; what is not among them is told so as JSON, too."""
    seen = Seen()
    answers: dict[str, tuple[Responds | None, Responds | None]] = {
        "openapi.json": (described, None),
        "digests": (digests, None),
        "issues": (partial(issues, seen), None),
        "issues/{digest}/{number}": (partial(issue, seen), None),
        "subscribe": (None, subscribe),
        "confirm/{token}": (_with_link(see_question), _with_link(confirm)),
        "unsubscribe/{token}": (_with_token(see_standing), _with_token(leave)),
        "unsubscribe/{token}/reason": (None, _with_token(give_reason)),
        "unsubscribe/{token}/return": (None, _with_token(partial(_wish, WishKind.SUBSCRIBE))),
        "unsubscribe/{token}/settings": (None, _with_token(partial(_wish, WishKind.SETTINGS))),
        "preferences": (None, ask_for_link),
        "preferences/{token}": (_for_owner(see_choices), _for_owner(choose)),
        "preferences/{token}/data": (_for_owner(data), None),
        "preferences/{token}/forget": (None, _for_owner(forget)),
        "{rest:path}": (_unknown, _unknown),
    }
    return [Route(f"/api/{path}", Resource(context, get, post)) for path, (get, post) in answers.items()]


class Resource:
    """ASGI: what answers a path below /api/, by method, and who may ask from another page."""

    def __init__(self, context: Context, get: Responds | None, post: Responds | None) -> None:
        self._context, self._get, self._post = context, get, post
        reading, writing = ("GET", "HEAD") if get else (), ("POST",) if post else ()
        self._allowed = ", ".join((*reading, *writing, "OPTIONS"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await answer(self._context, Request(scope, receive), partial(self._shared, scope["method"]), receive, send)

    def _shared(self, method: str, asked: Asked) -> Response:
        """The answer, with the headers that let another page read it."""
        try:
            response = self._answer(method, asked)
        except Refusal as refusal:
            if refusal.seconds:
                asked.context.say(LIMITED)
            response = refusal.response()
        response.headers.add_vary_header("Origin")
        origin = asked.headers.get("origin", "")
        if origin and origin in asked.settings.web.allow_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            if method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = self._allowed
                response.headers["Access-Control-Allow-Headers"] = "Content-Type"
                response.headers["Access-Control-Max-Age"] = PREFLIGHT_AGE
        return response

    def _answer(self, method: str, asked: Asked) -> Response:
        responds = {"GET": self._get, "HEAD": self._get, "POST": self._post}.get(method)
        if responds is not None:
            return responds(asked)
        if method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": self._allowed})
        words = "This address does not work that way.", f"It knows {self._allowed}."
        return faults.as_json(405, *words, headers={"Allow": self._allowed})


# What there is


def described(asked: Asked) -> Response:
    """Describe all of this."""
    return JSONResponse(openapi.document(asked.settings))


def digests(asked: Asked) -> Response:
    """List what one can subscribe to."""
    return JSONResponse({"digests": _digests(asked, None)})


def issues(seen: Seen, asked: Asked) -> Response:
    """List past issues, the newest first."""
    found = past_issues(asked.context.store, asked.settings)
    return _kept(seen, asked, {"issues": [archive.listed(asked.settings, one) for one in found]})


def issue(seen: Seen, asked: Asked) -> Response:
    """Give a past issue as everybody may read it."""
    try:
        return _kept(seen, asked, archive.whole(asked))
    except HTTPException:
        raise Refusal(404, "There is no such issue.", f"See {web_root(asked.settings)}api/issues.") from None


def _kept(seen: Seen, asked: Asked, value: dict[str, Any]) -> Response:
    return archive.give(seen, asked, bytes(JSONResponse(value).body), "application/json")


def _unknown(_asked: Asked) -> Response:
    raise Refusal(404, "There is nothing at this address.", "See openapi.json.")


def _digests(asked: Asked, chosen: Mapping[str, str] | None) -> list[dict[str, Any]]:
    shown = [
        {
            "name": offer.name,
            "title": offer.title,
            "cadences": [{"name": pace.name, "words": pace.words} for pace in offer.paces],
        }
        for offer in offers(asked.settings, {})
    ]
    return [{**each, "chosen": chosen.get(str(each["name"]), "")} for each in shown] if chosen is not None else shown


# Letters


def subscribe(asked: Asked) -> Response:
    """Write down who wants to subscribe: the same answer for everybody."""
    given = read_object(asked, {"address": str, "digest": str, "cadence": str}, {"address"})
    _check(asked, Wished(WishKind.SETTINGS, given["address"]), "address")
    try:
        digest = wishes.offered_digest(asked.settings, given.get("digest", ""))
    except UsageError as fault:
        raise Refusal(422, fault.message, fault.remedy, "digest") from fault
    wished = Wished(WishKind.SUBSCRIBE, given["address"], digest.name, given.get("cadence", ""))
    return _noted(asked.note([_check(asked, wished, "cadence")]))


def ask_for_link(asked: Asked) -> Response:
    """Write down who wants the link to their own page: the same answer for everybody."""
    given = read_object(asked, {"address": str}, {"address"})
    return _noted(asked.note([_check(asked, Wished(WishKind.SETTINGS, given["address"]), "address")]))


def _check(asked: Asked, wished: Wished, field: str) -> Wished:
    try:
        return wishes.check(asked.settings, wished)
    except UsageError as fault:
        raise Refusal(422, fault.message, fault.remedy, field) from fault


def _noted(waiting: float) -> Response:
    _wait(waiting)
    return JSONResponse({"answer": LOOK}, 202)


# Confirming


def see_question(asked: Asked) -> Response:
    """Tell what a link would confirm."""
    found = consent.peek(asked.context.store, asked.context.desk(), asked.token, asked.now)
    return _confirmation(asked, found, "open" if found.answer is Answer.CONFIRMED else "confirmed")


def confirm(asked: Asked) -> Response:
    """Confirm what a link was signed for."""
    read_nothing(asked)
    return _confirmation(asked, confirmed(asked), "confirmed")


def _confirmation(asked: Asked, found: Confirmation, state: str) -> Response:
    if found.answer is Answer.EXPIRED:
        raise Refusal(410, OLD_LINK, ANEW)
    if found.digest is None:
        asked.missed()
        raise Refusal(404, NO_LINK, ANEW)
    told = {"state": state, "address": found.address, "digest": found.digest.name, "cadence": found.cadence}
    return JSONResponse({**told, "title": found.digest.title})


# Leaving


def see_standing(asked: Asked) -> Response:
    """Tell how a subscription stands; one that nobody knows has ended."""
    standing = leaving.standing_of(asked)
    if standing is None:
        return JSONResponse({"state": SubscriptionState.UNSUBSCRIBED.value, "title": "", "cadence": ""})
    told = {"state": standing.state.value, "title": standing.digest, "cadence": standing.cadence}
    return JSONResponse(told)


def leave(asked: Asked) -> Response:
    """Leave; a token that nobody knows gets the same answer."""
    read_nothing(asked)
    leaving.left(asked)
    return JSONResponse({"state": SubscriptionState.UNSUBSCRIBED.value})


def give_reason(asked: Asked) -> Response:
    """Keep why somebody left."""
    given = read_object(asked, {"reason": str}, {"reason"})
    _wait(leaving.keep_reason(asked, given["reason"]))
    return JSONResponse({"answer": "Thank you."}, 202)


def _wish(kind: WishKind, asked: Asked) -> Response:
    read_nothing(asked)
    return _noted(leaving.note_by_token(asked, kind))


# Behind the link to somebody's own page


def see_choices(asked: Asked, person: Person) -> Response:
    """Tell all digests, with the cadence that was chosen of each."""
    return JSONResponse({"address": person.address, "digests": _digests(asked, own.choices(person))})


def choose(asked: Asked, _person: Person) -> Response:
    """Set cadences by digest, "" to leave; tells how things stand then."""
    given = read_object(asked, {"digests": dict}, {"digests"})["digests"]
    if not all(isinstance(cadence, str) for cadence in given.values()):
        raise Refusal(422, "Each digest has the name of a cadence.", 'Say "" for one that is not wanted.', "digests")
    try:
        own.save(asked, given)
    except UsageError as fault:
        raise Refusal(422, fault.message, fault.remedy, "digests") from fault
    person = own.visited(asked).person
    if person is None:  # forgotten a moment ago, by the same link
        raise Refusal(404, NO_LINK, ANEW)
    return see_choices(asked, person)


def data(asked: Asked, person: Person) -> Response:
    """Give all that is known of a person."""
    return own.data(asked, person)


def forget(asked: Asked, _person: Person) -> Response:
    """Erase a person."""
    read_nothing(asked)
    visitors.forget(asked.context.store, asked.context.desk(), asked.token, asked.now)
    return JSONResponse({"forgotten": True})


def _with_link(responds: Responds) -> Responds:
    """Keep out whoever tried too many links."""

    def guarded(asked: Asked) -> Response:
        _wait(asked.barred())
        return responds(asked)

    return guarded


def _with_token(responds: Responds) -> Responds:
    """The same, for links to leave, which have a shape."""

    def guarded(asked: Asked) -> Response:
        if not is_token(asked.token):
            asked.missed()
            raise Refusal(404, NO_LINK, "Copy the whole of it from the mail.")
        return responds(asked)

    return _with_link(guarded)


def _for_owner(responds: own.Owned) -> Responds:
    """The same, for links to somebody's own page."""

    def guarded(asked: Asked) -> Response:
        found = own.visited(asked)
        if found.person is None:
            expired = found.outcome is Outcome.EXPIRED
            raise Refusal(own.LOST[found.outcome], OLD_LINK if expired else NO_LINK, ANEW)
        return responds(asked, found.person)

    return _with_link(guarded)


def _wait(seconds: float) -> None:
    if seconds:
        raise Refusal(429, "Too much was asked for from your network.", "Try again later.", seconds=seconds)

"""The routes of api.py as an OpenAPI 3.1 document; its schemas are JSON Schema 2020-12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher import __version__
from publisher.web.rendering import web_root

if TYPE_CHECKING:
    from publisher.model.settings import Settings

Json = dict[str, Any]

TOKEN_PATTERN = "^[A-Za-z0-9_-]{16,64}$"  # noqa: S105 - the shape of one
FAULTS = {
    400: "The body is no JSON.",
    404: "There is no such thing, or the link is not one of ours.",
    410: "The link is too old.",
    413: "The body is too long.",
    415: "The body is not sent as application/json.",
    422: "The body is not what it should be, or names what there is not; `field` says where.",
    429: "Too much was asked for from this network; Retry-After says when to go on.",
    503: "It does not work just now.",
}
BODY, LINK = (400, 413, 415, 422), (404, 429)


def document(settings: Settings) -> Json:
    """Describe the routes of a site, with its digests by name."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{settings.site.title}: subscribing and leaving",
            "version": __version__,
            "description": (
                "What the pages for subscribers do, as JSON. Every change is a POST; a GET changes nothing. Whoever "
                "asks for a letter gets the same answer, be the address known or not. Tokens come by mail."
            ),
        },
        "servers": [{"url": web_root(settings).rstrip("/") or "/"}],
        "paths": {f"/api/{path}": operations for path, operations in _paths(settings).items()},
        "components": {"schemas": _schemas(), "responses": {f"Fault{status}": _fault(status) for status in FAULTS}},
    }


def _paths(settings: Settings) -> dict[str, Json]:
    digests = sorted(digest.name for digest in settings.digests)
    cadences = sorted({name for digest in settings.digests for name, _ in digest.cadences})
    address = {"type": "string", "format": "email", "maxLength": 320}
    digest = _chosen(digests, "May be left out where there is one digest only.")
    cadence = _chosen(cadences, "May be left out where the digest has one cadence only.")
    signed = _parameter("token", {"type": "string", "minLength": 1})
    leaving = _parameter("token", {"type": "string", "pattern": TOKEN_PATTERN})
    return {
        "openapi.json": {
            "get": _operation("describe", "This document", 200, {"type": "object"}),
        },
        "digests": {
            "get": _operation("digests", "What one can subscribe to", 200, _ref("Digests")),
        },
        "issues": {
            "get": _operation("issues", "What went out, the newest first", 200, _ref("Issues")),
        },
        "issues/{digest}/{number}": {
            "parameters": [
                _parameter("digest", _chosen(digests, "")),
                _parameter("number", {"type": "integer", "minimum": 1}),
            ],
            "get": _operation("issue", "An issue as everybody may read it", 200, _ref("Issue"), faults=(404,)),
        },
        "subscribe": {
            "post": _operation(
                "subscribe",
                "Have a letter sent that asks the owner of an address whether they want a digest",
                202,
                _ref("Answer"),
                faults=(*BODY, 429),
                body=_object({"address": address, "digest": digest, "cadence": cadence}, ["address"]),
            ),
        },
        "confirm/{token}": {
            "parameters": [signed],
            "get": _operation("seeQuestion", "What the link would confirm", 200, _ref("Question"), faults=(*LINK, 410)),
            "post": _operation(
                "confirm",
                "Confirm it; again, nothing changes",
                200,
                _ref("Question"),
                faults=(*LINK, 410, *BODY),
                body={},
            ),
        },
        "unsubscribe/{token}": {
            "parameters": [leaving],
            "get": _operation("seeStanding", "How the subscription stands", 200, _ref("Standing"), faults=LINK),
            "post": _operation(
                "leave",
                "End the subscription; again, or where nobody knows the token, the answer is the same",
                200,
                _ref("Left"),
                faults=(*LINK, *BODY),
                body={},
            ),
        },
        "unsubscribe/{token}/reason": {
            "parameters": [leaving],
            "post": _operation(
                "giveReason",
                "Say why, after leaving; 500 characters are kept",
                202,
                _ref("Answer"),
                faults=(*LINK, *BODY),
                body=_object({"reason": {"type": "string"}}, ["reason"]),
            ),
        },
        "unsubscribe/{token}/return": {
            "parameters": [leaving],
            "post": _operation(
                "comeBack", "Have the letter sent that asks again", 202, _ref("Answer"), faults=(*LINK, *BODY), body={}
            ),
        },
        "unsubscribe/{token}/settings": {
            "parameters": [leaving],
            "post": _operation(
                "mailSettings",
                "Have the link to one's own page mailed",
                202,
                _ref("Answer"),
                faults=(*LINK, *BODY),
                body={},
            ),
        },
        "preferences": {
            "post": _operation(
                "askForLink",
                "Have the link to one's own page mailed",
                202,
                _ref("Answer"),
                faults=(*BODY, 429),
                body=_object({"address": address}, ["address"]),
            ),
        },
        "preferences/{token}": {
            "parameters": [signed],
            "get": _operation("seeChoices", "What one reads", 200, _ref("Choices"), faults=(*LINK, 410)),
            "post": _operation(
                "choose",
                "Set cadences by digest, an empty one to leave; digests that are not named stay",
                200,
                _ref("Choices"),
                faults=(*LINK, 410, *BODY),
                body=_object({"digests": {"type": "object", "additionalProperties": {"type": "string"}}}, ["digests"]),
            ),
        },
        "preferences/{token}/data": {
            "parameters": [signed],
            "get": _operation("data", "All that is known of one", 200, {"type": "object"}, faults=(*LINK, 410)),
        },
        "preferences/{token}/forget": {
            "parameters": [signed],
            "post": _operation(
                "forget", "Erase all that is known of one", 200, _ref("Forgotten"), faults=(*LINK, 410, *BODY), body={}
            ),
        },
    }


def _schemas() -> dict[str, Json]:
    text = {"type": "string"}
    cadence = _object({"name": text, "words": text})
    digest = {"name": text, "title": text, "cadences": {"type": "array", "items": cadence}}
    number, amount = {"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}
    other = {"type": ["integer", "null"]}
    listed = {"digest": text, "issue": number, "title": text, "subject": text, "slot": _moment(), "entries": amount}
    contents = {"type": "array", "items": _object({"title": text, "url": text})}
    content = {"contents": contents, "previous": other, "next": other, "html": text, "text": text}
    states = {"type": "string", "enum": ["pending", "confirmed", "unsubscribed"]}
    return {
        "Answer": _object({"answer": text}),
        "Fault": _object({"error": text, "remedy": text, "field": text}, ["error", "remedy"]),
        "Digests": _object({"digests": {"type": "array", "items": _object(digest)}}),
        "Issues": _object({"issues": {"type": "array", "items": _object({**listed, "url": text})}}),
        "Issue": _object({**listed, "url": text, **content}),
        "Question": _object(
            {
                "state": {"type": "string", "enum": ["open", "confirmed"]},
                "address": text,
                "digest": text,
                "title": text,
                "cadence": text,
            }
        ),
        "Standing": _object({"state": states, "title": text, "cadence": text}),
        "Left": _object({"state": {"const": "unsubscribed"}}),
        "Choices": _object(
            {"address": text, "digests": {"type": "array", "items": _object({**digest, "chosen": text})}}
        ),
        "Forgotten": _object({"forgotten": {"const": True}}),
    }


def _operation(
    name: str, summary: str, status: int, schema: Json, *, faults: tuple[int, ...] = (), body: Json | None = None
) -> Json:
    """One method of a path. ``body`` {} means that none is needed."""
    answers: Json = {str(status): {"description": "Done.", "content": {"application/json": {"schema": schema}}}}
    for fault in (*faults, 503):
        answers[str(fault)] = {"$ref": f"#/components/responses/Fault{fault}"}
    operation: Json = {"operationId": name, "summary": summary, "responses": answers}
    if body is not None:
        content = {"application/json": {"schema": body or _object({})}}
        operation["requestBody"] = {"required": bool(body), "content": content}
    return operation


def _object(properties: Json, required: list[str] | None = None) -> Json:
    """An object of these keys and no others, all of them needed unless said otherwise."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def _chosen(names: list[str], description: str) -> Json:
    return {"type": "string", "enum": names, "description": description} if names else {"type": "string"}


def _moment() -> Json:
    return {"type": "string", "format": "date-time"}


def _parameter(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _fault(status: int) -> Json:
    answer: Json = {"description": FAULTS[status], "content": {"application/json": {"schema": _ref("Fault")}}}
    if status == 429:  # noqa: PLR2004 - RFC 6585
        answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
    return answer

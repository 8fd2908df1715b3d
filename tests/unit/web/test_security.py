"""What every answer says of itself, and what becomes of the Host that a visitor claims."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route

from publisher.web.security import POLICY, Secured

if TYPE_CHECKING:
    from starlette.requests import Request


def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.headers['host']} {request.url}")


def own(_: Request) -> PlainTextResponse:
    return PlainTextResponse("", headers={"Cache-Control": "max-age=60", "Content-Security-Policy": "sandbox"})


def away(_: Request) -> RedirectResponse:
    return RedirectResponse("https://elsewhere.example/x")


def asked(path: str, public_url: str = "", host: str = "evil.example") -> tuple[int, dict[str, str], str]:
    app = Starlette(
        routes=[Route("/plain", plain), Route("/own", own), Route("/away", away), Route("/{rest:path}/s/", own)]
    )

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Secured(app, public_url))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.get(path, headers={"Host": host})

    answer = asyncio.run(ask())
    return answer.status_code, dict(answer.headers), answer.text


@pytest.mark.parametrize("path", ["/plain", "/own", "/away", "/nowhere"])
def test_every_answer_is_guarded(path: str) -> None:
    headers = asked(path)[1]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_the_policy_allows_nothing_inline() -> None:
    assert asked("/plain")[1]["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none';")


def test_what_a_route_says_itself_is_left() -> None:
    headers = asked("/own")[1]
    assert headers["cache-control"] == "max-age=60"
    assert headers["content-security-policy"] == "sandbox"
    assert asked("/plain")[1]["cache-control"] == "no-store"


def test_https_is_insisted_on_where_it_is_the_address() -> None:
    assert asked("/plain", "https://news.example/")[1]["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in asked("/plain", "http://news.example/")[1]


def test_the_host_that_is_claimed_is_never_seen() -> None:
    assert asked("/plain", "https://news.example/web/")[2] == "news.example http://news.example/plain"
    assert "evil" not in asked("/plain")[2]


@pytest.mark.parametrize("public_url", ["", "https://news.example/"])
def test_redirects_within_name_no_host(public_url: str) -> None:
    status, headers, _ = asked("/a/s", public_url)
    assert (status, headers["location"]) == (307, "/a/s/")


@pytest.mark.parametrize(
    "path", ["//evil.example/s", "//evil.example//s", "/%5Cevil.example/s", "//%5C/evil.example/s"]
)
def test_redirects_within_stay_within(path: str) -> None:
    status, headers, _ = asked(f"http://testserver{path}")
    assert status == 307
    assert headers["location"].startswith("/")
    assert headers["location"][1] not in "/\\"


def test_redirects_elsewhere_are_left() -> None:
    assert asked("/away")[1]["location"] == "https://elsewhere.example/x"

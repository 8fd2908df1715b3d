"""The application as a whole: what becomes of a request that nobody waits for any longer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from publisher.web.application import BUSY, _Told

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

SCOPE: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _cancelled(*, begun: bool) -> list[Message]:
    """What is sent for a request whose answer never comes, when the server ends."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def never(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        task = asyncio.create_task(_Told(never, lambda *_: pytest.fail("this is no fault"))(SCOPE, _receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task
    return sent


def test_a_request_that_is_given_up_is_told_so_and_is_no_fault() -> None:
    start, body = asyncio.run(_cancelled(begun=False))
    assert start["status"] == 503
    assert body["body"].decode().strip() == BUSY


def test_an_answer_that_is_given_up_half_way_is_only_ended() -> None:
    assert [message["type"] for message in asyncio.run(_cancelled(begun=True))] == ["http.response.start"]

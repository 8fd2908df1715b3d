"""A small web server on this machine that answers with what a test lays down."""

from __future__ import annotations

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

HOST = "127.0.0.2"  # this machine, under an address that is no placeholder for somebody's home


class Served:
    """A server in a thread of its own, for as long as its block lasts."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler], host: str = HOST) -> None:
        self._host = host
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._server.server_address[1]}/"


class Answering(Served):
    """Answers GET with the bytes at a path (they may be exchanged at any time), with 404 elsewhere."""

    def __init__(self, pages: MutableMapping[str, bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(Handler)


class Folder(Served):
    """A static host: what lies in a folder."""

    def __init__(self, folder: Path) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(partial(Handler, directory=str(folder)))


class Hub(Served):
    """A WebSub hub that remembers the topics it was told of."""

    def __init__(self) -> None:
        self.topics: list[str] = []
        topics = self.topics

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                topics.extend(parse_qs(self.rfile.read(length).decode()).get("hub.url", []))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(Handler)

"""The server: bound before anything else is started, run by the thread that calls it, ended from anywhere.

The port is taken when the server is made, so that one in use is told before a clock or a worker has begun.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import socket
import stat
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from publisher.errors import UsageError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Collection, Iterator, Sequence

    from starlette.types import ASGIApp
    from uvicorn.server import ServerState

    from publisher.model.settings import WebSettings
    from publisher.web.protocol import Connection
    from publisher.web.traffic import Bounds, Front, Traffic

UNIX = "unix:"
PATIENCE = 10.0  # seconds that requests under way may take to end
_BACKLOG = 2_048
_THREADS = 8  # that answer visitors: more would only keep the loop from its turn, and many wait for one commit
_SPARE = 256  # descriptors for all that is no connection: files, the store, mail
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WebServer:
    """Serves ``app``, and what ``front`` knows without asking it. Made, it is bound; ``serve`` answers.

    ``ready`` is called with the port, in the loop's thread, when connections are being answered; ``patience`` is in
    seconds. Raises UsageError where the address of ``settings`` cannot be had.
    """

    def __init__(
        self,
        app: ASGIApp,
        front: Front,
        settings: WebSettings,
        *,
        ready: Callable[[int], None] = lambda _: None,
        bounds: Bounds | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._app, self._front, self._ready = app, front, ready
        self._bounds, self._patience = bounds, patience
        self._lock = threading.Lock()
        self._stopped = False
        self._loop: AbstractEventLoop | None = None
        self._asked_to_stop: asyncio.Event | None = None
        self._open: Collection[object] = ()
        self._sockets = bind(settings.host, settings.port)
        self._port = 0 if settings.host.startswith(UNIX) else int(self._sockets[0].getsockname()[1])
        self._file = _Name(settings.host.removeprefix(UNIX)) if settings.host.startswith(UNIX) else None

    @property
    def port(self) -> int:
        """Where it listens; 0 for a socket in the file system."""
        return self._port

    @property
    def connections(self) -> int:
        """How many are open; from any thread."""
        return len(self._open)

    def serve(self) -> None:
        """Answer until SIGTERM, SIGINT (in the main thread) or ``stop``; requests under way are finished first."""
        import uvloop  # noqa: PLC0415 - only who serves needs it

        loop = uvloop.new_event_loop()
        try:
            loop.run_until_complete(self._run(loop))
            loop.run_until_complete(loop.shutdown_asyncgens())  # also lets idle threads of routes hear of the end
        finally:
            with self._lock:
                self._loop = None
            self.close()
            loop.close()

    def stop(self) -> None:
        """Have ``serve`` end; from any thread, also before it has begun, and as often as one likes."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._asked_to_stop is not None:
                self._loop.call_soon_threadsafe(self._asked_to_stop.set)

    def close(self) -> None:
        """Give back the port of a server that is not serving."""
        for listening in self._sockets:
            listening.close()
        if self._file:
            self._file.remove()

    async def _run(self, loop: AbstractEventLoop) -> None:
        from anyio.to_thread import current_default_thread_limiter  # noqa: PLC0415 - only who serves needs it
        from uvicorn.config import Config  # noqa: PLC0415 - as above
        from uvicorn.server import ServerState  # noqa: PLC0415 - as above

        from publisher.web.protocol import Connection  # noqa: PLC0415 - as above
        from publisher.web.traffic import Bounds, Traffic  # noqa: PLC0415 - as above

        config = Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            interface="asgi3",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
        )
        config.load()
        current_default_thread_limiter().total_tokens = _THREADS
        state, traffic = ServerState(), Traffic(self._front, _affordable(self._bounds or Bounds()))
        traffic.look(state, loop.time())
        self._open = state.connections
        asked = asyncio.Event()
        with self._lock:
            self._loop, self._asked_to_stop = loop, asked
            if self._stopped:
                asked.set()
        servers = await self._listen(loop, lambda: Connection(traffic, config, state, _loop=loop))
        watching = loop.create_task(traffic.watch(state))
        try:
            with _heard(loop, asked):
                self._ready(self.port)
                await asked.wait()
                for server in servers:
                    server.close()
                await self._finish(loop, state, traffic)
        finally:
            watching.cancel()

    async def _listen(self, loop: AbstractEventLoop, made: Callable[[], Connection]) -> list[asyncio.AbstractServer]:
        begin = loop.create_unix_server if self._file else loop.create_server
        return [await begin(made, sock=listening, backlog=_BACKLOG) for listening in self._sockets]

    async def _finish(self, loop: AbstractEventLoop, state: ServerState, traffic: Traffic) -> None:
        """Close what is idle, wait for what is under way, cut off what takes too long."""
        traffic.stopping = True
        connections: set[Connection] = state.connections  # type: ignore[assignment] # this server makes no others
        for connection in tuple(connections):
            connection.shutdown()
        end = loop.time() + self._patience
        while (connections or state.tasks) and loop.time() < end:  # noqa: ASYNC110 - two sets, no event
            await asyncio.sleep(0.01)
        late: set[Task[None]] = set(state.tasks)
        for task in late:
            task.cancel()
        for connection in tuple(connections):
            connection.transport.abort()
        if late:
            await asyncio.wait(late, timeout=1)


def bind(host: str, port: int) -> Sequence[socket.socket]:
    """Listen at every address of ``host``, or at ``unix:PATH``. Raises UsageError with the key that is at fault."""
    if host.startswith(UNIX):
        return (_bind_file(host.removeprefix(UNIX)),)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise UsageError(
            f'[web] host: "{host}" is no address of a machine', 'Write "127.0.0.1", or "0.0.0.0" for every network.'
        ) from None
    bound: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            bound.append(_bind(family, (address[0], port)))
            port = bound[0].getsockname()[1]  # that of the first, where the system chose one
    except OSError as fault:
        for each in bound:
            each.close()
        raise _unbound(host, port, fault) from None
    return tuple(bound)


def _bind(family: int, address: tuple[object, int]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address[0] != "::"))
        listening.bind(address)
        listening.listen(_BACKLOG)  # now, since two may be bound to a port as long as none listens
    except OSError:
        listening.close()
        raise
    return listening


def _unbound(host: str, port: int, fault: OSError) -> UsageError:
    if fault.errno == errno.EADDRINUSE:
        return UsageError(
            f"[web] port: {port} is in use on {host}",
            "Stop what listens there (another `publisher serve`?), or choose another port.",
        )
    if fault.errno == errno.EACCES:
        return UsageError(
            f"[web] port: {port} is not for this user", "Choose one above 1023, with a proxy in front of it."
        )
    return UsageError(
        f'[web] host: nothing can listen at "{host}": {fault.strerror}',
        'Write an address of this machine: "127.0.0.1", or "0.0.0.0" for every network.',
    )


def _bind_file(path: str) -> socket.socket:
    """A socket in the file system. What a killed server left is taken away; what another listens at is not."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_left_over(path):
            os.unlink(path)  # noqa: PTH108 - all that is known of it is a name
        listening.bind(path)
        os.chmod(path, 0o666)  # noqa: PTH101, S103 - the proxy is another user; the folder says who may come
        listening.listen(_BACKLOG)
    except OSError as fault:
        listening.close()
        raise UsageError(
            f'[web] host: nothing can listen at "{path}": {fault.strerror or fault}',
            "Write the path of a file that does not exist yet, in a folder of this user.",
        ) from None
    return listening


def _is_left_over(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False  # binding fails, and says so
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


class _Name:
    """The name of our socket, which is ours to take away as long as nobody has put another there."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._inode: int | None = os.lstat(path).st_ino

    def remove(self) -> None:
        with suppress(OSError):
            if os.lstat(self._path).st_ino == self._inode:
                os.unlink(self._path)  # noqa: PTH108 - all that is known of it is a name
        self._inode = None


def _affordable(bounds: Bounds) -> Bounds:
    """No more connections than this process may hold open; it asks for as many as it is allowed."""
    from dataclasses import replace  # noqa: PLC0415 - only who serves needs it

    wanted = bounds.connections + _SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return replace(bounds, connections=max(1, min(bounds.connections, soft - _SPARE)))
    return bounds


@contextmanager
def _heard(loop: AbstractEventLoop, asked: asyncio.Event) -> Iterator[None]:
    """Let signals ask for the end; what was done about them before is done again afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, asked.set)
    try:
        yield
    finally:
        for number, former in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, former)

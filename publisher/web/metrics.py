"""What machines ask: whether the process lives, whether it can work, and its numbers for Prometheus.

Requests are counted by the template of their route, never by their path: paths hold tokens, and anybody can make
up as many as they like.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from publisher.errors import PublisherError
from publisher.flows.figures import pulse
from publisher.web.limits import MINUTE, Limit
from publisher.web.proxies import network_of
from publisher.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from prometheus_client import Metric
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from publisher.flows.figures import Pulse
    from publisher.web.context import Context

ELSEWHERE = "elsewhere"  # no route of ours
PATIENCE = 5.0  # seconds that a part has to say whether it can work
WRONG_TOKENS = 30  # a minute, of one network: nobody else's guesses may keep the numbers from who has the token
UNKNOWN = "Somebody asked for the numbers without the admin token, or with a wrong one."
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"})


class Metrics:
    """The numbers of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "publisher_http_requests",
            "Requests answered, by route and class of status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "publisher_http_request_seconds",
            "Time until a request was answered whole, by route.",
            ("route",),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._fed: dict[int, int] = {}
        self.registry.register(_OfFeeds(self._fed))
        self._connections = Gauge("publisher_open_connections", "Connections that are open.", registry=self.registry)
        self._passed = Gauge(
            "publisher_last_pass_timestamp_seconds",
            "When the clock last finished a pass; 0 before the first.",
            registry=self.registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer. ``route`` is a template, such as ``/confirm/{token}``."""
        known = method if method in _METHODS else "other"
        self._requests.labels(route, known, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)

    def fed(self, status: int) -> None:
        """Count an answer to a request for a feed. From the server's own thread alone: that needs no lock."""
        self._fed[status] = self._fed.get(status, 0) + 1

    def passed(self, at: datetime) -> None:
        """Note that the clock has finished a pass."""
        self._passed.set(at.timestamp())

    def connections_from(self, count: Callable[[], float]) -> None:
        """Say how the open connections are counted when somebody asks."""
        self._connections.set_function(count)

    def store_from(self, look: Callable[[], Pulse]) -> None:
        """Say how the numbers of the store are had when somebody asks. Once."""
        self.registry.register(_OfStore(look))

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


class _OfFeeds:
    """Counts that are kept as plain numbers, since most of all answers are counted there."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._counts = counts

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        made = CounterMetricFamily(
            "publisher_feed_answers", "Answers to requests for feeds, by status.", labels=["status"]
        )
        for status, answers in tuple(self._counts.items()):
            made.add_metric([str(status)], answers)
        yield made


class _OfStore:
    """Asks the store for what it knows. One that cannot be read has no numbers; the rest is given all the same."""

    def __init__(self, look: Callable[[], Pulse]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("publisher_store_up", "Whether the mailing store could be read.")
        try:
            found = self._look()
        except PublisherError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield GaugeMetricFamily("publisher_wishes_waiting", "Wishes of visitors not looked at yet.", found.wishes)
        yield _family("publisher_letters", "Letters, by state.", "state", _by_value(found.letters))
        yield _family(
            "publisher_deliveries",
            "Messages of issues that are not over, by state.",
            "state",
            _by_value(found.deliveries),
        )
        yield _family("publisher_issues", "Issues, by state.", "state", _by_value(found.issues))
        yield _family("publisher_feed_readers", "Readers of a feed, as aggregators tell.", "feed", found.feeds)


class Measured:
    """ASGI: counts every answer by its route.

    It belongs directly around the application, inside of middleware that passes on a scope of its own: Starlette
    leaves the route that answered in the scope.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app, self._metrics, self._clock = app, metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = self._clock(), 500  # where nothing is answered, the server says so

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.answered(template_of(scope), scope["method"], status, self._clock() - begun)


def template_of(scope: Scope) -> str:
    """Tell the template of the route that answered, after it did."""
    path = getattr(scope.get("route"), "path", "")
    return str(path) if path else ELSEWHERE


def routes(
    context: Context, metrics: Metrics, checks: Mapping[str, Callable[[], bool]] | None = None
) -> list[BaseRoute]:
    """The routes of machines, at the root. ``checks`` say of each part whether it can work (see Look)."""
    sessions, wrong = Sessions(context.admin_token), Limit(MINUTE)
    looks = {name: Look(check) for name, check in (checks or {}).items()}
    metrics.store_from(lambda: pulse(context.store, context.now()))

    def numbers(request: Request) -> Response:
        if not sessions.usable:
            raise HTTPException(404)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        network = network_of(request.client.host if request.client else "")
        if wrong.wait(network, WRONG_TOKENS, time.monotonic()):
            return PlainTextResponse("Too many attempts.\n", 429, {"Retry-After": "60"})
        if scheme.lower() != "bearer" or not sessions.admits(given.strip()):
            wrong.take(network, WRONG_TOKENS, time.monotonic())
            context.say(UNKNOWN)
            return PlainTextResponse("The admin token is needed.\n", 401, {"WWW-Authenticate": "Bearer"})
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"})

    def ready(request: Request) -> Response:
        del request
        found = {name: check.holds() for name, check in looks.items()}
        whole = all(found.values())
        return JSONResponse({"ready": whole, "checks": found}, 200 if whole else 503, {"Cache-Control": "no-store"})

    return [Route("/healthz", _alive), Route("/readyz", ready), Route("/metrics", numbers)]


async def _alive(request: Request) -> Response:
    del request
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


class Look:
    """Asks a check, and waits a moment: what is wrong with a part may be that it never answers.

    Whoever asks while another look is under way waits for that one, so that no more than one thread is ever stuck.
    """

    def __init__(self, check: Callable[[], bool], patience: float = PATIENCE) -> None:
        self._check, self._patience = check, patience
        self._lock = Lock()
        self._under_way: Future[bool] = Future()
        self._under_way.set_result(False)

    def holds(self) -> bool:
        """Whether the part can work. One that raises, or takes too long, cannot."""
        with self._lock:
            if self._under_way.done():
                self._under_way = Future()
                Thread(target=self._ask, args=(self._under_way,), name="look", daemon=True).start()
            asked = self._under_way
        try:
            return asked.result(self._patience)
        except TimeoutError:
            return False

    def _ask(self, asked: Future[bool]) -> None:
        try:
            asked.set_result(bool(self._check()))
        except Exception:  # noqa: BLE001 - whatever is wrong with a part, the answer is that it cannot work
            asked.set_result(False)


def _by_value(counts: Mapping[Any, int]) -> dict[str, int]:
    return {state.value: rows for state, rows in counts.items()}


def _family(name: str, words: str, label: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, words, labels=[label])
    for value, rows in counts.items():
        made.add_metric([value], rows)
    return made

"""Many posts at a time: workshops in forked processes, each with a share of the posts.

A worker keeps the posts it has read until they are rendered, so each post is parsed once and only
results travel. Starting workers costs about what two hundred posts cost; below ``WORTH_IT`` posts
the process does the work itself.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Self

from publisher.errors import PublisherError
from publisher.flows.workshop import Bench, Job, Made, Read, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from publisher.model.settings import Settings

WORTH_IT = 800  # posts to read or render
_CHUNK = 100  # posts in one message


class Crew:
    """Reads and renders the posts of one site, alone or with workers. Use as a context manager."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._own = Workshop(folder, settings)
        self._workers: list[tuple[Any, Connection]] = []
        self._holder: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        for _process, pipe in self._workers:  # all of them first: a later worker holds copies of earlier pipes
            pipe.close()
        for process, _ in self._workers:
            process.join()
        self._own.close()

    def read(self, paths: Sequence[str]) -> Iterator[Read]:
        """Read files; results come in no particular order."""
        if not self._hire(len(paths)):
            yield from map(self._own.read, paths)
            return
        share = -(-len(paths) // len(self._workers))
        shares = [paths[start : start + share] for start in range(0, len(paths), share)]
        for number, part in enumerate(shares):
            self._holder.update(dict.fromkeys(part, number))
        yield from self._spread("read", shares)

    def holds(self, path: str) -> bool:
        """Whether a worker has read this post, and keeps what it read."""
        return path in self._holder

    def set_up(self, bench: Callable[[], Bench], jobs: int) -> None:
        """Give everyone what so many jobs need; each worker makes its own."""
        if not self._hire(jobs):
            self._own.set_up(bench())
        for _, pipe in self._workers:
            _send(pipe, ("set_up", bench))

    def make(self, jobs: Sequence[Job]) -> Iterator[Made]:
        """Do jobs; results come in no particular order."""
        if not self._workers:
            yield from map(self._own.make, jobs)
            return
        shares: list[list[Job]] = [[] for _ in self._workers]
        for number, job in enumerate(jobs):
            shares[self._holder.get(job.path, number % len(shares))].append(job)
        yield from self._spread("make", shares)

    def _hire(self, posts: int) -> bool:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if not self._workers and posts >= WORTH_IT and cores > 1:
            context = multiprocessing.get_context("fork")
            for _ in range(min(cores, 1 + posts // WORTH_IT)):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, self._folder, self._settings, ours), daemon=True)
                process.start()
                theirs.close()
                self._workers.append((process, ours))
        return bool(self._workers)

    def _spread(self, what: str, shares: Sequence[Sequence[Any]]) -> Iterator[Any]:
        chunks = [[part[at : at + _CHUNK] for at in range(0, len(part), _CHUNK)][::-1] for part in shares]
        busy: dict[Connection, int] = {}
        for number, pending in enumerate(chunks):
            if pending:
                pipe = self._workers[number][1]
                _send(pipe, (what, pending.pop()))
                busy[pipe] = number
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                number = busy.pop(pipe)
                results = _received(pipe)
                if chunks[number]:
                    _send(pipe, (what, chunks[number].pop()))
                    busy[pipe] = number
                yield from results


def _send(pipe: Connection, what: tuple[str, Any]) -> None:
    try:
        pipe.send(what)
    except OSError:
        raise _ended() from None


def _received(pipe: Connection) -> list[Any]:
    try:
        answer = pipe.recv()
    except (EOFError, OSError):
        raise _ended() from None
    if isinstance(answer, BaseException):
        raise answer
    return list(answer)


def _ended() -> PublisherError:
    return PublisherError(
        "a worker process ended in the middle of its posts",
        "if memory is short, close other programs; else find the post with: publisher check",
    )


def _work(pipe: Connection, folder: Path, settings: Settings, parents: Connection) -> None:
    """A worker's life: do what is asked until the other end hangs up."""
    parents.close()
    workshop = Workshop(folder, settings)
    while True:
        try:
            what, load = pipe.recv()
        except (EOFError, OSError, KeyboardInterrupt):  # an end with words of ours unread is a reset connection
            return
        try:
            if what == "set_up":
                workshop.set_up(load())
                continue
            pipe.send([getattr(workshop, what)(one) for one in load])
        except KeyboardInterrupt:
            return
        except BrokenPipeError:  # the other end gave up first
            return
        except Exception as fault:  # noqa: BLE001 - it is raised again where it can be told to the user
            known = isinstance(fault, PublisherError)
            with suppress(OSError):
                pipe.send(fault if known else RuntimeError(f"{type(fault).__name__}: {fault}"))

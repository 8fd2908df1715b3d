"""The way in. A publish with nothing to do is answered before anything heavy is imported."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

QUICK = frozenset({"-q", "--quiet"})


def main() -> None:
    """The `publisher` command."""
    sys.exit(run(sys.argv[1:]))


def publish_main() -> None:
    """The `publish` command, short for `publisher publish`."""
    sys.exit(run(["publish", *sys.argv[1:]]))


def run(arguments: list[str]) -> int:
    """Do what the arguments ask; gives the exit code (0 done, 1 refused, 2 usage, 3 store, 4 mail)."""
    _stand_in_for_closed_streams()
    try:
        os.getcwd()
    except FileNotFoundError:
        sys.stderr.write("error: the folder that this runs in is gone\n  go to one that exists\n")
        return 2
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads the answer has heard enough
        _hush()
        return 0
    except OSError as fault:  # a full disk behind standard output, say
        _hush()
        _say(f"error: {fault}\n  the answer could not be told; what was done is done\n")
        return 1
    return code


def _stand_in_for_closed_streams() -> None:
    """Give what was closed before we began to the null device: files of ours must not get its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for as long as we run


def _hush() -> None:
    """Let what is still to be told go nowhere: Python would try once more at the end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    with suppress(OSError):
        sys.stderr.write(text)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["publish"] and QUICK.issuperset(arguments[1:]):
        done = _quick(quiet=len(arguments) > 1)
        if done is not None:
            return done
    from publisher.cli.root import invoke  # noqa: PLC0415 - click is imported only when it is needed

    return invoke(arguments)


def _quick(*, quiet: bool) -> int | None:
    """Answer for a site in which nothing has changed; None if there may be work."""
    from publisher.flows.unchanged import check  # noqa: PLC0415 - `publisher --help` does without

    here = os.getcwd()
    said = check(os.path.join(here, ".publisher"))
    if said is None:
        return None
    head, _, problems = said.partition("\n")
    posts, feeds, refused, _ = head.split(" ")
    if problems:
        sys.stderr.write(problems + "\n")
    if not quiet:
        counted = f"{posts} post{'s' * (posts != '1')} and {feeds} feed{'s' * (feeds != '1')}"
        sys.stdout.write(f"Nothing to do: {counted} are as they should be.\n")
    return int(refused)

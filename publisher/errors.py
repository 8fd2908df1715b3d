"""Every error that Publisher raises on purpose, with its exit code and its remedy.

    PublisherError            exit 1   something was refused
    ├── UsageError            exit 2   the command line asks for what cannot be
    │   └── ConfigError       exit 2   config.toml has faults, all of them listed
    ├── OutputError           exit 1   the output could not be written
    │   ├── ForeignFile       exit 1   a file that is not ours stands at our path
    │   └── AlreadyRunning    exit 1   another run holds the lock
    ├── TemplateError         exit 2   a template has a fault, named with its line
    ├── IdentityError         exit 1   ids.toml cannot be read, or two posts claim one id
    ├── FeedError             exit 1   what was read as a feed is none
    ├── StoreError            exit 3   the mailing store could not be used
    └── MailError             exit 4   mail could not leave

An error says what happened, to what (file, line or key) and what to do next. Outcomes that are
expected (a refused post, a broken link) are not errors but values: see model/problem.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.model.problem import Problem


class PublisherError(Exception):
    """Base of every error a user may see; printed as a message, never as a traceback."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class UsageError(PublisherError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(UsageError):
    """config.toml has faults; ``problems`` holds every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class OutputError(PublisherError):
    """The output could not be written; what stood there before still stands."""


class ForeignFile(OutputError):
    """Files that are not known to be Publisher's stand where it wants to write."""


class AlreadyRunning(OutputError):
    """Another run of Publisher holds this site's lock."""


class TemplateError(PublisherError):
    """A template of the site cannot be used; the message names its file and line."""

    exit_code = 2


class IdentityError(PublisherError):
    """ids.toml cannot be trusted as it stands."""


class FeedError(PublisherError):
    """What was read as somebody's feed is none."""


class StoreError(PublisherError):
    """The mailing store could not be opened, read or written."""

    exit_code = 3


class MailError(PublisherError):
    """Mail could not be composed or could not leave."""

    exit_code = 4

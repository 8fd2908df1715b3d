"""The tables of the mailing store. The migrations build the same; a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect

# Every constraint has a name, so that a later migration can speak of it on either database.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; SQLite forgets zones, so it is given back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in any zone becomes UTC; a naive moment is a fault of ours and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(naming_convention=NAMES)

# Columns that came after the founding have a default in the database: rows that stood before have it.
NOTHING = text("''")
ZERO = text("0")
NO = text("false")

# The store's own identity: part of every Message-ID, so that two stores never name one message.
identity = Table(
    "identity",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created", Moment, nullable=False),
    Column("place", Text, nullable=False, server_default=NOTHING),  # where it stood when it last sent (fence.py)
)

# Who delivers from a store on PostgreSQL: rows in ``sending`` name their engine, whose lease follows its last beat.
engine = Table(
    "engine",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("beat", Moment, nullable=False),
)

# A digest as the store knows it: the filter it last saw (JSON), to notice one that was widened.
digest = Table(
    "digest",
    metadata,
    Column("name", Text, primary_key=True),
    Column("filter", Text, nullable=False),
    Column("begun", Moment, nullable=False),
)

arrival = Table(
    "arrival",
    metadata,
    Column("digest", Text, ForeignKey(digest.c.name), primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("aliases", Text, nullable=False),  # JSON list
    Column("title", Text, nullable=False),
    Column("published", Moment, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("arrived", Moment, nullable=False),
    UniqueConstraint("digest", "seq"),
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("wire", Text, nullable=False),  # the ASCII form that relays take
    Column("key", Text, nullable=False),  # equal for spellings that differ in case alone
    Column("created", Moment, nullable=False),
    UniqueConstraint("key"),
    sqlite_autoincrement=True,  # a forgotten person's number is never given to another
)

subscription = Table(
    "subscription",
    metadata,
    Column("subscriber", Integer, ForeignKey(subscriber.c.id), primary_key=True),
    Column("digest", Text, ForeignKey(digest.c.name), primary_key=True),
    Column("state", Text, nullable=False),
    Column("cadence", Text, nullable=False),
    Column("cursor", Integer, nullable=False),
    Column("since", Integer, nullable=False),  # where the cursor began: no release lowers it further
    Column("unsubscribe_token", Text, nullable=False),
    Column(
        "generation", Integer, nullable=False, server_default=ZERO
    ),  # grows when its reader leaves: old links to confirm end
    UniqueConstraint("unsubscribe_token"),
    Index(None, "digest", "cadence", "state"),
)

# Append only: nothing in Publisher changes a row of this table, and only the erasure of a person deletes any.
consent_event = Table(
    "consent_event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber", Integer, ForeignKey(subscriber.c.id), nullable=False),
    Column("digest", Text, ForeignKey(digest.c.name), nullable=False),
    Column("kind", Text, nullable=False),
    Column("wording", Text, nullable=False),  # the version of the words the person, or the author, agreed to
    Column("evidence", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "subscriber", "digest"),
)

# By address, not by subscriber: a never-mail-again fact outlives the person's row.
suppression = Table(
    "suppression",
    metadata,
    Column("key", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

# What erased people leave: a keyed hash of their address, so that no import brings them back.
erasure = Table(
    "erasure",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

issue = Table(
    "issue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, ForeignKey(digest.c.name), nullable=False),
    Column("cadence", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("drafted", Moment, nullable=False),
    Column("sender", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("list_id", Text, nullable=False),
    Column("unsubscribe_mail", Text, nullable=False),
    Column("public_url", Text, nullable=False),
    Column("slot", Moment, nullable=True),
    Column("release_at", Moment, nullable=True),  # held until then; none: held until approved, or not held
    Column("reason", Text, nullable=False, server_default=NOTHING),  # why it is held or paused
    Column("touched", Moment, nullable=True),  # when an engine last worked on it
    Column("private", Boolean, nullable=False, server_default=NO),  # it stands in no archive
    UniqueConstraint("digest", "number"),
    Index(None, "state"),
    sqlite_autoincrement=True,  # message names are made of it
)

slot = Table(
    "slot",
    metadata,
    Column("digest", Text, ForeignKey(digest.c.name), primary_key=True),
    Column("cadence", Text, primary_key=True),
    Column("slot", Moment, primary_key=True),
    Column("upto_seq", Integer, nullable=False),
    Column("issue", Integer, ForeignKey(issue.c.id), nullable=True),  # none: skipped
    Column("outcome", Text, nullable=False, server_default=text("'issued'")),
)

variant = Table(
    "variant",
    metadata,
    Column("issue", Integer, ForeignKey(issue.c.id), primary_key=True),
    Column("variant", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
)

variant_entry = Table(
    "variant_entry",
    metadata,
    Column("issue", Integer, primary_key=True),
    Column("variant", Integer, primary_key=True),
    Column("entry", Text, primary_key=True),
    ForeignKeyConstraint(["issue", "variant"], [variant.c.issue, variant.c.variant]),
    Index(None, "entry"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("issue", Integer, ForeignKey(issue.c.id), primary_key=True),
    Column("subscriber", Integer, ForeignKey(subscriber.c.id), primary_key=True),
    Column("variant", Integer, nullable=False),
    Column("domain", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("engine", Text, nullable=False),  # who holds the row while it is being sent, else empty
    Column("detail", Text, nullable=False),  # the transport's words, or the reason of a release
    Column("changed", Moment, nullable=False),
    Column("begun", Moment, nullable=True),  # when the first attempt was made: retries are aged from it
    ForeignKeyConstraint(["issue", "variant"], [variant.c.issue, variant.c.variant]),
    Index(None, "issue", "state", "due_at", "subscriber"),
    Index(None, "subscriber"),
)

# One mail to one person that belongs to no issue; the same states and the same loop, ahead of issues.
letter = Table(
    "letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subscriber", Integer, nullable=False),  # 0: the editor
    Column("digest", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("list_id", Text, nullable=False),
    Column("unsubscribe_mail", Text, nullable=False),
    Column("public_url", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("written", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("engine", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("begun", Moment, nullable=True),
    UniqueConstraint("kind", "subscriber", "digest", "generation"),
    Index(None, "state", "due_at"),
    sqlite_autoincrement=True,  # message names are made of it
)

# What somebody asked for on the web and nobody has looked at yet: written the same way whoever they are, settled later,
# so that the answer and its time tell nothing about an address.
wish = Table(
    "wish",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),  # as it was given
    Column("digest", Text, nullable=False),  # empty: none in particular
    Column("cadence", Text, nullable=False),
    Column("at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

# How many people read a feed by an aggregator, as it says itself when it fetches the feed: the most of a day.
feed_reader = Table(
    "feed_reader",
    metadata,
    Column("feed", Text, primary_key=True),  # the path in the output
    Column("aggregator", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # UTC, YYYY-MM-DD
    Column("readers", Integer, nullable=False),
)

# A feed that digests follow (model/followed.py), by its address in config.toml.
followed = Table(
    "followed",
    metadata,
    Column("url", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("due", Moment, nullable=False),
    Column("etag", Text, nullable=False),
    Column("modified", Text, nullable=False),
    Column("fetched", Moment, nullable=True),
    Column("failures", Integer, nullable=False),
    Column("failing", Moment, nullable=True),
    Column("fault", Text, nullable=False),
)

# What is known of its entries. They are never forgotten: what comes back must not be new.
followed_entry = Table(
    "followed_entry",
    metadata,
    Column("feed", Text, ForeignKey(followed.c.url), primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("seen", Moment, nullable=False),  # when it was last in the feed
    Column("gone", Boolean, nullable=False),
    Column("ids", Text, nullable=False),  # JSON: all ids that the feed gave it
    Column("item", Text, nullable=False),  # JSON
)

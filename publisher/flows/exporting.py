"""Lists of people go out: what the store knows of each subscription, for its author, for programs, for an import."""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from publisher.errors import OutputError
from publisher.flows.people_file import guard
from publisher.model.subscriber import ConsentKind, SuppressionReason
from publisher.store import people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from publisher.model.subscriber import Choice, ConsentEvent, Record
    from publisher.store.database import Store

# In the words that an import understands.
COLUMNS = (
    "email",
    "digest",
    "status",
    "cadence",
    "suppressed",
    "created",
    "confirmed_at",
    "evidence",
    "unsubscribe_token",
)
_SAYING_YES = {ConsentKind.CONFIRMED, ConsentKind.VOUCHED, ConsentKind.IMPORTED}
_STATUS = {
    SuppressionReason.BOUNCE: "bounced",
    SuppressionReason.COMPLAINT: "complained",
    SuppressionReason.REQUEST: "suppressed",
}


def export(store: Store, choice: Choice, target: TextIO, form: str) -> int:
    """Write what is chosen as "csv" or "json" and return how many records that were.

    CSV is safe to open in a spreadsheet, and an import takes it again. JSON is an array, one record a line.
    """
    with store.reading() as connection:
        found = people.records(connection, choice)
        return _write_csv(found, target) if form == "csv" else _write_json(found, target)


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a file that its owner alone may read, and put it into its place when all of it is written."""
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as target:
            yield target
            target.flush()
            os.fsync(descriptor)
        partial.replace(path)
    except OSError as fault:
        raise OutputError(
            f"{path} cannot be written: {fault.strerror}", "Name a file in a folder that you may write to."
        ) from fault
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _write_csv(records: Iterator[Record], target: TextIO) -> int:
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    count = 0
    for record in records:
        row = _flat(record)
        writer.writerow([guard(row[column]) for column in COLUMNS])
        count += 1
    return count


def _write_json(records: Iterator[Record], target: TextIO) -> int:
    count = 0
    for record in records:
        target.write(",\n" if count else "[\n")
        target.write(json.dumps(_deep(record), ensure_ascii=False))
        count += 1
    target.write("\n]\n" if count else "[]\n")
    return count


def _flat(record: Record) -> dict[str, str]:
    held, suppressed = record.subscription, record.suppressed
    if held is None:
        status = _STATUS[suppressed] if suppressed else ""
        return dict.fromkeys(COLUMNS, "") | {"email": record.address, "status": status}
    return {
        "email": record.address,
        "digest": held.digest,
        "status": held.state.value,
        "cadence": held.cadence,
        "suppressed": suppressed.value if suppressed else "",
        "created": _text(record.events[0].at) if record.events else "",
        "confirmed_at": _text(_confirmed(record)),
        "evidence": " | ".join(_told(event) for event in record.events),
        "unsubscribe_token": held.token,
    }


def _deep(record: Record) -> dict[str, object]:
    flat: dict[str, object] = {**_flat(record)}
    flat["evidence"] = [
        {"kind": each.kind.value, "at": _text(each.at), "wording": each.wording, "evidence": each.evidence}
        for each in record.events
    ]
    return flat


def _confirmed(record: Record) -> datetime | None:
    return next((event.at for event in reversed(record.events) if event.kind in _SAYING_YES), None)


def _told(event: ConsentEvent) -> str:
    return f"{_text(event.at)} {event.kind.value} ({event.wording}): {event.evidence}"


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")

"""Lists of people go out: what the store knows of each subscription, for its author, for programs, for an import."""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from publisher.errors import OutputError
from publisher.flows.people_lines import COLUMNS, guard
from publisher.model.subscriber import ConsentKind, SuppressionReason
from publisher.store import people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from publisher.model.subscriber import Choice, Record
    from publisher.store.database import Store

_SAYING_YES = {ConsentKind.CONFIRMED, ConsentKind.VOUCHED, ConsentKind.IMPORTED}
_STATUS = {
    SuppressionReason.BOUNCE: "bounced",
    SuppressionReason.COMPLAINT: "complained",
    SuppressionReason.REQUEST: "suppressed",
}


def export(store: Store, choice: Choice, target: TextIO, form: str) -> int:
    """Write what is chosen as "csv" or "json" and return how many records that were.

    An import takes both again and loses nothing. CSV is safe to open in a spreadsheet; JSON is an array, a record a
    line. The hashes of erased people and the readers' places in the digests stay where they are.
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
    held, suppression = record.subscription, record.suppression
    flat = dict.fromkeys(COLUMNS, "") | {"email": record.address, "created": _text(record.created)}
    if suppression is not None:
        flat |= {"suppressed_at": _text(suppression.at), "suppressed_detail": suppression.detail}
    if held is None:
        return flat | {"status": _STATUS[suppression.reason] if suppression else ""}
    return flat | {
        "digest": held.digest,
        "status": held.state.value,
        "cadence": held.cadence,
        "suppressed": suppression.reason.value if suppression else "",
        "confirmed_at": _text(_confirmed(record)),
        "evidence": json.dumps(_told(record), ensure_ascii=False),
        "unsubscribe_token": held.token,
    }


def _deep(record: Record) -> dict[str, object]:
    return {**_flat(record), "evidence": _told(record)}


def _told(record: Record) -> list[dict[str, str]]:
    return [
        {"kind": each.kind.value, "at": _text(each.at), "wording": each.wording, "evidence": each.evidence}
        for each in record.events
    ]


def _confirmed(record: Record) -> datetime | None:
    return next((event.at for event in reversed(record.events) if event.kind in _SAYING_YES), None)


def _text(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat().replace("+00:00", "Z")

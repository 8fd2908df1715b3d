"""Lists of people as other services export them, one folder each: made-up people under real heads of columns.

To teach a service's habit, add a folder with its files and say in ``expected.json`` what should be read.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from publisher.flows.importing import Terms, import_people
from publisher.flows.letters import Desk
from publisher.store.tables import consent_event, subscriber, subscription, suppression
from publisher.tokens import load_keys
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.flows.importing import Imported
    from publisher.store.database import Store

FOLDERS = sorted(path.parent for path in (Path(__file__).parent / "people").glob("*/expected.json"))


def expected(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return found


def take(store: Store, paths: Sequence[Path], place: Path, *, dry_run: bool = False, platform: str = "") -> Imported:
    return import_people(
        store,
        Desk(settings(CONFERENCES), place, load_keys(place, {}, make=True)),
        paths,
        Terms("conferences", dry_run=dry_run, platform=platform),
        lambda: (item(1),),
        NOON,
        tell=lambda _: None,
        progress=lambda *_: None,
    )


def packed(folder: Path, place: Path) -> Path:
    """All of a folder's lists in the ZIP that they came in."""
    pack = place / f"{folder.name}.zip"
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.glob("*.csv")):
            target.write(path, f"export/{path.name}")
    return pack


def people(store: Store) -> dict[str, list[str]]:
    """Everybody's state, and the kind and moment of what was recorded of their consent."""
    query = (
        select(subscriber.c.address, subscription.c.state, consent_event.c.kind, consent_event.c.at)
        .join_from(subscriber, subscription)
        .join(consent_event, consent_event.c.subscriber == subscriber.c.id)
        .order_by(subscriber.c.key)
    )
    with store.reading() as connection:
        return {
            address: [state, kind, at.isoformat().replace("+00:00", "Z")]
            for address, state, kind, at in connection.execute(query)
        }


def suppressed(store: Store) -> dict[str, list[str]]:
    with store.reading() as connection:
        rows = connection.execute(select(suppression).order_by(suppression.c.key)).all()
    return {row.key: [row.reason, row.at.isoformat().replace("+00:00", "Z")] for row in rows}


def as_read(store: Store, done: Imported) -> dict[str, Any]:
    return {
        "platform": done.lists[0][1],
        "counts": {fate.value: count for fate, count in sorted(done.counts.items(), key=lambda each: each[0].name)},
        "people": people(store),
        "suppressed": suppressed(store),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_a_service_exports_is_read(folder: Path, store: Store, tmp_path: Path) -> None:
    told = expected(folder)
    lists = told.pop("lists")
    done = take(store, [folder / name for name in lists], tmp_path)
    assert as_read(store, done) == told


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_its_zip_is_taken_as_it_is_and_taken_once(folder: Path, store: Store, tmp_path: Path) -> None:
    told = expected(folder)
    pack = packed(folder, tmp_path)
    dry = take(store, [pack], tmp_path, dry_run=True)
    assert people(store) == {}
    done = take(store, [pack], tmp_path)
    assert (dry.counts, dry.lists) == (done.counts, done.lists)
    assert sorted(name.partition("/")[2] for name, _ in done.lists) == sorted(told.pop("lists"))
    assert as_read(store, done) == told
    again = take(store, [pack], tmp_path)
    kept = {fate.value: count for fate, count in done.counts.items() if fate.value in KEPT}
    known = sum(done.counts.values()) - sum(kept.values())
    assert {fate.value: count for fate, count in again.counts.items()} == kept | {"known already": known}
    assert (people(store), suppressed(store)) == (told["people"], told["suppressed"])


KEPT = {"refused", "twice in the file", "never subscribed there"}


@pytest.mark.parametrize("folder", [path for path in FOLDERS if path.name != "plain"], ids=lambda folder: folder.name)
def test_evidence_names_list_column_and_zone(folder: Path, store: Store, tmp_path: Path) -> None:
    lists = expected(folder)["lists"]
    take(store, [folder / name for name in lists], tmp_path)
    with store.reading() as connection:
        words = connection.execute(select(consent_event.c.evidence)).scalars().all()
    assert all(any(f"Imported from {name}, line " in each for name in lists) for each in words)
    assert any("_at: " in each or "_date: " in each or "_time: " in each or " date: " in each for each in words)
    if folder.name == "mailchimp":
        assert all("(Read as UTC.)" in each for each in words)

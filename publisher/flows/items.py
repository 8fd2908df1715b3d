"""Cards with their rendered bodies: what outputs are made of, as they ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.feeds.fragments import fragment
from publisher.flows.bodies import body_of
from publisher.flows.cards import Card, entry_of
from publisher.model.entry import Entry, Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from publisher.flows.spool import Spools
    from publisher.model.feed import Format
    from publisher.output.state import BuildState


@dataclass(slots=True)
class Items:
    """Entries and bodies by card.

    ``ids`` gives a path's id and Atom's updated; ``digests`` and ``spools`` grow as bodies are rendered.
    """

    state: BuildState
    ids: Mapping[str, tuple[str, int]]
    spools: Spools
    digests: dict[str, str] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)

    def identity(self, card: Card) -> tuple[str, int]:
        """A post's id and Atom's updated (an instant); a standing page's id is its permalink."""
        return self.ids.get(card.path) or (card.permalink, card.updated)

    def entry(self, card: Card) -> Entry:
        """The entry of a card."""
        found = self._entries.get(card.path)
        if found is None:
            found = self._entries[card.path] = entry_of(card, *self.identity(card))
        return found

    def entries(self, cards: Iterable[Card]) -> list[Entry]:
        """The entries of cards, in their order."""
        return [self.entry(card) for card in cards]

    def item(self, card: Card) -> Item | None:
        """The entry with its body; None where its file broke before it was ever rendered."""
        text = self.state.body_text(card.path)
        return Item(self.entry(card), body_of(text)) if text else None

    def fragments(self, cards: Iterable[Card], wanted: Format, *, full: bool) -> Iterator[bytes]:
        """The entries of a feed in one format; those whose body is not to be had are left out."""
        for card in cards:
            text = self.spools.text(card.path, wanted, full=full)
            if text is None:
                item = self.item(card)
                text = fragment(item, wanted, full=full).encode() if item else None
            if text is not None:
                yield text

    def listings(self, cards: Iterable[Card]) -> list[tuple[Entry, str]]:
        """Entries with their summaries in plain text."""
        found = ((card, self.item(card)) for card in cards)
        return [(self.entry(card), item.body.summary if item else "") for card, item in found]

    def version(self, cards: Iterable[Card]) -> str:
        """A text that changes when the metadata of one of these cards does."""
        return "".join([f"{card.facts}\n" for card in cards])

    def full_version(self, cards: Iterable[Card]) -> str:
        """A text that changes when the metadata, the id or the body of one of these cards does."""
        ids, digests = self.ids, self.digests
        return "".join([f"{c.facts} {ids.get(c.path, '')} {digests.get(c.path, '')}\n" for c in cards])

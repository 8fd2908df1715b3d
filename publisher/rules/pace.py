"""How fast messages may leave: so many a second in all, and so many to one domain. Moments are seconds of any clock."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """One limit: ``rate`` messages a second, evenly; 0 sets no limit."""

    rate: float
    _next: float = 0.0

    def delay(self, now: float) -> float:
        """Seconds until another message may leave."""
        return max(0.0, self._next - now) if self.rate else 0.0

    def take(self, now: float) -> None:
        """Count a message that leaves now."""
        if self.rate:
            self._next = max(self._next, now) + 1 / self.rate


@dataclass(slots=True)
class Paces:
    """The limit in all and those of each domain."""

    rate: float
    per_domain: float
    _all: Pace = field(init=False)
    _domains: dict[str, Pace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = Pace(self.rate)

    def delay(self, domain: str, now: float) -> float:
        """Seconds until another message to a domain may leave."""
        own = self._domains.get(domain)
        return max(self._all.delay(now), own.delay(now) if own else 0.0)

    def take(self, domain: str, now: float) -> None:
        """Count a message to a domain that leaves now."""
        self._all.take(now)
        if self.per_domain:
            self._domains.setdefault(domain, Pace(self.per_domain)).take(now)

    def room(self, horizon: float, connections: int, window: int) -> int:
        """How many rows are worth claiming: what can leave within ``horizon`` seconds, and one for each connection."""
        return window if not self.rate else min(window, connections + int(self.rate * horizon))

    def full(self, now: float) -> frozenset[str]:
        """Domains to which nothing may leave now; those that are free again are forgotten."""
        self._domains = {name: pace for name, pace in self._domains.items() if pace.delay(now) > 0}
        return frozenset(self._domains)

r"""What was taken away: addresses at which a post stood that its author withdrew, and nothing stands now.

A server that knows them answers 410 instead of 404 (RFC 9110, 15.5.11): feed readers and search engines then do not ask
again. ``.publisher/gone.txt`` in the output holds them: UTF-8, sorted, a line each, as paths below the host in the
spelling of redirects.py. There is no file where nothing is gone.

`publisher serve` reads it; for nginx

    awk '{ print "\"" $0 "\" 1;" }' public/.publisher/gone.txt > gone.conf
    map $request_uri $gone { include gone.conf; }           # beside server
    if ($gone) { return 410; }                              # within it
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from publisher.output.place import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.output.place import Place

PATH = f"{OURS}/gone.txt"


def write(place: Place, addresses: Iterable[str]) -> None:
    """Name exactly these. The file moves only if its bytes do."""
    lines = sorted({address for address in addresses if address.isprintable() and " " not in address})
    if lines:
        place.write(PATH, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
    elif os.path.lexists(place.full(PATH)):
        place.remove(PATH)

r"""The redirects: former addresses, and where what was there is now.

Pages at former addresses lead on by themselves (redirect.html); a server that can does better, and answers
with 301. It reads ``.publisher/redirects.txt`` in the output: UTF-8, sorted, a line each,

    /path/of/the/former%20address<TAB>https://host/where/it/is/now/

The path is as it stands below the host: percent-encoded (RFC 3986, in one spelling), the path of base_url included,
and a folder is ``/old/`` even though the file there is old/index.html. Former addresses of feeds are named too,
though no file stands there. There is no file where there is no redirect.

`publisher serve` reads it; an author whose server is another one makes rules of it, for nginx with

    awk -F '\t' '{ print "\"" $1 "\" \"" $2 "\";" }' public/.publisher/redirects.txt > moved.conf
    map $request_uri $moved { include moved.conf; }         # beside server
    if ($moved) { return 301 $moved; }                      # within it
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from publisher.output.place import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from publisher.output.place import Place

PATH = f"{OURS}/redirects.txt"
_SAFE = "!$&'()*+,;=:@~-._"  # RFC 3986 section 3.3: what a path segment may hold bare
_UPSETTING = re.compile(r"[\x00-\x20\x7f]")


def address(base_path: str, place: str) -> str:
    """A path below the host in its one spelling. ``place`` is what follows base_url, percent-encoded or not."""
    return base_path + "/".join(quote(unquote(part), safe=_SAFE, errors="replace") for part in place.split("/"))


def write(place: Place, redirects: Mapping[str, str]) -> None:
    """Name exactly these: path below the host -> absolute URL. The file moves only if its bytes do."""
    lines = [f"{path}\t{url}\n" for path, url in sorted(redirects.items()) if not _UPSETTING.search(path + url)]
    if lines:
        place.write(PATH, "".join(lines).encode("utf-8", "replace"))
    elif os.path.lexists(place.full(PATH)):
        place.remove(PATH)

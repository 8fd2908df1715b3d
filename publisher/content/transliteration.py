# ruff: noqa: RUF001 - letters that look like others are what this module is about
"""Letters of other scripts in ASCII, as the libraries that Pelican, Zola and Eleventy use write them.

Unidecode (Pelican) and deunicode (Zola) have tables of some hundred thousand characters, of which these are what
blogs in Latin, Greek and Cyrillic letters use; what is not here loses its marks by Unicode's own decomposition
(NFKD). Han, Hangul, Kana, Hebrew, Arabic and the scripts of India, as well as emoji, are not here: a text with such
a letter has no answer, and its address keeps the letters that it has. A table by Unicode is half a megabyte, and
those whose sites need it write the slugs themselves.

Everything is lower case, since each of the three lowers its slugs.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A character and what is written for it, without anything between the two.
_UNIDECODE = """
    ¡! ¢c/ £ps ¤$? ¥y= ¦| §ss ©(c) «<< ¬! ®(r) ¯- °deg ±+- ´' µu ¶p ·* ¸, »>> ¿? ×x ßss æae ðd ÷/ øo þth đd ħh
    ıi ĸk łl ŉ'n ŋng œoe ŧt ə@ ƒf ǝ@ ǣae ǥg ǯzh ǽae ǿo ΐi άa έe ήe ίi ΰu αa βb γg δd εe ζz ηe θth ιi κk λl μm νn
    ξx οo πp ρr ςs σs τt υu φph χkh ψps ωo ϊi ϋu όo ύu ώo аa бb вv гg дd еe жzh зz иi йi кk лl мm нn оo пp рr сs
    тt уu фf хkh цts чch шsh щshch ъ' ыy ь' эe юiu яia ѐie ёio ђdj ѓgj єie ѕdz іi їyi јj љlj њnj ћtsh ќkj ѝi ўu џdzh
    ґg' ғg' җzh' ҙz' қk' ңn' үu ұu' ҳkh' һh ә@ өo ‐- ‑- ‒- –- —-- ―-- ‖|| ‗_ ‘' ’' ‚, ‛' “" ”" „,, ‟" †+ ‡++ •* ‣*>
    ‧. ‰%0 ‱%00 ′' ″'' ‹< ›> ※* ‽!? ⁄/ ₩w ₪ns ₫d €eur ₭k ₮t ₱p ₲g ₴uah ₵c| ₸t ₹rs ₺l ₽r ₿btc ℃degc ℉degf ™(tm) ℮e
    ←- ↑| →- ↓|
"""
_DEUNICODE = "єe ₴hrn ₵c ₺tl ₽rb ℃c ℉f ™tm"
_SINDRESORHUS = """
    ¢c ¥y þth ßss åaa äae öoe üue æae ðd øoe đdj ħh ıi ĳij łl ΐi ΰy άa έe ήi ίi αa βv γg δd εe ζz ηi θth ιi κk λl μm
    νn ξks οo πp ρr ςs σs τt υy φf χx ψps ωo ϊi ϋy όo ύy ώo аa бb вv гg дd еe жzh зz иi йy кk лl мm нn оo пp рr сs
    тt уu фf хkh цts чch шsh щsch ыy эe юyu яya ёyo ђdj єye іi їyi јj љlj њnj ћc ќkj џdz ґg ₡c ₦n ₩w ₫s €e ₭k ₮t ₱p
    ₲g ₴s ₵c ₸t ₹r ₺l ₽p ₿b
"""
_UNSEEN = {"\u200b": " ", "\u2028": " ", "\u2029": " ", "¨": '"', "¼": " 1/4", "½": " 1/2", "¾": " 3/4", "№": "no. "}
_TWO_OF_A_KIND = re.compile("ъе|ый|тс")  # letters that make a sound together, before each for itself
_PAIRS = MappingProxyType({"ъе": "ye", "ый": "iy", "тс": "ts"})
_WORDS = "LN"  # letters and numbers, by Unicode's general categories


@cache
def _table(*texts: str) -> Mapping[str, str]:
    return MappingProxyType({pair[0]: pair[1:] for text in texts for pair in text.split()})


def unidecode(text: str) -> str | None:
    """``text``, in lower case, as Pelican's library writes it; None where a letter is not known here."""
    return _written(text, {**_table(_UNIDECODE), **_UNSEEN})


def deunicode(text: str) -> str | None:
    """The same as Zola's library."""
    return _written(text, {**_table(_UNIDECODE, _DEUNICODE), **_UNSEEN})


def sindresorhus(text: str) -> str | None:
    """The same as Eleventy's library, which leaves alone what is no letter of its own."""
    joined = _TWO_OF_A_KIND.sub(lambda found: _PAIRS[found[0]], unicodedata.normalize("NFC", text))
    known = _table(_SINDRESORHUS)
    return _written(joined, {**known, "ъ": "", "ь": ""}, compatible=False)


def _written(text: str, known: Mapping[str, str], *, compatible: bool = True) -> str | None:
    found: list[str] = []
    for letter in text:
        word = letter if letter.isascii() else known.get(letter)
        if word is None:
            bare = unicodedata.normalize("NFKD" if compatible else "NFD", letter)
            word = "".join([part for part in bare if part.isascii()])
            if not word and unicodedata.category(letter)[0] in _WORDS:
                return None
            if not word and not unicodedata.combining(letter):
                word = letter
        found.append(word)
    return "".join(found)

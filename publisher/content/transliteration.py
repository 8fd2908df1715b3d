# ruff: noqa: RUF001 - letters that look like others are what this module is about
"""Letters of other scripts in ASCII, as the libraries that Pelican, Zola and Eleventy use write them.

Unidecode (Pelican) and deunicode (Zola) have tables of some hundred thousand characters, of which these are what
blogs in Latin, Greek and Cyrillic letters use; what is not here loses its marks by Unicode's own decomposition
(NFKD). Han, Hangul, Kana, Hebrew, Arabic and the scripts of India, as well as emoji, are not here; nor are Arabic,
Armenian, Georgian and Thaana, of which Eleventy's library has tables. A text with such a letter has no answer, and its
address keeps the letters that it has: a table of all is half a megabyte, and who needs it can write the slugs.

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
    ¢c ¥y ßss äae æae ðd öoe øo üue þth đd ħh ıi ĳij łl ΐi ΰy άa έe ήi ίi αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξks
    οo πp ρr ςs σs τt υy φf χx ψps ωo ϊi ϋy όo ύy ώo аa бb вv гg дd еe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf
    хkh цts чch шsh щsch ъ ыy ь эe юyu яya ёyo єye іi їyi љlj њnj ќkj ґg ₠ce ₡c ₢cr ₣f ₥m ₦n ₧pt ₨rs ₩w ₫s €e ₭k ₮t
    ₯dp ₰s ₱p ₲g ₳a ₴s ₵c ₶tt ₷s ₸t ₹r ₺l ₽p ₿b
"""
_UNSEEN = {"\u200b": " ", "\u2028": " ", "\u2029": " ", "¨": '"', "¼": " 1/4", "½": " 1/2", "¾": " 3/4", "№": "no. "}
_TWO_OF_A_KIND = re.compile("ъе|ый|тс")  # letters that make a sound together, before each for itself
_PAIRS = MappingProxyType({"ъе": "ye", "ый": "iy", "тс": "ts"})
_ELSEWHERE = re.compile("[\u0530-\u058f\u0600-\u06ff\u0780-\u07bf\u10a0-\u10ff\u1d00-\u1dbf\U0001d400-\U0001d7ff]")
_DIACRITICS = frozenset({"Mn", "Sk", "Lm"})  # with the middle dot, nearly Unicode's property Diacritic
_CIRCLED = range(0x2460, 0x24FF)


@cache
def _table(*texts: str) -> Mapping[str, str]:
    pairs = {pair[0]: pair[1:] for text in texts for pair in text.split()}
    return MappingProxyType(pairs if _SINDRESORHUS in texts else {**pairs, **_UNSEEN})


def unidecode(text: str) -> str | None:
    """``text``, in lower case, as Pelican's library writes it; None where a letter is not known here."""
    return _written(text, _table(_UNIDECODE))


def deunicode(text: str) -> str | None:
    """The same as Zola's library."""
    return _written(text, _table(_UNIDECODE, _DEUNICODE))


def sindresorhus(text: str) -> str | None:
    """The same as Eleventy's library, which leaves what it has no word for, but for its accents."""
    if _ELSEWHERE.search(text):  # scripts of which it has tables, and we have none
        return None
    joined = _TWO_OF_A_KIND.sub(lambda found: _PAIRS[found[0]], unicodedata.normalize("NFC", text))
    known = _table(_SINDRESORHUS)
    made = "".join([known[letter] if letter in known else _digit(letter) for letter in joined.replace("·", "")])
    bare = [letter for letter in unicodedata.normalize("NFD", made) if unicodedata.category(letter) not in _DIACRITICS]
    return unicodedata.normalize("NFC", "".join(bare))


def _written(text: str, known: Mapping[str, str]) -> str | None:
    """Letter by letter; what is no letter, and not known, stays."""
    found: list[str] = []
    for letter in text:
        word = letter if letter.isascii() else known.get(letter)
        if word is None:
            word = "".join([part for part in unicodedata.normalize("NFKD", _digit(letter)) if part.isascii()])
            category = unicodedata.category(letter)
            if not word and category[0] in "LN":
                return None
            word = word if word or category in {"Mn", "Cf"} else letter
        found.append(word)
    return "".join(found)


def _digit(letter: str) -> str:
    number = unicodedata.digit(letter, None) if ord(letter) in _CIRCLED else unicodedata.decimal(letter, None)
    return letter if number is None else str(number)

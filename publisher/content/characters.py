"""Characters that no feed may hold: XML 1.0, production 2, leaves out most control characters."""

from __future__ import annotations

import re

_FORBIDDEN = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)])
_FORBIDDEN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def without_forbidden(text: str) -> str:
    """The text without them, and without lone surrogates; the same object if it has none."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return _FORBIDDEN_TEXT.sub("", text)
    bare = data.translate(None, _FORBIDDEN)
    if len(bare) == len(data) and (text.isascii() or not ("\ufffe" in text or "\uffff" in text)):
        return text
    return _FORBIDDEN_TEXT.sub("", text)

"""Compiled templates, kept between runs: a run that renders one page then compiles none.

Jinja2's own cache on disk unpickles whatever it finds, and a file that a crash left half written
stops every later run. Here a digest stands before the code; what does not match is compiled anew.
Imported only by rendering.py and only when there is something to render, since it needs Jinja2.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from jinja2 import BytecodeCache

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2.bccache import Bucket

_DIGEST = 32  # bytes of a SHA-256


class CompiledTemplates(BytecodeCache):
    """A folder of compiled templates. It is never needed: what cannot be read or written is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket if its file is whole; Jinja2 checks that it fits template and Python version."""
        with contextlib.suppress(OSError):
            kept = (self._folder / bucket.key).read_bytes()
            digest, code = kept[:_DIGEST], kept[_DIGEST:]
            if hashlib.sha256(code).digest() == digest:
                bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template; two processes may do so at once."""
        code = bucket.bytecode_to_string()
        path = self._folder / bucket.key
        unfinished = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(hashlib.sha256(code).digest() + code)
            unfinished.replace(path)

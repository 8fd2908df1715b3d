"""Posts to measure with: equal numbers give equal posts, on any machine.

The prose is made of invented words around English joints ("the", "of", "which"), so that lengths,
punctuation and markup are those of real writing while nobody's text is used. A post has about 4 KB:
headings, links, emphasis, lists, a quotation, two code blocks and one picture.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FIRST_DAY = datetime(2016, 1, 1, tzinfo=timezone(timedelta(hours=1)))
DAYS = 3650
AUTHOR = "Robin Example"

_ONSETS = "b br c cl d dr f fl g gr h j l m n p pl pr qu r s sh sl sp st t th tr v w"
_VOWELS = "a e i o u ai ea ee oa ou"
_CODAS = "- - l lk m n nd r rn s st sk"  # a hyphen stands for nothing at all
_ENDINGS = "- - - s ed er ing ly ness tion"
_JOINTS = "the the the a of of and to in is it that with for as on by from which while when not but or at"
_TAGS = 24
_WORDS = 1500


@dataclass(frozen=True, slots=True)
class Post:
    """One post, before anyone's metadata is put around it. ``date`` is aware; ``description`` may be empty."""

    slug: str
    title: str
    date: datetime
    tags: tuple[str, ...]
    description: str
    body: str


def generate(count: int, seed: int = 1) -> Iterator[Post]:
    """``count`` posts, oldest first, spread evenly over ten years."""
    voice = _Voice(random.Random(seed))
    for number in range(count):
        yield voice.post(number, count)


@dataclass(frozen=True, slots=True)
class Batch:
    """So many posts, made anew each time they are gone through.

    What measures must stay small: the kernel counts the memory of a process that starts another as the
    other's peak.
    """

    count: int
    seed: int = 1

    def __len__(self) -> int:
        """How many posts there are."""
        return self.count

    def __iter__(self) -> Iterator[Post]:
        """The posts, oldest first."""
        return generate(self.count, self.seed)


def as_toml(post: Post) -> str:
    """The post with TOML frontmatter, which Publisher and Hugo read alike."""
    described = f'description = "{post.description}"\n' if post.description else ""
    tags = ", ".join(f'"{tag}"' for tag in post.tags)
    head = f'title = "{post.title}"\ndate = {post.date.isoformat()}\ntags = [{tags}]\n{described}'
    return f"+++\n{head}+++\n\n{post.body}"


def as_pelican(post: Post) -> str:
    """The post with the lines of metadata that Pelican's Markdown reader wants."""
    described = f"Summary: {post.description}\n" if post.description else ""
    date = post.date.isoformat(sep=" ")
    head = f"Title: {post.title}\nDate: {date}\nTags: {', '.join(post.tags)}\nSlug: {post.slug}\n{described}"
    return f"{head}\n{post.body}"


def write(posts: Iterable[Post], folder: Path, text_of: Callable[[Post], str] = as_toml) -> list[Path]:
    """Write the posts into ``folder``; gives their files, oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for post in posts:
        path = folder / f"{post.slug}.md"
        path.write_text(text_of(post), encoding="utf-8")
        files.append(path)
    return files


def edit(path: Path, turn: int) -> None:
    """Change one sentence near the end of a post, to another one for each ``turn``."""
    text = path.read_text(encoding="utf-8")
    kept = text.rstrip("\n").rpartition("\n\n")[0] if _EDITED in text else text.rstrip("\n")
    path.write_text(f"{kept}\n\n{_EDITED} for the {turn}. time.\n", encoding="utf-8")


_EDITED = "This sentence was looked at again"


class _Voice:
    """Writes: every choice is drawn from one seeded source, in one order."""

    def __init__(self, source: random.Random) -> None:
        self._draw = source
        self._joints = _JOINTS.split()
        self._onsets, self._vowels, self._codas, self._endings = (
            part.replace("-", "").split(" ") for part in (_ONSETS, _VOWELS, _CODAS, _ENDINGS)
        )
        self._words = sorted({self._word() for _ in range(_WORDS)})
        self._tags = sorted({self._name() for _ in range(3 * _TAGS)})[:_TAGS]

    def post(self, number: int, count: int) -> Post:
        date = FIRST_DAY + timedelta(seconds=number * DAYS * 86_400 // count + self._draw.randrange(3600))
        words = self._draw.sample(self._words, self._draw.randint(3, 6))
        return Post(
            slug=f"{'-'.join(words[:3])}-{number:05d}",
            title=" ".join(words).capitalize(),
            date=date,
            tags=tuple(self._draw.sample(self._tags, self._draw.randint(2, 3))),
            description=self._plain_sentence() if self._draw.random() < 0.3 else "",
            body=self._body(words[0]),
        )

    def _body(self, topic: str) -> str:
        blocks = (
            self._paragraph(),
            f"## {self._heading()}",
            self._paragraph(),
            self._list("- "),
            self._code_of_a_program(topic),
            f"## {self._heading()}",
            self._paragraph(),
            f"![{self._heading()}](/images/{topic}.jpg)",
            self._list("1. "),
            f"> {self._plain_sentence()}",
            f"### {self._heading()}",
            self._paragraph(),
            self._code_of_a_shell(topic),
            self._paragraph(),
            self._paragraph(),
        )
        return "\n\n".join(blocks) + "\n"

    def _paragraph(self) -> str:
        return " ".join(self._sentence() for _ in range(self._draw.randint(4, 6)))

    def _sentence(self) -> str:
        """One with a link, emphasis or code in it now and then."""
        words = self._run_of_words()
        at = self._draw.randrange(2, len(words))
        words[at] = self._marked(words[at])
        return self._ended(words)

    def _plain_sentence(self) -> str:
        return self._ended(self._run_of_words())

    def _run_of_words(self) -> list[str]:
        length = self._draw.randint(7, 17)
        return [self._draw.choice(self._joints if self._draw.random() < 0.45 else self._words) for _ in range(length)]

    def _ended(self, words: list[str]) -> str:
        if len(words) > 11:
            words[5] += " \N{EM DASH}" if len(words) > 15 else ","
        words[0] = words[0][0].upper() + words[0][1:]
        return " ".join(words) + "."

    def _marked(self, word: str) -> str:
        kind = self._draw.randrange(8)
        if kind == 0:
            return f"[{word} {self._draw.choice(self._words)}](https://{self._name()}.test/{word}/?page=2&sort=new)"
        return {1: f"*{word}*", 2: f"**{word}**", 3: f"`{word}()`"}.get(kind, word)

    def _heading(self) -> str:
        return " ".join(self._draw.sample(self._words, self._draw.randint(2, 4))).capitalize()

    def _list(self, mark: str) -> str:
        return "\n".join(mark + self._sentence() for _ in range(self._draw.randint(3, 5)))

    def _code_of_a_program(self, topic: str) -> str:
        one, other = self._draw.sample(self._words, 2)
        lines = (
            "```python",
            f"def {topic}({one}: int, {other}: list[str]) -> dict[str, int]:",
            f'    """{self._heading()}."""',
            f"    found = {{name: len(name) * {one} for name in {other} if name < '{topic}' and {one} > 0}}",
            f"    return found or {{'{one}': {one}}}",
            "```",
        )
        return "\n".join(lines)

    def _code_of_a_shell(self, topic: str) -> str:
        return f'```sh\n{topic} --{self._name()} <input.txt | sort -u > output.txt && echo "done"\n```'

    def _name(self) -> str:
        return self._syllable() + self._syllable()

    def _word(self) -> str:
        stem = "".join(self._syllable() for _ in range(self._draw.randint(1, 2)))
        return stem + self._draw.choice(self._endings)

    def _syllable(self) -> str:
        return self._draw.choice(self._onsets) + self._draw.choice(self._vowels) + self._draw.choice(self._codas)

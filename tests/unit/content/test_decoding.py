from __future__ import annotations

import pytest

from publisher.content.decoding import decode

PATH = "posts/x.md"


@pytest.mark.parametrize(
    "data",
    [
        "é\n1".encode(),
        "é\n1".encode("utf-8-sig"),
        b"\xc3\xa9\r\n1",
        b"\xc3\xa9\r1",
        "é\n1".encode("utf-16"),
        b"\xfe\xff" + "é\r\n1".encode("utf-16-be"),
    ],
)
def test_marks_line_ends_and_encodings_come_out_as_one_text(data: bytes) -> None:
    decoded = decode(PATH, data)
    assert (decoded.text, decoded.problems) == ("é\n1", ())


@pytest.mark.parametrize(
    ("data", "character"),
    [
        (b"a\r\nb\x0cc\x00d", "U+000C"),
        (b"a\nb\x00c\x08d", "U+0000"),
        (b"a\nb\xef\xbf\xbecd\xef\xbf\xbf", "U+FFFE"),
        (b"a\nb\xed\xa0\x80cd", "U+D800"),
        ("a\nb\x1bcd".encode("utf-16"), "U+001B"),
        ("a\nb\x92cd".encode(), "U+0092"),
    ],
)
def test_forbidden_characters_are_left_out_with_one_warning(data: bytes, character: str) -> None:
    decoded = decode(PATH, data)
    assert decoded.text == "a\nbcd"
    assert [(problem.line, problem.level.value) for problem in decoded.problems] == [(2, "warning")]
    assert character in decoded.problems[0].message


@pytest.mark.parametrize(("data", "line"), [(b"a\r\nb\rc\x92d", 3), (b"\xff\xfea", 1), (b"\xed\xa0\x80\n\xff", 2)])
def test_what_is_no_text_is_refused_and_not_guessed(data: bytes, line: int) -> None:
    decoded = decode(PATH, data)
    assert decoded.text is None
    assert [(problem.line, problem.level.value) for problem in decoded.problems] == [(line, "error")]
    assert decoded.problems[0].remedy == "save the file as UTF-8"


@pytest.mark.parametrize("text", ["tab\t\x85\ufffd\U0010ffff", "ﾟ･✿ヾ"])
def test_characters_that_xml_allows_stay(text: str) -> None:
    assert decode(PATH, text.encode()).text == text

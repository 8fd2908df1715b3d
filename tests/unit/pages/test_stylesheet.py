"""The stylesheet's promises: small, of this site alone, legible in light and dark."""

from __future__ import annotations

import re

import pytest

from publisher.templating import packaged_templates

Colours = dict[str, str]


def stylesheet() -> str:
    return (packaged_templates() / "pages" / "style.css").read_text()


def colours() -> dict[str, Colours]:
    """The palettes, light first: the stylesheet sets them in two :root rules."""
    roots = re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    light, dark = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", root)) for root in roots)
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2, 1.4.3)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "tint"])
@pytest.mark.parametrize("text", ["ink", "quiet", "link"])
def test_text_is_legible(scheme: str, ground: str, text: str) -> None:
    palette = colours()[scheme]
    assert contrast(palette[text], palette[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_and_the_feed_mark_are_visible(scheme: str) -> None:
    palette = colours()[scheme]
    assert contrast(palette["mark"], palette["paper"]) >= 3


def test_colours_stand_in_the_palettes_alone() -> None:
    rules = re.sub(r":root \{.*?\}", "", stylesheet(), flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) <= {"#0000"}


def test_the_stylesheet_is_small_and_fetches_nothing() -> None:
    sheet = stylesheet()
    assert len(sheet.encode()) < 6 * 1024
    assert "url(" not in sheet
    assert "@import" not in sheet

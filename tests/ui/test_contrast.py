"""Every text, control and picture of the window stands out from what it lies on (WCAG 2.2, AA)."""

import re
from dataclasses import asdict

import pytest
from PySide6.QtGui import QColor

from bachview.config import resource_folder
from bachview.ui.look.contrast import contrast
from bachview.ui.look.plates import INK, PLATE, PLATE_UNDER_CURSOR, QUIET_INK, WARNING_PLATE
from bachview.ui.look.theme import DARK, LIGHT, Colors

_GROUNDS = ("window", "base", "raised", "hover", "selected")
#: Each text with what it is written on.
_TEXTS = {
    "text": (*_GROUNDS, "notice", "problem", "border"),
    "muted": ("window", "base", "raised", "hover"),
    "accent": ("window", "base", "raised", "hover"),  # links, and what has the focus
    "accent_text": ("accent", "accent_hover"),
    "notice_text": ("notice",),
    "problem_text": ("problem",),
}
#: What is no text: frames of controls, the frame of what has the focus, ticks, handles.
_SHAPES = {
    "outline": ("window", "base", "raised", "hover"),
    "accent": (*_GROUNDS, "notice", "problem"),
    "accent_text": ("accent",),
    # The frame of what has the focus, where the control itself is in the accent's colour.
    "text": ("window", "base", "raised"),
    # WCAG leaves out what is disabled; ours can be read all the same.
    "disabled": ("window", "base", "raised", "hover"),
}
_THEMES = pytest.mark.parametrize("colors", [LIGHT, DARK], ids=lambda colors: colors.variant)


def _too_low(colors: Colors, pairs: dict[str, tuple[str, ...]], least: float) -> dict[str, float]:
    values = asdict(colors)
    found = {
        f"{ink} on {ground}": contrast(QColor(values[ink]), QColor(values[ground]))
        for ink, grounds in pairs.items()
        for ground in grounds
    }
    return {pair: ratio for pair, ratio in found.items() if ratio < least}


@_THEMES
def test_texts_can_be_read(colors: Colors) -> None:
    assert _too_low(colors, _TEXTS, 4.5) == {}


@_THEMES
def test_controls_and_the_focus_can_be_seen(colors: Colors) -> None:
    assert _too_low(colors, _SHAPES, 3.0) == {}


@_THEMES
def test_every_colour_but_decoration_is_judged(colors: Colors) -> None:
    judged = {*_TEXTS, *_SHAPES, *(ground for grounds in _TEXTS.values() for ground in grounds)}
    assert set(asdict(colors)) - judged == {"variant"}


@_THEMES
def test_pictures_in_the_style_sheet_can_be_seen(colors: Colors) -> None:
    values = asdict(colors)
    for path in (resource_folder() / "icons").glob(f"*-{colors.variant}.svg"):
        inks = re.findall(r'stroke="(#\w{6})"', path.read_text(encoding="utf-8"))
        on_accent = path.name.startswith(("tick-", "dash-", "arrow-accent-"))
        grounds = ("accent",) if on_accent else ("window", "base", "raised", "hover")
        for ground in grounds:
            for ink in inks:
                assert contrast(QColor(ink), QColor(values[ground])) >= 3, (path.name, ground)


def _over(top: QColor, below: QColor) -> QColor:
    """What one sees where `top` lets `below` through."""
    share = top.alphaF()
    tops = top.redF(), top.greenF(), top.blueF()
    bottoms = below.redF(), below.greenF(), below.blueF()
    mixed = (share * one + (1 - share) * other for one, other in zip(tops, bottoms, strict=True))
    return QColor.fromRgbF(*mixed)


@pytest.mark.parametrize("ink", [INK, QUIET_INK], ids=["text", "small print"])
@pytest.mark.parametrize("plate", [PLATE, PLATE_UNDER_CURSOR, WARNING_PLATE])
@pytest.mark.parametrize("below", ["#ffffff", "#000000", "#e8a0c8", "#5b3a8c"])
def test_texts_on_the_slide_can_be_read_on_glass_and_tissue(
    ink: QColor, plate: QColor, below: str
) -> None:
    ground = _over(plate, QColor(below))
    assert contrast(_over(ink, ground), ground) >= 4.5


def test_what_lies_below_a_plate_does_not_cross_its_words() -> None:
    glass, dark = (_over(PLATE, QColor(below)) for below in ("#ffffff", "#000000"))
    assert contrast(glass, dark) < 2

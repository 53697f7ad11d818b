"""What stands beside the picture of ``overlay.png``: legend, statement and provenance."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bachview.config import resource_folder
from bachview.core.cell_state import CellState
from bachview.core.scope import Statement
from bachview.core.summary import Part, Summary
from bachview.core.units import area_text, percent_text
from bachview.slide.reader import RGB
from bachview.store.provenance import Provenance
from bachview.viewing.style import Drawing, OverlayStyle
from bachview.viewing.textures import state_texture

if TYPE_CHECKING:
    from PIL import Image, ImageFont

#: The default style of the screen, with the tint at every magnification.
STYLE = OverlayStyle(drawing=Drawing.TINT)
#: Height and width of a swatch of the legend, px.
_SWATCH = (24, 40)
MARGIN = 24
PANEL_WIDTH = 620
LINE = 34
INK, ALARM = (20, 20, 20), (190, 0, 0)
_FAINT = (95, 95, 95)
#: Numbers and their units stay together.
_BETWEEN_WORDS = re.compile(r" (?!%|×|µm|mm)")
_TEXT_PX, _ALARM_PX = 20, 24


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend.

    Attributes
    ----------
    part : its patches, area and share; None where there is nothing to count.
    """

    name: str
    part: Part | None
    swatch: RGB


class Panel:
    """The legend, below it what the picture is of, and what made it."""

    def __init__(
        self, entries: Sequence[Entry], statement: Statement, provenance: Provenance
    ) -> None:
        summary = statement.summary
        self._entries = entries
        self._where = "in this region" if statement.region else "on this slide"
        tissue = f"{area_text(summary.tissue_mm2)}, {summary.tissue.patches:,} cells"
        origin = [
            f"SHA-256 {provenance.bundle_sha256[:16]}…",
            f"Slide {provenance.slide_fingerprint[:28]}…",
            f"Computed on {provenance.device}, {provenance.precision}",
            provenance.time.replace("T", " ").replace("+00:00", " UTC"),
        ]
        self._lines = [
            *_wrapped(f"Tissue {self._where}: {tissue}", INK),
            *_wrapped(statement.facts, INK),
            *_wrapped(statement.warning, ALARM, _ALARM_PX),
            *(line for text in origin for line in _wrapped(text, _FAINT)),
        ]

    @property
    def height(self) -> int:
        """Below the page's margin, px."""
        return LINE * (2 + len(self._entries) + len(self._lines))

    def draw(self, page: "Image.Image", left: int) -> None:
        """Draw it onto `page`, from the x of `left` on and below the margin."""
        from PIL import Image, ImageDraw

        draw = ImageDraw.Draw(page)
        y, right, small = MARGIN, left + PANEL_WIDTH, font(_TEXT_PX)
        draw.text((left, y), "Classes", fill=INK, font=font(26))
        of_what = f"of tissue {self._where}"
        draw.text((right, y + 16), of_what, fill=_FAINT, font=small, anchor="rm")
        y += LINE + 8
        for entry in self._entries:
            page.paste(Image.fromarray(entry.swatch), (left, y))
            draw.rectangle((left, y, left + 39, y + 23), outline=_FAINT)
            draw.text((left + 54, y + 12), entry.name, fill=INK, font=small, anchor="lm")
            if entry.part is not None:
                area, share = area_text(entry.part.area_mm2), percent_text(entry.part.share)
                draw.text((right - 110, y + 12), area, fill=INK, font=small, anchor="rm")
                draw.text((right, y + 12), share, fill=INK, font=small, anchor="rm")
            y += LINE
        y += 8
        for line in self._lines:
            draw.text((left, y), line.text, fill=line.ink, font=font(line.size_px))
            y += LINE


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    ink: tuple[int, int, int]
    size_px: int


def _wrapped(text: str, ink: tuple[int, int, int], size_px: int = _TEXT_PX) -> Iterator[_Line]:
    """Lines no wider than the panel; a word that is wider, such as a file's name, is cut."""
    width = font(size_px).getlength
    line = ""
    for word in _BETWEEN_WORDS.split(text):
        joined = f"{line} {word}" if line else word
        if width(joined) > PANEL_WIDTH:
            if line:
                yield _Line(line, ink, size_px)
            while width(word) > PANEL_WIDTH:
                fits = max(1, sum(width(word[: n + 1]) <= PANEL_WIDTH for n in range(len(word))))
                yield _Line(word[:fits], ink, size_px)
                word = word[fits:]
            joined = word
        line = joined
    if line:
        yield _Line(line, ink, size_px)


def entries_of(summary: Summary) -> list[Entry]:
    """The legend: all classes, and the states that occur."""
    entries = [Entry(c.name, c.part, _swatch(c.color, STYLE.opacity)) for c in summary.classes]
    for state, part in summary.without_class:
        if part.patches:
            entries.append(Entry(state.shown, part, _state_swatch(state)))
    return entries


def _state_swatch(state: CellState) -> RGB:
    """A state as the overlay shows it on white."""
    tile = state_texture(state)
    rows, columns = np.indices(_SWATCH)
    pixels = tile[rows % tile.shape[0], columns % tile.shape[1]].astype(np.int16)
    return np.asarray(pixels[..., 2::-1] + 255 - pixels[..., 3:], dtype=np.uint8)


def _swatch(color: tuple[int, int, int], opacity: float) -> RGB:
    mixed = 255 + (np.array(color) - 255) * opacity
    return np.full((*_SWATCH, 3), mixed.round(), np.uint8)


def font(size: int) -> "ImageFont.ImageFont | ImageFont.FreeTypeFont":
    """The font of everything written in the picture, px high."""
    from PIL import ImageFont

    # Pillow's own font has no µ, × or ².
    path = resource_folder() / "fonts" / "DejaVuSans.ttf"
    if not path.is_file():
        return ImageFont.load_default(size)
    # The other engine is only there where the system has FriBidi, and breaks lines elsewhere.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)

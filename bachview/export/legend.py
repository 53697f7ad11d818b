"""What stands outside the tissue in a picture: scale bar, legend, statement and provenance."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bachview.config import resource_folder
from bachview.core.cell_state import CellState
from bachview.core.classes import ClassSet
from bachview.core.scope import Statement
from bachview.core.summary import Part, Summary
from bachview.core.units import area_text, percent_text
from bachview.slide.reader import RGB
from bachview.store.provenance import Provenance
from bachview.viewing.mosaic import FAILED_TILE
from bachview.viewing.scale_bar import scale_bar
from bachview.viewing.style import OverlayMode, OverlayStyle, color_bar
from bachview.viewing.textures import correction_texture, state_texture
from bachview.viewing.value_words import value_number, value_words

if TYPE_CHECKING:
    from PIL import Image, ImageFont

Ink = tuple[int, int, int]

#: Around the picture, px.
MARGIN = 24
INK: Ink = (20, 20, 20)
ALARM: Ink = (190, 0, 0)
_FAINT: Ink = (95, 95, 95)
#: Numbers and their units stay together.
_BETWEEN_WORDS = re.compile(r" (?!%|×|µm|mm)")
#: Height of the text at which the drawn sizes below are px.
_NOMINAL_PX = 20
#: Smallest height of the text, px, and how many texts fit along the side of a square picture.
LEAST_TEXT_PX, _TEXTS_PER_SIDE = 14, 100
_SWATCH = (24, 40)


def text_px(width: int, height: int) -> int:
    """Height of the text beside a picture of this size: legible when the whole is looked at."""
    return max(LEAST_TEXT_PX, round(math.sqrt(width * height) / _TEXTS_PER_SIDE))


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


@dataclass(frozen=True, slots=True)
class Ramp:
    """The colours of a value from 0 to 1.

    Attributes
    ----------
    colors : (1, 256, 3) uint8 RGB, white where nothing is drawn.
    numbers : below its start, middle and end.
    """

    title: str
    colors: RGB
    numbers: tuple[str, str, str]

    @classmethod
    def of(cls, style: OverlayStyle, classes: ClassSet) -> "Ramp | None":
        """What explains `style`; None if it shows classes or nothing."""
        colors = color_bar(style.mode, style.opacity)
        if colors is None or not style.is_shown:
            return None
        colors = colors.copy()
        colors[: math.ceil(style.threshold * 255)] = 255
        first, middle, last = (value_number(style, value) for value in (0.0, 0.5, 1.0))
        return cls(value_words(style, classes)[0], colors[None], (first, middle, last))


@dataclass(frozen=True, slots=True)
class _Text:
    """Of one line, or of a swatch: places within the strip, px."""

    x: int
    y: int
    text: str
    ink: Ink
    px: int
    anchor: str = "lm"


class Strip:
    """Scale bar, legend, below it what the picture is of, and what made it.

    Attributes
    ----------
    width, height : px.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        statement: Statement,
        provenance: Provenance,
        *,
        um_per_px: float,
        px: int,
        width: int = 0,
        note: str = "",
        ramp: Ramp | None = None,
    ) -> None:
        """Lay it out.

        Parameters
        ----------
        um_per_px : of the picture.
        px : height of the text.
        width : at least; it is never narrower than an entry of the legend.
        note : about the picture itself, in sentences.
        ramp : of the value that colours show, in place of classes.
        """
        self._px, self._line = px, round(1.7 * px)
        self._texts: list[_Text] = []
        self._swatches: list[tuple[int, int, RGB]] = []
        columns = self._columns(entries)
        least = sum(columns) + 2 * px
        self.width = max(width, least)
        y = self._line // 2
        bar = scale_bar(um_per_px, max(6 * px, min(self.width / 2, 24 * px)))
        self._bar = (0, y, round(bar.length_px))
        self._texts.append(_Text(self._bar[2] + px, y, bar.text, INK, px))
        where = "in this region" if statement.region else "on this slide"
        y += round(1.2 * self._line)
        title = _Text(0, y, "Classes" if ramp is None else ramp.title, INK, round(1.25 * px))
        self._texts.append(title)
        y += self._line
        if ramp is None:
            after = round(font(title.px).getlength(f"{title.text}  "))
            self._texts.append(_Text(after, title.y, f"of tissue {where}", _FAINT, px))
        else:
            y = self._place_ramp(ramp, y)
        if entries:
            y = self._place_entries(entries, columns, y)
        summary = statement.summary
        tissue = f"{area_text(summary.tissue_mm2)}, {summary.tissue.patches:,} cells"
        y = self._paragraph(f"Tissue {where}: {tissue}", y, INK)
        y = self._paragraph(note, y, INK)
        y = self._paragraph(statement.facts, y, INK)
        y = self._paragraph(statement.warning, y, ALARM, round(1.2 * px))
        origin = (
            f"SHA-256 {provenance.bundle_sha256[:16]}… · "
            f"Slide {provenance.slide_fingerprint[:28]}… · "
            f"Computed on {provenance.device}, {provenance.precision}, "
            f"{provenance.time.replace('T', ' ').replace('+00:00', ' UTC')}"
        )
        y = self._paragraph(origin, y, _FAINT)
        self.height = self._paragraph(provenance.research_use, y, INK)

    def draw(self, page: "Image.Image", left: int, top: int) -> None:
        """Draw it onto `page` with its corner at this place."""
        from PIL import Image, ImageDraw

        draw = ImageDraw.Draw(page)
        x, y, length = self._bar
        thick = max(3, self._px // 4)
        tall = max(5, self._px // 2)
        x, y = left + x, top + y
        draw.rectangle((x, y - thick // 2, x + length - 1, y - thick // 2 + thick - 1), fill=INK)
        for end in (x, x + length - max(1, thick // 2)):
            draw.rectangle((end, y - tall, end + max(1, thick // 2) - 1, y + tall), fill=INK)
        for x, y, swatch in self._swatches:
            place = (left + x, top + y - swatch.shape[0] // 2)
            page.paste(Image.fromarray(swatch), place)
            right, bottom = place[0] + swatch.shape[1] - 1, place[1] + swatch.shape[0] - 1
            draw.rectangle((*place, right, bottom), outline=_FAINT)
        for line in self._texts:
            draw.text(
                (left + line.x, top + line.y),
                line.text,
                fill=line.ink,
                font=font(line.px),
                anchor=line.anchor,
            )

    def _columns(self, entries: Sequence[Entry]) -> tuple[int, int, int, int]:
        """Widths of swatch, name, area and share with what is between them."""
        width = font(self._px).getlength
        parts = [entry.part for entry in entries if entry.part is not None]
        name = max((width(entry.name) for entry in entries), default=0)
        area = max((width(area_text(part.area_mm2)) for part in parts), default=0)
        share = max((width(percent_text(part.share)) for part in parts), default=0)
        swatch = _SWATCH[1] * self._px / _NOMINAL_PX
        gap = 0.8 * self._px
        return round(swatch + gap), round(name + gap), round(area + gap), round(share)

    def _place_entries(
        self, entries: Sequence[Entry], columns: tuple[int, int, int, int], y: int
    ) -> int:
        """In as many columns as fit, one column after the other; the y below them."""
        swatch, name, area, share = columns
        across = swatch + name + area + share + 2 * self._px
        count = max(1, (self.width + 2 * self._px) // across)
        rows = -(-len(entries) // count)
        scale = self._px / _NOMINAL_PX
        for number, entry in enumerate(entries):
            x = number // rows * across
            middle = y + number % rows * self._line
            self._swatches.append((x, middle, _scaled(entry.swatch, scale)))
            self._texts.append(_Text(x + swatch, middle, entry.name, INK, self._px))
            if entry.part is not None:
                right = x + swatch + name + area - round(0.8 * self._px)
                texts = area_text(entry.part.area_mm2), percent_text(entry.part.share)
                for end, text in zip((right, x + across - 2 * self._px), texts, strict=True):
                    self._texts.append(_Text(end, middle, text, INK, self._px, "rm"))
        return y + rows * self._line + self._line // 4

    def _place_ramp(self, ramp: Ramp, y: int) -> int:
        """Bar and numbers; the y below them."""
        from PIL import Image

        size = min(self.width, 24 * self._px), round(1.2 * self._px)
        bar = Image.fromarray(ramp.colors).resize(size, Image.Resampling.BILINEAR)
        self._swatches.append((0, y, np.asarray(bar)))
        below = y + self._line
        places = ((0, "lm"), (size[0] // 2, "mm"), (size[0], "rm"))
        for (x, anchor), text in zip(places, ramp.numbers, strict=True):
            self._texts.append(_Text(x, below, text, INK, self._px, anchor))
        return below + self._line + self._line // 4

    def _paragraph(self, text: str, y: int, ink: Ink, px: int = 0) -> int:
        """The y below it."""
        px = px or self._px
        for line in _wrapped(text, self.width, px):
            self._texts.append(_Text(0, y, line, ink, px))
            y += max(self._line, round(1.5 * px))
        return y


def _scaled(swatch: RGB, scale: float) -> RGB:
    from PIL import Image

    height, width = swatch.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(swatch).resize(size, Image.Resampling.NEAREST))


def _wrapped(text: str, most_px: int, px: int) -> Iterator[str]:
    """Lines no wider than `most_px`; a word that is wider, such as a file's name, is cut."""
    width = font(px).getlength
    line = ""
    for word in _BETWEEN_WORDS.split(text):
        joined = f"{line} {word}" if line else word
        if width(joined) > most_px:
            if line:
                yield line
            while width(word) > most_px:
                fits = max(1, sum(width(word[: n + 1]) <= most_px for n in range(len(word))))
                yield word[:fits]
                word = word[fits:]
            joined = word
        line = joined
    if line:
        yield line


def entries_of(summary: Summary, style: OverlayStyle | None = None) -> list[Entry]:
    """The legend: all classes, unless colours show a value, and the states that occur.

    What is not drawn is counted beside a white swatch.

    Parameters
    ----------
    style : of the overlay; None for the usual.
    """
    style = style or OverlayStyle()
    shows_values = style.is_shown and style.mode is not OverlayMode.CLASS
    entries = []
    for index, one in enumerate(() if shows_values else summary.classes):
        is_drawn = style.is_shown and index not in style.hidden_classes
        swatch = _swatch(one.color, style.opacity if is_drawn else 0.0)
        entries.append(Entry(one.name, one.part, swatch))
    undrawn = set() if style.show_pending else {CellState.PENDING}
    if not style.show_uncertain:
        undrawn.add(CellState.UNCERTAIN)
    for state, part in summary.without_class:
        # An uncertain cell has a value like any other.
        if not part.patches or (shows_values and state is CellState.UNCERTAIN):
            continue
        is_drawn = style.is_shown and state not in undrawn
        swatch = _state_swatch(state) if is_drawn else _swatch((255, 255, 255), 1.0)
        entries.append(Entry(state.shown, part, swatch))
    return entries


def correction_entry(classes: ClassSet) -> Entry:
    """How cells are hatched that the reader has corrected, in the colours of all classes."""
    height, width = _SWATCH
    swatch = np.empty((height, width, 3), np.uint8)
    rows, columns = np.indices(_SWATCH)
    for index, one in enumerate(classes):
        part = slice(width * index // len(classes), width * (index + 1) // len(classes))
        tile = correction_texture(one.color, 1.0)
        pixels = tile[rows % tile.shape[0], columns % tile.shape[1]].astype(np.int16)
        swatch[:, part] = (pixels[..., 2::-1] + 255 - pixels[..., 3:])[:, part]
    return Entry("Stripes: class by the reader", None, swatch)


def unreadable_entry() -> Entry:
    """What is drawn where the slide cannot be read."""
    height, width = _SWATCH
    return Entry("Slide cannot be read here", None, FAILED_TILE[:height, :width, :3].copy())


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

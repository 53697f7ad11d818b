"""``overlay.png``: the slide in the colours of its classes, with legend and provenance."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bachview.config import resource_folder
from bachview.core.cell_state import CellState
from bachview.core.predictions import Prediction
from bachview.core.summary import Part, Summary
from bachview.core.uncertainty import Thresholds
from bachview.core.units import area_text, length_text, percent_text, round_length
from bachview.export.thumbnail import Thumbnail, hatch, read_thumbnail
from bachview.files import FileGroup, atomic_file
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, SlideReader
from bachview.store.provenance import Provenance
from bachview.viewing.overlay import OverlayRenderer, overlay_pixels
from bachview.viewing.style import (
    FAILED_LEAST_OPACITY,
    PENDING_COLORS,
    PENDING_SHARE,
    OverlayStyle,
)

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

#: The default style of the screen.
_STYLE = OverlayStyle()
#: Side of the squares of "not yet classified" in the legend, px.
_CHEQUER_PX = 8
_MARGIN = 24
_PANEL_WIDTH = 560
_LINE = 34
_INK, _FAINT = (20, 20, 20), (95, 95, 95)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    part: Part | None
    swatch: RGB


def write_overlay_png(
    path: Path,
    reader: SlideReader,
    prediction: Prediction,
    summary: Summary,
    thresholds: Thresholds,
    provenance: Provenance,
    *,
    transform: Callable[[RGB], RGB] | None = None,
    token: CancelToken | None = None,
    longest_px: int = 2048,
    group: FileGroup | None = None,
) -> None:
    """Draw the classified region with overlay, legend, areas and scale bar.

    A slide with only one level is read completely, in bounded memory: this may take minutes.

    Parameters
    ----------
    summary : of the same prediction; its areas are shown in the legend.
    transform : to the slide's true colours.
    longest_px : longest side of the slide's picture, without the legend, px.
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written.
    Cancelled
        The token was cancelled; no file is written.
    """
    from PIL import Image, ImageDraw

    thumbnail = read_thumbnail(
        reader, prediction.grid.region, longest_px, transform=transform, token=token
    )
    picture = blended(thumbnail, prediction, thresholds)
    height, width = picture.shape[:2]
    entries = _entries(summary)
    if not thumbnail.readable.all():
        swatch = np.full((24, 40, 3), 255, np.uint8)
        hatch(swatch, np.zeros(swatch.shape[:2], np.bool_))
        entries.append(_Entry("Slide cannot be read here", None, swatch))
    panel_height = _MARGIN + _LINE * (len(entries) + 10)
    # Even the narrowest picture has room for the sentence below it.
    page = Image.new(
        "RGB",
        (width + _PANEL_WIDTH + 3 * _MARGIN, max(height, panel_height) + 2 * _MARGIN + _LINE),
        (255, 255, 255),
    )
    page.paste(Image.fromarray(picture), (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(page)
    draw.rectangle(
        (_MARGIN - 1, _MARGIN - 1, _MARGIN + width, _MARGIN + height), outline=(170, 170, 170)
    )
    um_per_px = provenance.mpp_x * thumbnail.downsample
    _draw_scale_bar(draw, width, height, um_per_px)
    _draw_panel(page, draw, 2 * _MARGIN + width, entries, summary, provenance)
    draw.text(
        (_MARGIN, page.height - _MARGIN),
        provenance.research_use,
        fill=_INK,
        font=_font(20),
        anchor="lb",
    )
    with atomic_file(path, group=group) as file:
        page.save(file, format="PNG", compress_level=6)


def blended(thumbnail: Thumbnail, prediction: Prediction, thresholds: Thresholds) -> RGB:
    """(H, W, 3) uint8: the thumbnail under the overlay, as drawn on the screen."""
    picture = OverlayRenderer(prediction).picture(_STYLE, thresholds, prediction.grid.region)
    if picture is None:
        return thumbnail.pixels
    rgba = overlay_pixels(picture, thumbnail.region, thumbnail.size).astype(np.float32)
    alpha = rgba[..., 3:] / 255
    # Single patches may have been read where the picture's tile could not be: they are shown.
    mixed = thumbnail.pixels + (rgba[..., :3] - thumbnail.pixels) * alpha
    return np.asarray(mixed.round(), dtype=np.uint8)


def _entries(summary: Summary) -> list[_Entry]:
    """The legend: all classes, and the states that occur."""
    entries = [_Entry(c.name, c.part, _swatch(c.color, _STYLE.opacity)) for c in summary.classes]
    for state, part in (
        (CellState.UNCERTAIN, summary.uncertain),
        (CellState.PENDING, summary.pending),
        (CellState.FAILED, summary.failed),
    ):
        if part.patches:
            entries.append(_Entry(state.shown, part, _state_swatch(state)))
    return entries


def _state_swatch(state: CellState) -> RGB:
    """A state as the overlay shows it on white."""
    if state is CellState.UNCERTAIN:
        return _swatch(state.color, _STYLE.opacity)
    if state is CellState.FAILED:
        return _swatch(state.color, max(_STYLE.opacity, FAILED_LEAST_OPACITY))
    even, odd = (_swatch(color, _STYLE.opacity * PENDING_SHARE) for color in PENDING_COLORS)
    rows, columns = np.indices(even.shape[:2]) // _CHEQUER_PX
    return np.where(((rows + columns) % 2 == 0)[..., None], even, odd)


def _swatch(color: tuple[int, int, int], opacity: float) -> RGB:
    mixed = 255 + (np.array(color) - 255) * opacity
    return np.full((24, 40, 3), mixed.round(), np.uint8)


def _font(size: int) -> "ImageFont.ImageFont | ImageFont.FreeTypeFont":
    from PIL import ImageFont

    # Pillow's own font has no µ, × or ².
    path = resource_folder() / "fonts" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, size) if path.is_file() else ImageFont.load_default(size)


def _draw_panel(
    page: "Image.Image",
    draw: "ImageDraw.ImageDraw",
    left: int,
    entries: list[_Entry],
    summary: Summary,
    provenance: Provenance,
) -> None:
    from PIL import Image

    y = _MARGIN
    draw.text((left, y), "Classes", fill=_INK, font=_font(26))
    y += _LINE + 8
    right = left + _PANEL_WIDTH
    for entry in entries:
        page.paste(Image.fromarray(entry.swatch), (left, y))
        draw.rectangle((left, y, left + 39, y + 23), outline=_FAINT)
        draw.text((left + 54, y + 12), entry.name, fill=_INK, font=_font(20), anchor="lm")
        if entry.part is not None:
            share = percent_text(entry.part.share)
            area = area_text(entry.part.area_mm2)
            draw.text((right - 110, y + 12), area, fill=_INK, font=_font(20), anchor="rm")
            draw.text((right, y + 12), share, fill=_INK, font=_font(20), anchor="rm")
        y += _LINE
    y += 8
    tissue = f"Tissue {area_text(summary.tissue_mm2)}, {summary.tissue.patches:,} patches"
    lines = [
        tissue,
        f"Model {provenance.bundle_name}",
        f"SHA-256 {provenance.bundle_sha256[:16]}…",
        f"Slide {provenance.slide_fingerprint[:28]}…",
        f"{provenance.mpp_x:.4g} × {provenance.mpp_y:.4g} µm per px ({provenance.mpp_origin})",
        f"Computed on {provenance.device}, {provenance.precision}",
        provenance.time.replace("T", " ").replace("+00:00", " UTC"),
    ]
    for number, line in enumerate(lines):
        draw.text((left, y), line, fill=_FAINT if number else _INK, font=_font(20))
        y += _LINE


def _draw_scale_bar(draw: "ImageDraw.ImageDraw", width: int, height: int, um_per_px: float) -> None:
    """Bottom left in the picture, on white, so that it is legible on any tissue."""
    length_um = round_length(um_per_px * max(60, min(width / 4, 400)))
    length_px = round(length_um / um_per_px)
    font, text = _font(20), length_text(length_um)
    text_width = int(draw.textlength(text, font=font))
    left, bottom = _MARGIN + 12, _MARGIN + height - 12
    box_width = max(length_px, text_width) + 20
    draw.rectangle((left, bottom - 48, left + box_width, bottom), fill=(255, 255, 255))
    draw.rectangle((left + 10, bottom - 14, left + 10 + length_px, bottom - 9), fill=_INK)
    draw.text((left + 10, bottom - 20), text, fill=_INK, font=font, anchor="lb")

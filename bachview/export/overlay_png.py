"""``overlay.png``: the slide in the colours of its classes, with legend and provenance."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bachview.core.predictions import Prediction
from bachview.core.scope import Statement
from bachview.core.uncertainty import Thresholds
from bachview.core.units import length_text, magnification, round_length
from bachview.export.legend import (
    ALARM,
    INK,
    LINE,
    MARGIN,
    PANEL_WIDTH,
    STYLE,
    Entry,
    Panel,
    entries_of,
    font,
)
from bachview.export.thumbnail import Thumbnail, hatch, read_thumbnail
from bachview.files import FileGroup, atomic_file
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import RGB, SlideReader
from bachview.store.provenance import Provenance
from bachview.viewing.flat_overlay import flat_overlay
from bachview.viewing.overlay import OverlayRenderer

if TYPE_CHECKING:
    from PIL import ImageDraw


def write_overlay_png(
    path: Path,
    reader: SlideReader,
    prediction: Prediction,
    statement: Statement,
    thresholds: Thresholds,
    provenance: Provenance,
    *,
    transform: Callable[[RGB], RGB] | None = None,
    token: CancelToken | None = None,
    longest_px: int = 2048,
    group: FileGroup | None = None,
) -> None:
    """Draw the slide, or the region that is spoken of, with overlay, legend, areas and scale bar.

    The line of the statement is drawn below the legend, and is the file's ``Description``.

    A slide with only one level is read completely, in bounded memory: this may take minutes.

    Parameters
    ----------
    statement : of the same prediction; its areas are shown in the legend.
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
    from PIL.PngImagePlugin import PngInfo

    region = statement.region or prediction.grid.region
    thumbnail = read_thumbnail(reader, region, longest_px, transform=transform, token=token)
    um_per_px = provenance.mpp_x * thumbnail.downsample
    picture = blended(thumbnail, prediction, thresholds, magnification(um_per_px, 1.0))
    height, width = picture.shape[:2]
    entries = entries_of(statement.summary)
    if not thumbnail.readable.all():
        swatch = np.full((24, 40, 3), 255, np.uint8)
        hatch(swatch, np.zeros(swatch.shape[:2], np.bool_))
        entries.append(Entry("Slide cannot be read here", None, swatch))
    panel = Panel(entries, statement, provenance)
    # Even the narrowest picture has room for the sentence below it.
    page = Image.new(
        "RGB",
        (width + PANEL_WIDTH + 3 * MARGIN, max(height, panel.height) + 2 * MARGIN + LINE),
        (255, 255, 255),
    )
    page.paste(Image.fromarray(picture), (MARGIN, MARGIN))
    draw = ImageDraw.Draw(page)
    frame, frame_px = (ALARM, 4) if statement.warning else ((170, 170, 170), 1)
    draw.rectangle(
        (
            *(MARGIN - frame_px, MARGIN - frame_px),
            *(MARGIN + width - 1 + frame_px, MARGIN + height - 1 + frame_px),
        ),
        outline=frame,
        width=frame_px,
    )
    _draw_scale_bar(draw, width, height, um_per_px)
    panel.draw(page, 2 * MARGIN + width)
    draw.text(
        (MARGIN, page.height - MARGIN),
        provenance.research_use,
        fill=INK,
        font=font(20),
        anchor="lb",
    )
    notes = PngInfo()
    notes.add_itxt("Description", statement.line)
    with atomic_file(path, group=group) as file:
        page.save(file, format="PNG", compress_level=6, pnginfo=notes)


def blended(
    thumbnail: Thumbnail, prediction: Prediction, thresholds: Thresholds, times: float
) -> RGB:
    """(H, W, 3) uint8: the thumbnail under the overlay, as drawn on the screen at `times`."""
    picture = OverlayRenderer(prediction).picture(STYLE, thresholds, prediction.grid.region)
    if picture is None:
        return thumbnail.pixels
    rgba = flat_overlay(picture, STYLE, thumbnail.region, thumbnail.size, times).astype(np.float32)
    alpha = rgba[..., 3:] / 255
    # Single patches may have been read where the picture's tile could not be: they are shown.
    mixed = thumbnail.pixels + (rgba[..., :3] - thumbnail.pixels) * alpha
    return np.asarray(mixed.round(), dtype=np.uint8)


def _draw_scale_bar(draw: "ImageDraw.ImageDraw", width: int, height: int, um_per_px: float) -> None:
    """Bottom left in the picture, on white, so that it is legible on any tissue."""
    length_um = round_length(um_per_px * max(60, min(width / 4, 400)))
    length_px = round(length_um / um_per_px)
    small, text = font(20), length_text(length_um)
    text_width = int(draw.textlength(text, font=small))
    left, bottom = MARGIN + 12, MARGIN + height - 12
    box_width = max(length_px, text_width) + 20
    draw.rectangle((left, bottom - 48, left + box_width, bottom), fill=(255, 255, 255))
    draw.rectangle((left + 10, bottom - 14, left + 10 + length_px, bottom - 9), fill=INK)
    draw.text((left + 10, bottom - 20), text, fill=INK, font=small, anchor="lb")

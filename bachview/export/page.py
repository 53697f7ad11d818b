"""``overlay.png`` and its like: the slide under its overlay, legend and scale bar beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from bachview.errors import ExportError
from bachview.export.content import Content
from bachview.export.legend import (
    ALARM,
    LEAST_TEXT_PX,
    MARGIN,
    Ramp,
    Strip,
    correction_entry,
    entries_of,
    text_px,
    unreadable_entry,
)
from bachview.export.options import MOST_PAGE_PX
from bachview.export.slide_picture import SlidePicture, picture_region, upright
from bachview.files import FileGroup, atomic_file
from bachview.viewing.value_words import picture_text
from bachview.viewing.viewport import Viewport

if TYPE_CHECKING:
    from PIL import Image

#: Names, in a PNG, the text with the place of the slide in the page: x, y, width, height in px.
PICTURE_BOX = "Picture box"
#: What JPEG can hold on a side.
_MOST_JPEG_PX = 65_500
_JPEG_QUALITY = 92

#: Writes a page to a file: (page, file, what it shows, what it is of).
_Write = Callable[["Image.Image", BinaryIO, SlidePicture, str], None]


def write_page(path: Path, content: Content, suffix: str, group: FileGroup | None = None) -> None:
    """Draw the slide, the region that is spoken of or the view, and beside it what it is of.

    The line of the statement is the file's description, too. A slide with only one level is read
    completely, in bounded memory: this may take minutes.

    Parameters
    ----------
    suffix : of the kind of file: ``.png``, ``.jpg``, ``.tif``.
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written, or would be too large.
    Cancelled
        The content's token was cancelled; no file is written.
    """
    options = content.options
    view = options.drawn_view
    if view is not None:
        ratio, seen = view.pixel_ratio, float(options.zoom)
    else:
        view = upright(picture_region(content), options.size, content)
        # It is looked at as a whole: as small as makes its text readable.
        ratio = seen = text_px(view.size.width, view.size.height) / LEAST_TEXT_PX
    size = view.device_size
    if size.width * size.height > MOST_PAGE_PX:
        raise ExportError(
            f"A picture of {size.width:,} × {size.height:,} px is too large for {path.name}: "
            f"choose a smaller size, or the OME-TIFF, which has no such limit."
        )
    drawn = SlidePicture(content, view, ratio=ratio, seen=seen)
    page = _page(drawn, content)
    if content.token is not None:
        content.token.check()
    if suffix == ".jpg" and max(page.size) > _MOST_JPEG_PX:
        raise ExportError(
            f"JPEG has no more than {_MOST_JPEG_PX:,} px on a side; choose PNG or a smaller size."
        )
    with atomic_file(path, group=group) as file:
        line = " ".join(filter(None, (content.statement.line, _style_text(content))))
        _WRITERS[suffix](page, file, drawn, line)


def _page(drawn: SlidePicture, content: Content) -> "Image.Image":
    """The picture with the strip on the side that wastes less paper, usually below."""
    from PIL import Image, ImageDraw

    pixels = drawn.pixels()
    statement = content.statement
    style, classes = content.options.style, content.prediction.classes
    entries = entries_of(statement.summary, style)
    notes = [_style_text(content), _turned_text(content.options.view)]
    told = content.agreement
    if content.corrections:
        notes.append(f"Reader: {told.text}.")
    if told.total and drawn.style.show_corrections:
        entries.append(correction_entry(classes))
    ramp = None if style is None else Ramp.of(style, classes)
    if drawn.has_unreadable:
        entries.append(unreadable_entry())
    width, height = drawn.size.width, drawn.size.height
    px = text_px(width, height)

    def strip(least: int) -> Strip:
        return Strip(
            entries,
            statement,
            content.provenance,
            um_per_px=drawn.um_per_px,
            px=px,
            width=least,
            note=" ".join(filter(None, notes)),
            ramp=ramp,
        )

    below, beside = strip(width), strip(24 * px)
    tall = max(width, below.width) + 2 * MARGIN, height + below.height + 3 * MARGIN
    wide = width + beside.width + 3 * MARGIN, max(height, beside.height) + 2 * MARGIN
    is_below = tall[0] * tall[1] <= wide[0] * wide[1]
    page = Image.new("RGB", tall if is_below else wide, (255, 255, 255))
    page.paste(Image.fromarray(pixels), (MARGIN, MARGIN))
    frame, frame_px = (ALARM, 4) if statement.warning else ((170, 170, 170), 1)
    ImageDraw.Draw(page).rectangle(
        (
            *(MARGIN - frame_px, MARGIN - frame_px),
            *(MARGIN + width - 1 + frame_px, MARGIN + height - 1 + frame_px),
        ),
        outline=frame,
        width=frame_px,
    )
    if is_below:
        below.draw(page, MARGIN, 2 * MARGIN + height)
    else:
        beside.draw(page, 2 * MARGIN + width, MARGIN)
    return page


def _style_text(content: Content) -> str:
    """What colours show and what is not drawn; empty for the usual overlay."""
    style = content.options.style
    return "" if style is None else picture_text(style, content.prediction.classes)


def _turned_text(view: Viewport | None) -> str:
    """How a view is turned, and what the figures beside it are of then; empty if it is upright."""
    if view is None or not view.rotation_deg:
        return ""
    text = f"Turned by {view.rotation_deg:.3g}° clockwise"
    return text + (
        "; figures are of the upright rectangle around it" * bool(view.rotation_deg % 90) + "."
    )


def _png(page: "Image.Image", file: BinaryIO, drawn: SlidePicture, line: str) -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_itxt("Description", line)
    notes.add_text(PICTURE_BOX, f"{MARGIN}, {MARGIN}, {drawn.size.width}, {drawn.size.height}")
    page.save(file, format="PNG", compress_level=4, pnginfo=notes)


def _jpeg(page: "Image.Image", file: BinaryIO, _: SlidePicture, line: str) -> None:
    page.save(file, format="JPEG", quality=_JPEG_QUALITY, subsampling=0, comment=line.encode())


def _tiff(page: "Image.Image", file: BinaryIO, drawn: SlidePicture, line: str) -> None:
    import tifffile

    per_cm = 1e4 / drawn.um_per_px

    tifffile.imwrite(
        file,
        np.asarray(page),
        photometric="rgb",
        compression="zlib",
        predictor=True,
        description=line.encode(),
        metadata=None,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )


_WRITERS: dict[str, _Write] = {".png": _png, ".jpg": _jpeg, ".tif": _tiff}

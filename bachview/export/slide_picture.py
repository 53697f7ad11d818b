"""A part of a slide under its overlay, drawn block by block by the renderer of the screen."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from bachview.core.geometry import Point, Region, Size
from bachview.core.pyramid import TileKey
from bachview.errors import SlideReadError
from bachview.export.content import Content
from bachview.export.contour_drawing import ContourDrawing
from bachview.export.options import PictureSize
from bachview.slide.reader import RGB
from bachview.slide.tiles.cache import TileCache
from bachview.slide.tiles.display_tiles import Tile, read_display_tile
from bachview.viewing.flat_overlay import flat_corrections, flat_overlay
from bachview.viewing.frames import compose_frame
from bachview.viewing.overlay import OverlayPicture, OverlayRenderer
from bachview.viewing.style import OverlayStyle, contour_strength
from bachview.viewing.viewport import Viewport

Pixels = npt.NDArray[np.uint8]

#: Display tiles that are kept while a picture is drawn.
_CACHE_BYTES = 192 << 20


def picture_region(content: Content) -> Region:
    """What a picture shows: the region that is spoken of, in whole px, or all of level 0."""
    extent = content.reader.metadata.pyramid.extent
    region = content.statement.region
    if region is None:
        return extent
    left, top = math.floor(region.x), math.floor(region.y)
    whole = Region.between(left, top, math.ceil(region.right), math.ceil(region.bottom))
    return whole.intersection(extent)


def upright(region: Region, size: PictureSize, content: Content) -> Viewport:
    """The view of `region` at this size, whose first px begins at its corner."""
    downsample = size.downsample(region, content.pixel_size)
    px = size.px(region, content.pixel_size)
    center = Point(region.x + px.width * downsample / 2, region.y + px.height * downsample / 2)
    return Viewport(center, downsample, px)


class SlidePicture:
    """Draws blocks of one picture. One thread.

    Attributes
    ----------
    size : px.
    style : of the overlay.
    um_per_px : along x of the upright slide.
    has_unreadable : whether part of what was drawn so far could not be read.
    """

    def __init__(
        self, content: Content, viewport: Viewport, *, ratio: float = 1.0, seen: float = 1.0
    ) -> None:
        """Prepare to draw `viewport`.

        Parameters
        ----------
        ratio : enlarges lines and textures of the overlay.
        seen : px of the picture per px of the screen on which it is looked at, whose magnification
            decides between tint and contours.
        """
        self._content, self._viewport = content, viewport
        self._tiles = TileCache(_CACHE_BYTES)
        self._failed: set[TileKey] = set()
        self.size = viewport.device_size
        self.um_per_px = content.provenance.mpp_x * viewport.device_downsample
        self._ratio = ratio
        self.style = content.options.style or OverlayStyle()
        times = viewport.magnification(content.pixel_size)
        self._magnification = None if times is None else times / seen
        grid = content.prediction.grid.region
        self._overlay = None
        if self.style.is_shown:
            renderer = OverlayRenderer(content.prediction)
            self._overlay = renderer.picture(self.style, content.thresholds, grid)
        self._strength = contour_strength(self.style, self._magnification)
        self._contours: ContourDrawing | None = None
        if self._overlay is not None and self._strength > 0:
            prediction = content.prediction
            self._contours = ContourDrawing(self._overlay, prediction.grid, prediction.classes)
        self._corrected: npt.NDArray[np.int16] | None = None
        if self.style.show_corrections and content.corrections:
            self._corrected = content.corrected.on_grid()

    @property
    def has_unreadable(self) -> bool:
        return bool(self._failed)

    def block(self, x: int, y: int, width: int, height: int) -> RGB:
        """Px [x, x + width) × [y, y + height), (height, width, 3) uint8; white past the slide.

        Raises
        ------
        Cancelled
            The content's token was cancelled.
        """
        view = self._viewport.part(x, y, width, height)
        frame = compose_frame(
            view,
            self._content.reader.metadata.pyramid,
            self._tile,
            has_failed=self._failed.__contains__,
        )
        if frame is None:
            raise AssertionError("a frame that must not be dropped was dropped")
        pixels = frame.image
        overlay, corrected = self._overlay, self._corrected
        if overlay is not None and _touches(overlay.codes, overlay.region, view.region):
            pixels = _over(pixels, _drawn(partial(self._flat, overlay), view))
            if self._contours is not None:
                pixels = _under_lines(
                    pixels, self._contours.draw(view, self._ratio), self._strength
                )
        if corrected is not None and _touches(corrected + 1, self._covered, view.region):
            pixels = _over(pixels, _drawn(partial(self._flat_corrections, corrected), view))
        return np.ascontiguousarray(pixels[..., 2::-1])

    @property
    def _covered(self) -> Region:
        """Of all cells, level-0 px."""
        grid = self._content.prediction.grid
        width, height = grid.columns * grid.stride_x, grid.rows * grid.stride_y
        return Region(grid.region.x, grid.region.y, width, height)

    def _flat_corrections(
        self, corrected: npt.NDArray[np.int16], region: Region, size: Size
    ) -> Pixels:
        prediction = self._content.prediction
        colors = [one.color for one in prediction.classes]
        drawn = flat_corrections(
            corrected, prediction.grid, colors, region, size, ratio=self._ratio
        ).astype(np.float32)
        plain = drawn[..., 2::-1] * 255 / np.maximum(drawn[..., 3:], 1)
        both = np.concatenate([plain.clip(0, 255), drawn[..., 3:]], -1)
        return np.asarray(both.round(), dtype=np.uint8)

    def _flat(self, overlay: OverlayPicture, region: Region, size: Size) -> Pixels:
        return flat_overlay(
            overlay, self.style, region, size, self._magnification, ratio=self._ratio
        )

    def pixels(self) -> RGB:
        """All of it."""
        size, rows = self.size, 512
        out = np.empty((size.height, size.width, 3), np.uint8)
        for y in range(0, size.height, rows):
            height = min(rows, size.height - y)
            out[y : y + height] = self.block(0, y, size.width, height)
            self._content.progress(y + height, size.height)
        return out

    def _tile(self, key: TileKey) -> Tile | None:
        content = self._content
        if content.token is not None:
            content.token.check()
        if key in self._failed:
            return None
        tile = self._tiles.get((self, key))
        if tile is None:
            try:
                tile = read_display_tile(
                    content.reader, key, content.transform, token=content.token
                )
            except SlideReadError:
                self._failed.add(key)
                return None
            self._tiles.put((self, key), tile)
        return tile


def _touches(codes: npt.NDArray[np.integer], covered: Region, region: Region) -> bool:
    """Whether anything may be drawn in a region, or just beside it, where lines are."""
    rows, columns = codes.shape
    down, along = covered.height / rows, covered.width / columns
    top = max(0, math.floor((region.y - covered.y) / down) - 1)
    left = max(0, math.floor((region.x - covered.x) / along) - 1)
    bottom = max(0, math.ceil((region.bottom - covered.y) / down) + 1)
    right = max(0, math.ceil((region.right - covered.x) / along) + 1)
    return bool(codes[top:bottom, left:right].any())


def _drawn(flat: Callable[[Region, Size], Pixels], view: Viewport) -> Pixels:
    """(H, W, 4) uint8 RGBA: in this view what `flat` draws upright."""
    region, size, step = view.region, view.device_size, view.downsample
    if not view.rotation_deg:
        return flat(region, size)
    # Upright around it, in whole px of a grid that all blocks share, and then turned.
    left, top = math.floor(region.x / step) - 1, math.floor(region.y / step) - 1
    around = Size(
        math.ceil(region.right / step) + 1 - left, math.ceil(region.bottom / step) + 1 - top
    )
    place = Region(left * step, top * step, around.width * step, around.height * step)
    return _turned(flat(place, around), place.x, place.y, step, view)


def _over(pixels: Pixels, overlay: Pixels) -> Pixels:
    """(H, W, 4) uint8 BGRX under RGBA that is not premultiplied."""
    alpha = overlay[..., 3:].astype(np.uint16)
    if not alpha.any():
        return pixels
    mixed = pixels.copy()
    colors = overlay[..., 2::-1].astype(np.uint16)
    mixed[..., :3] = (colors * alpha + pixels[..., :3] * (255 - alpha) + 127) // 255
    return mixed


def _under_lines(pixels: Pixels, lines: Pixels, strength: float) -> Pixels:
    """(H, W, 4) uint8 BGRX under premultiplied RGBA of some opacity."""
    if not lines[..., 3].any():
        return pixels
    over = lines * np.float32(strength)
    mixed = pixels.copy()
    mixed[..., :3] = over[..., 2::-1] + pixels[..., :3] * (1 - over[..., 3:] / 255) + 0.5
    return mixed


def _turned(overlay: Pixels, left: float, top: float, step: float, view: Viewport) -> Pixels:
    """An upright overlay, whose first px begins at (left, top), as `view` shows it."""
    from PIL import Image

    first, right, down = (view.l0_from_vp(x, y) for x, y in ((0, 0), (1, 0), (0, 1)))
    affine = (
        (right.x - first.x) / step,
        (down.x - first.x) / step,
        (first.x - left) / step,
        (right.y - first.y) / step,
        (down.y - first.y) / step,
        (first.y - top) / step,
    )
    size = view.device_size
    # At a right angle px stay px: textures are as crisp as upright.
    method = Image.Resampling.BILINEAR if view.rotation_deg % 90 else Image.Resampling.NEAREST
    whole = Image.fromarray(overlay).convert("RGBa")
    turned = whole.transform((size.width, size.height), Image.Transform.AFFINE, affine, method)
    return np.asarray(turned.convert("RGBA"))

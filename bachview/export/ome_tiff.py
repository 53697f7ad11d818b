"""``overlay.ome.tiff``: the slide under its overlay as a pyramid that QuPath and others open.

Its first px is that of the slide (of a region, the region's corner, which it states as position),
and it states the physical size of its px: annotations and pictures of the slide fall into place.
It is written tile by tile, each level drawn as the screen draws that magnification.
"""

import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bachview.core.geometry import Region, Size
from bachview.core.units import bytes_text
from bachview.errors import ExportError
from bachview.export.content import Content
from bachview.export.options import Compression, estimated_bytes
from bachview.export.slide_picture import SlidePicture, picture_region, upright
from bachview.files import FileGroup, atomic_path
from bachview.slide.reader import RGB
from bachview.viewing.viewport import Viewport

_TILE = 512
#: Tiles that are drawn at once: the neighbours' px that a filter needs are then read once.
_AT_ONCE = 4
#: Each level has a fourth of the px of the last on a side, down to one that fits into this.
_STEP, _SMALLEST = 4, 1024
#: More px than any slide has: 250,000 × 250,000.
_MOST_PX = 62_500_000_000
_JPEG_QUALITY = 85


def write_ome_tiff(path: Path, content: Content, group: FileGroup | None = None) -> None:
    """Write the slide, or the region that is spoken of, under its overlay.

    In bounded memory; of a slide of 100,000 × 100,000 px this may take an hour.

    Parameters
    ----------
    group : the file appears with the others of this group.

    Raises
    ------
    ExportError
        The file cannot be written, would be too large or would not fit on the disk.
    Cancelled
        The content's token was cancelled; no file is written.
    """
    import tifffile

    region = picture_region(content)
    levels = _levels(content, region)
    size = levels[0].device_size
    if size.width * size.height > _MOST_PX:
        raise ExportError(
            f"A picture of {size.width:,} × {size.height:,} px is larger than any slide; "
            "choose a smaller size."
        )
    if content.options.view is not None:
        # What the screen leaves out, nothing in this file would tell.
        content = replace(content, options=replace(content.options, style=None))
    _check_room(path, estimated_bytes("ome_tiff", size, content.options.compression))
    progress = _Progress(content, sum(_tiles_of(view.device_size) for view in levels))
    is_jpeg = content.options.compression is Compression.JPEG
    compression: dict[str, Any] = {"compression": "zlib", "predictor": True}
    if is_jpeg:
        # Full colour: the lines of contours are thin.
        compression = {
            "compression": "jpeg",
            "compressionargs": {"level": _JPEG_QUALITY},
            "subsampling": (1, 1),
        }
    with (
        atomic_path(path, group=group, ending=".ome.tiff") as part,
        tifffile.TiffWriter(part, bigtiff=True, ome=True) as file,
    ):
        for number, view in enumerate(levels):
            drawn = SlidePicture(content, view)
            um = drawn.um_per_px, content.provenance.mpp_y * view.device_downsample
            first: dict[str, Any] = {"subfiletype": 1}
            if number == 0:
                first = {
                    "subifds": len(levels) - 1,
                    "metadata": _metadata(content, region, um),
                    "software": "bachview",
                }
            file.write(
                _tiles(drawn, progress),
                shape=(drawn.size.height, drawn.size.width, 3),
                dtype=np.uint8,
                tile=(_TILE, _TILE),
                photometric="rgb",
                resolution=(1e4 / um[0], 1e4 / um[1]),
                resolutionunit="CENTIMETER",
                **compression,
                **first,
            )
            # What was read from a slide that has just been closed is not written.
            if content.token is not None:
                content.token.check()


def _levels(content: Content, region: Region) -> list[Viewport]:
    """What each level shows, the finest first."""
    levels = [upright(region, content.options.full, content)]
    while max(levels[-1].device_size.width, levels[-1].device_size.height) > _SMALLEST:
        finer = levels[-1]
        downsample = finer.downsample * _STEP
        size = Size(
            max(1, round(finer.size.width / _STEP)), max(1, round(finer.size.height / _STEP))
        )
        corner = finer.l0_from_vp(0, 0)
        moved = Region(corner.x, corner.y, size.width * downsample, size.height * downsample)
        levels.append(Viewport(moved.center, downsample, size))
    return levels


def _metadata(content: Content, region: Region, um: tuple[float, float]) -> dict[str, Any]:
    """OME-XML of the picture; of a region, also where on the slide it lies."""
    found: dict[str, Any] = {
        "axes": "YXS",
        "Name": content.slide_name or "Slide with overlay",
        "Description": f"{content.statement.line} · {content.provenance.research_use}",
        # Digits that a float has by chance are left out.
        "PhysicalSizeX": float(f"{um[0]:.12g}"),
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": float(f"{um[1]:.12g}"),
        "PhysicalSizeYUnit": "µm",
    }
    if region.x or region.y:
        found["Plane"] = {
            "PositionX": [region.x * content.provenance.mpp_x],
            "PositionXUnit": ["µm"],
            "PositionY": [region.y * content.provenance.mpp_y],
            "PositionYUnit": ["µm"],
        }
    return found


def _check_room(path: Path, needed: int) -> None:
    """Fail now where the disk is too small: better than after an hour."""
    folder = next((each for each in path.absolute().parents if each.is_dir()), None)
    free = None if folder is None else shutil.disk_usage(folder).free
    if free is not None and free < needed:
        raise ExportError(
            f"{path.name} needs about {bytes_text(needed)}, and {bytes_text(free)} are free there; "
            "choose a smaller size or another folder."
        )


@dataclass(slots=True)
class _Progress:
    """Counts the tiles of all levels."""

    content: Content
    total: int
    done: int = 0

    def step(self) -> None:
        self.done += 1
        self.content.progress(self.done, self.total)


def _tiles_of(size: Size) -> int:
    return math.ceil(size.width / _TILE) * math.ceil(size.height / _TILE)


def _tiles(drawn: SlidePicture, progress: _Progress) -> Iterator[RGB]:
    """Row by row, white past the edge."""
    size = drawn.size
    for top in range(0, size.height, _TILE):
        height = min(_TILE, size.height - top)
        for left in range(0, size.width, _AT_ONCE * _TILE):
            width = min(_AT_ONCE * _TILE, size.width - left)
            block = drawn.block(left, top, width, height)
            for x in range(0, width, _TILE):
                part = block[:, x : x + _TILE]
                tile = np.full((_TILE, _TILE, 3), 255, np.uint8)
                tile[: part.shape[0], : part.shape[1]] = part
                progress.step()
                yield tile

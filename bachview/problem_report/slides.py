"""What a report says of a slide: its format and sizes, and nothing that names it."""

import contextlib
from pathlib import Path

from bachview.core.pixel_size import Origin
from bachview.slide.reader import SlideMetadata
from bachview.slide.suffixes import PICTURE_SUFFIXES, SLIDE_SUFFIXES

#: Of formats that state a maker from a list; any other text may come from the laboratory.
_MAKERS = {
    *("aperio", "dicom", "generic-tiff", "hamamatsu", "leica", "mirax", "olympus", "philips"),
    *("argos", "huron", "sakura", "synthetic", "trestle", "ventana", "zeiss"),
}
_FORMATS = {*_MAKERS, "openslide", "ome-tiff", "tiff", "png", "jpeg"}
_SUFFIXES = {*SLIDE_SUFFIXES, *PICTURE_SUFFIXES, ""}
_ORIGINS = {Origin.FILE: "stated by the file", Origin.USER: "stated by the user"}


def slide_facts(metadata: SlideMetadata, route: str) -> dict[str, object]:
    """Format, levels, pixel size and decoding of an open slide.

    Not its name, labels, texts of the scanner or fingerprint.

    Parameters
    ----------
    route : as `SlideReader.route` gives it.
    """
    pixel_size, stack = metadata.pixel_size, metadata.stack
    facts: dict[str, object] = {
        "suffix": _among(metadata.path.suffix.lower(), _SUFFIXES),
        "format": _among(metadata.format_name, _FORMATS),
        "maker": _among(metadata.vendor or "not stated", {*_MAKERS, "not stated"}),
        "compression": _compression(metadata.path),
        "decoded by": route,
    }
    for level in metadata.pyramid.levels:
        facts[f"level {level.index}"] = (
            f"{level.width} × {level.height} px, downsample {level.downsample:.6g}"
        )
    facts["pixel size"] = (
        f"{pixel_size.mpp_x:.6g} × {pixel_size.mpp_y:.6g} µm, {_ORIGINS[pixel_size.origin]}"
        if pixel_size.origin in _ORIGINS
        else "not known"
    )
    power = metadata.objective_power
    profile = metadata.icc_profile
    facts |= {
        "objective": "not stated" if power is None else f"{power:g}",
        "colour profile": "none" if profile is None else f"{len(profile)} bytes",
        "other images": len(metadata.associated_images),
        "images, planes, time points": f"{stack.images}, {stack.planes}, {stack.time_points}",
    }
    return facts


def _among(text: str, known: set[str]) -> str:
    return text if text.lower() in known else "another (its text is left out)"


def _compression(path: Path) -> str:
    """The name of the compression as the TIFF or DICOM standard gives it."""
    import tifffile
    from pydicom.filereader import read_file_meta_info

    # Whatever is wrong with a file, a report of it is made.
    with contextlib.suppress(Exception), tifffile.TiffFile(path) as file:
        page = file.pages.first
        return str(tifffile.COMPRESSION(page.compression).name).lower()
    with contextlib.suppress(Exception):
        syntax = read_file_meta_info(path).TransferSyntaxUID
        return "a private one" if syntax.is_private else syntax.name
    return "not found out"

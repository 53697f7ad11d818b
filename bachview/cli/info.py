"""``bachview info``: what is known about a slide."""

from pathlib import Path
from typing import Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import print_json, print_table
from bachview.core.pixel_size import Origin
from bachview.core.stack import Choice
from bachview.core.units import magnification_text
from bachview.slide.reader import SlideMetadata


def show_info(slide: Path, choice: Choice, *, as_json: bool, verbose: bool = False) -> int:
    """Print what is known about `slide`.

    Parameters
    ----------
    verbose : also print by which route its pixels are read; the JSON document always states it.

    Raises
    ------
    SlideOpenError
        It cannot be opened.
    UsageError
        It has no such picture.
    """
    from bachview.slide.opening import opened_slide

    with opened_slide(slide, choice=choice) as reader:
        metadata, route = reader.metadata, reader.route
    if as_json:
        print_json(info_document(metadata, route))
    else:
        print_table(
            slide.name, [("", False), ("", False)], _rows(metadata, route if verbose else None)
        )
    return ExitCode.DONE


def info_document(metadata: SlideMetadata, route: str) -> dict[str, Any]:
    """The document of ``info --json``; see ``resources/schemas/info.schema.json``."""
    return {
        "path": str(metadata.path),
        "vendor": metadata.vendor,
        "levels": [
            {"width": level.width, "height": level.height, "downsample": level.downsample}
            for level in metadata.pyramid.levels
        ],
        "mpp_x": metadata.pixel_size.mpp_x,
        "mpp_y": metadata.pixel_size.mpp_y,
        "mpp_origin": metadata.pixel_size.origin.value,
        "mpp_doubt": metadata.pixel_size.doubt,
        "objective_power": metadata.objective_power,
        "fingerprint": metadata.fingerprint,
        "icc": metadata.icc_profile is not None,
        "associated_images": list(metadata.associated_images),
        "route": route,
        "stack": {
            "text": metadata.stack.text,
            "image": metadata.stack.image,
            "images": metadata.stack.images,
            "plane": metadata.stack.plane,
            "planes": metadata.stack.planes,
            "time_point": metadata.stack.time_point,
            "time_points": metadata.stack.time_points,
        },
    }


def _rows(metadata: SlideMetadata, route: str | None) -> list[tuple[str, str]]:
    pixel_size, power = metadata.pixel_size, metadata.objective_power
    pixel = "unknown"
    if pixel_size.origin is not Origin.UNKNOWN:
        pixel = f"{pixel_size.sides} µm (from the file)"
        if not pixel_size.is_plausible:
            pixel += ", implausible: classification needs --mpp"
        if pixel_size.doubt:
            pixel += f"\n{pixel_size.doubt}"
    levels = [
        (
            f"level {level.index}",
            f"{level.width:,} × {level.height:,} px, downsample {level.downsample:.6g}",
        )
        for level in metadata.pyramid.levels
    ]
    return [
        ("format", metadata.format_name),
        ("vendor", metadata.vendor or "not stated"),
        *([("pictures", metadata.stack.text)] if metadata.stack.text else ()),
        *levels,
        ("pixel size", pixel),
        ("objective", magnification_text(power) if power else "not stated"),
        ("fingerprint", metadata.fingerprint),
        ("colour profile", "embedded" if metadata.icc_profile is not None else "none"),
        ("other images", ", ".join(metadata.associated_images) or "none"),
        *([("read by", route)] if route is not None else []),
    ]

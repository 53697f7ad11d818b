"""What a TIFF file states of its pixel size: in OME-XML, in the text of other writers, in its tags.

The text of the program that wrote the file comes first, as its tags are also filled in by programs
that know nothing of it. A statement that contradicts the first one is told, not used.
"""

import re
from dataclasses import replace
from typing import Any, Final

from bachview.core.pixel_size import UM_PER_INCH, PixelSize, first_stated
from bachview.slide.formats.length_units import imagej_unit_um

_X, _Y, _UNIT = 282, 283, 296
#: Resolution units by tag value, per inch; 1 states only the ratio of the sides. Millimetres (4)
#: and micrometres (5) are not in the standard; tifffile writes them.
_PER_INCH: Final = {2: 1.0, 3: 2.54, 4: 25.4, 5: 25_400.0}
_STANDARD_UNITS: Final = (1, 2, 3)

#: What ImageJ calls the unit of pictures without a scale.
_NO_UNITS: Final = ("", "pixel", "pixels", "null", "none")
_LONGEST_UNIT: Final = 20

#: Some scanners write a decimal comma, which OpenSlide takes for a point, too.
_APERIO_MPP: Final = re.compile(r"\|\s*MPP\s*=\s*([0-9.,eE+-]+)")


def stated_pixel_size(tif: Any, key: Any, ome: PixelSize | None = None) -> PixelSize:
    """The pixel size of a page, plausible or not, with what contradicts it in the same file.

    Parameters
    ----------
    tif, key : tifffile's file and page.
    ome : what its OME-XML states of this image; None for a file without OME-XML.
    """
    in_text = size_in_text(tif, key)
    return first_stated(
        (
            ("OME-XML", ome or PixelSize.unknown()),
            ("text", in_text or PixelSize.unknown()),
            ("resolution tags", _of_tags(key)),
        )
    )


def is_stated_beyond_standard(tif: Any, key: Any) -> bool:
    """Whether a reader of the standard's tags alone misses what is stated."""
    unit = key.tags.get(_UNIT)
    is_other_unit = unit is not None and int(unit.value) not in _STANDARD_UNITS
    return is_other_unit or bool(tif.is_imagej) or size_in_text(tif, key) is not None


def size_in_text(tif: Any, key: Any) -> PixelSize | None:
    """What the text of ImageJ or Aperio states; None if there is none or it states nothing."""
    if tif.is_imagej:
        return _of_imagej(tif.imagej_metadata or {}, key)
    text = str(key.description or "")
    found = _APERIO_MPP.search(text) if text.startswith("Aperio") else None
    if found is None:
        return None
    try:
        mpp = float(found[1].replace(",", "."))
    except ValueError:
        return None
    return PixelSize.of_file(mpp, mpp)


def _of_imagej(text: dict[str, Any], key: Any) -> PixelSize | None:
    """Pixels per unit are in the tags, the unit is in the text."""
    unit = str(text.get("unit", ""))
    um_x = imagej_unit_um(unit)
    if um_x is None:
        plain = unit.strip().strip('"')[:_LONGEST_UNIT]
        if plain.lower() in _NO_UNITS:
            return None
        return replace(
            PixelSize.unknown(),
            conflict=f"Its text states pixels in {plain}, which is no known unit of length.",
        )
    # ImageJ writes the unit of y only where it is another one.
    um_y = imagej_unit_um(str(text["yunit"])) if "yunit" in text else um_x
    unit = key.tags.get(_UNIT)
    if unit is not None and int(unit.value) == 3 and text.get("unit") == "um":
        um_x = um_y = 1e4  # this pair ImageJ takes for pixels per cm
    per_x, per_y = _per_unit(key, _X), _per_unit(key, _Y)
    size = PixelSize.of_file(um_x / per_x if per_x else None, um_y / per_y if um_y and per_y else 0)
    # ImageJ takes inches and cm over from the tags of a file that it opens, also their defaults.
    return size.unless_default() if um_x in (1e4, UM_PER_INCH) else size


def _of_tags(key: Any) -> PixelSize:
    unit = key.tags.get(_UNIT)
    per_inch = _PER_INCH.get(int(unit.value) if unit else 2)
    if per_inch is None:
        return PixelSize.unknown()
    return PixelSize.from_dpi(_per_unit(key, _X) * per_inch, _per_unit(key, _Y) * per_inch)


def _per_unit(key: Any, code: int) -> float:
    """Pixels per unit of resolution; 0 if not stated."""
    tag = key.tags.get(code)
    try:
        above, below = tag.value if tag is not None else (0, 1)
        return float(above / below)
    except (TypeError, ValueError, ZeroDivisionError):  # damaged: nothing is stated
        return 0.0

"""Facts from OME-XML: pixel size, significant bits, objective."""

import math
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element, ParseError

from bachview.core.pixel_size import Origin, PixelSize
from bachview.slide.formats.channels import Channel
from bachview.slide.formats.length_units import ome_unit_um

_LONGEST_TEXT = 20
_SIZES = ("SizeZ", "SizeC", "SizeT")
_MOST_PLANES = 2**20

#: Units of OME-XML that say nothing of a length.
_NO_LENGTHS = ("pixel", "reference frame")


@dataclass(frozen=True, slots=True)
class OmeFacts:
    """Facts about the image that is shown.

    Attributes
    ----------
    significant_bits : of a sample; None if not stated.
    file_names : other files with parts of the image, as stated.
    channels : what is stated of them, in their order.
    """

    pixel_size: PixelSize
    objective_power: float | None
    vendor: str | None
    significant_bits: int | None
    file_names: frozenset[str]
    channels: tuple[Channel, ...] = ()


def read_ome(text: str, width: int, height: int, index: int = 0) -> OmeFacts:
    """Facts about the image of this size; of several, number `index` of the file if it is one.

    Raises
    ------
    ValueError
        It is not well-formed XML, uses entities to attack its reader, or claims more planes than
        any file has.
    """
    import defusedxml
    import defusedxml.ElementTree

    try:
        root = defusedxml.ElementTree.fromstring(text)
    except (ParseError, defusedxml.DefusedXmlException) as error:
        raise ValueError("its OME-XML is not readable") from error
    images = [e for e in root.iter() if _tag(e) == "Image"]
    pixels = [p for image in images for p in image if _tag(p) == "Pixels"]
    # tifffile makes a list of all of them.
    if sum(math.prod(int(p.get(size, "1")) for size in _SIZES) for p in pixels) > _MOST_PLANES:
        raise ValueError("its OME-XML claims more planes than any file has")
    fitting = [
        (abs(number - index), p)
        for number, p in enumerate(pixels)
        if (p.get("SizeX"), p.get("SizeY")) == (str(width), str(height))
    ]
    shown = min(fitting, key=lambda pair: pair[0])[1] if fitting else None
    names = frozenset(
        e.get("FileName", "") for e in root.iter() if _tag(e) == "UUID" and e.get("FileName")
    )
    objective = next((e for e in root.iter() if _tag(e) == "Objective"), None)
    maker = next((e for e in root.iter() if _tag(e) == "Microscope"), None)
    return OmeFacts(
        pixel_size=PixelSize.unknown() if shown is None else _pixel_size(shown),
        objective_power=None if objective is None else _number(objective, "NominalMagnification"),
        vendor=None if maker is None else maker.get("Manufacturer"),
        significant_bits=None if shown is None else _bits(shown),
        file_names=names,
        channels=() if shown is None else tuple(_channel(c) for c in shown if _tag(c) == "Channel"),
    )


def _channel(element: Element) -> Channel:
    shines = (
        element.get("Fluor")
        or element.get("EmissionWavelength")
        or element.get("ContrastMethod") == "Fluorescence"
    )
    try:
        packed = int(element.get("Color", "-1"))  # RGBA, signed; -1 is white
    except ValueError:
        packed = -1
    colour = (packed >> 24) & 255, (packed >> 16) & 255, (packed >> 8) & 255
    name = element.get("Name") or element.get("Fluor") or ""
    return Channel(name, None if packed == -1 else colour, bool(shines))


def _pixel_size(pixels: Element) -> PixelSize:
    mpp_x, mpp_y = _length_um(pixels, "PhysicalSizeX"), _length_um(pixels, "PhysicalSizeY")
    if mpp_x is None and mpp_y is None:
        text = pixels.get("PhysicalSizeX", "")[:_LONGEST_TEXT]
        unit = pixels.get("PhysicalSizeXUnit", "µm")
        if not text or unit in _NO_LENGTHS:
            return PixelSize.unknown()
        wrong = (
            f"pixels in {unit[:_LONGEST_TEXT]}, which is no known unit of length."
            if ome_unit_um(unit) is None
            else f"a pixel size of {text}, which is no length."
        )
        return replace(PixelSize.unknown(), conflict=f"Its OME-XML states {wrong}")
    return PixelSize(mpp_x, mpp_y, Origin.FILE)


def _length_um(pixels: Element, name: str) -> float | None:
    """A length in um; None if it is missing or its unit is not a length (pixels)."""
    value = _number(pixels, name)
    factor = ome_unit_um(pixels.get(f"{name}Unit", "µm"))
    return None if value is None or factor is None else value * factor


def _bits(pixels: Element) -> int | None:
    value = _number(pixels, "SignificantBits")
    return int(value) if value is not None and 1 <= value <= 16 else None


def _number(element: Element, name: str) -> float | None:
    """A positive, finite number."""
    try:
        value = float(element.get(name, ""))
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _tag(element: Element) -> str:
    """The name without its namespace, which changes with the model's version."""
    return str(element.tag).rsplit("}", 1)[-1]

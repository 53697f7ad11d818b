"""Properties of a slide, with OpenSlide's names where it has one."""

from collections.abc import Mapping
from types import MappingProxyType

from bachview.core.pixel_size import PixelSize
from bachview.slide.reader import SlideMetadata


def properties_of(metadata: SlideMetadata, pixel_size: PixelSize) -> Mapping[str, str]:
    """See `Slide.properties`; `pixel_size` is the one that is used."""
    levels = metadata.pyramid.levels
    bounds = metadata.pyramid.bounds
    found = {
        "openslide.level-count": str(len(levels)),
        "bachview.format": metadata.format_name,
        "bachview.fingerprint": metadata.fingerprint,
        "bachview.mpp-origin": pixel_size.origin.value,
    }
    for level in levels:
        name = f"openslide.level[{level.index}]"
        found[f"{name}.width"] = str(level.width)
        found[f"{name}.height"] = str(level.height)
        found[f"{name}.downsample"] = repr(level.downsample)
    if metadata.vendor is not None:
        found["openslide.vendor"] = metadata.vendor
    if bounds != metadata.pyramid.extent:
        for name, value in zip(("x", "y", "width", "height"), bounds, strict=True):
            found[f"openslide.bounds-{name}"] = f"{value:g}"
    for prefix, known in (("openslide", metadata.pixel_size), ("bachview", pixel_size)):
        if known.mpp_x is not None and known.mpp_y is not None:
            found[f"{prefix}.mpp-x"] = repr(known.mpp_x)
            found[f"{prefix}.mpp-y"] = repr(known.mpp_y)
    if metadata.objective_power is not None:
        found["openslide.objective-power"] = f"{metadata.objective_power:g}"
    return MappingProxyType(found)

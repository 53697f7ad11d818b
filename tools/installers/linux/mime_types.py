"""Types of the files that the program opens, in the terms of the desktop.

Types that shared-mime-info knows (TIFF, DICOM) are claimed, the others defined. JPEG and PNG are
not claimed: the program opens them, but nobody wants their holiday photos in it.
"""

from dataclasses import dataclass
from xml.etree import ElementTree as Xml

_NAMESPACE = "http://www.freedesktop.org/standards/shared-mime-info"
_BEST = "60"


@dataclass(frozen=True, slots=True)
class MimeType:
    """One type.

    Attributes
    ----------
    comment : what a file manager calls such a file.
    suffixes : endings of names, with the dot.
    parent : the type that such a file is as well; empty if none.
    is_known : whether the desktop knows it already.
    """

    name: str
    comment: str
    suffixes: tuple[str, ...]
    parent: str = ""
    is_known: bool = False


_TIFF = "image/tiff"
BUNDLE_TYPE = MimeType(
    "application/vnd.bachview.model",
    "bachview bundle",
    (".bachmodel",),
    "application/zip",
)
SLIDE_TYPES = (
    MimeType("image/x-aperio-svs", "Aperio slide", (".svs",), _TIFF),
    MimeType("image/x-hamamatsu-ndpi", "Hamamatsu slide", (".ndpi",), _TIFF),
    MimeType("image/x-hamamatsu-vms", "Hamamatsu slide", (".vms",)),
    MimeType("image/x-hamamatsu-vmu", "Hamamatsu slide", (".vmu",)),
    MimeType("image/x-mirax", "MIRAX slide", (".mrxs",), "image/jpeg"),
    MimeType("image/x-leica-scn", "Leica slide", (".scn",), _TIFF),
    MimeType("image/x-ventana-bif", "Ventana slide", (".bif",), _TIFF),
    MimeType("image/x-sakura-svslide", "Sakura slide", (".svslide",)),
    MimeType("image/x-zeiss-czi", "Zeiss slide", (".czi",)),
    MimeType("image/x-ome-tiff", "OME-TIFF image", (".ome.tif", ".ome.tiff", ".ome.btf"), _TIFF),
    MimeType("image/x-bigtiff", "BigTIFF image", (".btf",), _TIFF),
    MimeType(_TIFF, "TIFF image", (".tif", ".tiff"), is_known=True),
    MimeType("application/dicom", "DICOM image", (".dcm",), is_known=True),
)
ALL_TYPES = (*SLIDE_TYPES, BUNDLE_TYPE)


def mime_document() -> str:
    """The XML file that defines the types which the desktop does not know."""
    root = Xml.Element("mime-info", xmlns=_NAMESPACE)
    for kind in ALL_TYPES:
        if kind.is_known:
            continue
        element = Xml.SubElement(root, "mime-type", type=kind.name)
        Xml.SubElement(element, "comment").text = kind.comment
        if kind.parent:
            Xml.SubElement(element, "sub-class-of", type=kind.parent)
        for suffix in kind.suffixes:
            # Above the weight of globs that other programs define for the same endings.
            Xml.SubElement(element, "glob", pattern=f"*{suffix}", weight=_BEST)
    Xml.indent(root)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{Xml.tostring(root, encoding='unicode')}\n"

"""``Info.plist`` of the application: the template, the version, and the types of files."""

import argparse
import plistlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bachview.version import __version__
from tools.installers.linux.mime_types import ALL_TYPES, BUNDLE_TYPE, MimeType
from tools.installers.places import ROOT
from tools.installers.wheels import OLDEST_MACOS
from tools.installers.windows.release_order import release_order

TEMPLATE = ROOT / "packaging" / "macos" / "Info.plist"
#: What macOS calls the types that it knows.
_KNOWN = {
    "image/tiff": "public.tiff",
    "image/jpeg": "public.jpeg",
    "application/dicom": "org.nema.dicom",
    "application/zip": "public.zip-archive",
}


def info_plist(version: str = __version__) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = plistlib.loads(TEMPLATE.read_bytes())
    imported = [kind for kind in ALL_TYPES if kind is not BUNDLE_TYPE and not kind.is_known]
    return document | {
        "CFBundleShortVersionString": version,
        "CFBundleVersion": _build_number(version),
        "LSMinimumSystemVersion": OLDEST_MACOS,
        "CFBundleDocumentTypes": [_document_type(kind) for kind in ALL_TYPES],
        # The makers of the scanners own these types; should macOS learn them from another program,
        # its declaration wins.
        "UTImportedTypeDeclarations": [_declaration(kind) for kind in imported],
        "UTExportedTypeDeclarations": [_declaration(BUNDLE_TYPE)],
    }


def _build_number(version: str) -> str:
    """By which macOS orders releases: three numbers."""
    major, minor, micro, stage = map(int, release_order(version).split("."))
    return f"{major}.{minor}.{micro * 100_000 + stage}"


def identifier(kind: MimeType) -> str:
    """What macOS calls a type."""
    if kind.name in _KNOWN:
        return _KNOWN[kind.name]
    if kind is BUNDLE_TYPE:
        return "org.bachview.bundle"
    return f"org.bachview.imported.{kind.name.partition('/')[2].removeprefix('x-')}"


def _document_type(kind: MimeType) -> dict[str, Any]:
    rank = "Owner" if kind is BUNDLE_TYPE else "Alternate" if kind.is_known else "Default"
    return {
        "CFBundleTypeName": kind.comment,
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": rank,
        "LSItemContentTypes": [identifier(kind)],
    }


def _declaration(kind: MimeType) -> dict[str, Any]:
    parents = {"image": ["public.image"], "application": ["public.data"]}
    above = [_KNOWN[kind.parent]] if kind.parent in _KNOWN else []
    # A slide with JPEGs beside it is not itself a JPEG.
    above = [name for name in above if name != "public.jpeg"]
    return {
        "UTTypeIdentifier": identifier(kind),
        "UTTypeDescription": kind.comment,
        "UTTypeConformsTo": above or parents[kind.name.partition("/")[0]],
        "UTTypeTagSpecification": {
            "public.filename-extension": list(_endings(kind.suffixes)),
            "public.mime-type": [kind.name],
        },
    }


def _endings(suffixes: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(suffix.removeprefix(".") for suffix in suffixes)


def main(arguments: Sequence[str]) -> int:
    """Print the document."""
    parser = argparse.ArgumentParser("python -m tools.installers info-plist")
    parser.add_argument("--version", default=__version__)
    given = parser.parse_args(arguments)
    sys.stdout.write(plistlib.dumps(info_plist(given.version)).decode())
    return 0

"""What the libraries of this installation can do, in a fresh process, as one JSON document.

``python -m bachview.bench.parts_probe [SLIDE]...``; the check of the installers compares what an
installed program says with what the source says. A part that was left out by mistake, such as a
plug-in or a codec that is only found by name, is a difference.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bachview.errors import BachviewError
from bachview.models.engines.openvino_runtime import first_line, openvino
from bachview.slide.opening import open_slide

#: Larger levels are read in their middle.
_SIDE_PX: Final = 2048
_DEVICES: Final = ("CPU", "GPU", "NPU", "AUTO")


def main(slides: Sequence[str]) -> None:
    """Print the document, on the last line of standard output."""
    document = {
        "qt": qt_parts(),
        "devices": devices(),
        "slides": {slide: pixels(Path(slide)) for slide in slides},
    }
    sys.stdout.write(json.dumps(document) + "\n")


def qt_parts() -> dict[str, Any]:
    """What Qt can read, draw and print here; its plug-ins decide. GUI thread."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice
    from PySide6.QtGui import QIcon, QImageReader, QPainter, QPdfWriter
    from PySide6.QtPrintSupport import QPrinter
    from PySide6.QtWidgets import QApplication, QStyleFactory

    from bachview.config import resource_folder
    from bachview.ui.look.icons import application_icon

    application = QApplication(["bachview"])
    written = QByteArray()
    buffer = QBuffer(written)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    page = QPdfWriter(buffer)
    painter = QPainter(page)
    painter.drawText(100, 100, "bachview")
    painter.end()
    by_plugin = QIcon(str(resource_folder() / "icons" / "open.svg"))
    parts = {
        "image formats": sorted(
            bytes(name.data()).decode() for name in QImageReader.supportedImageFormats()
        ),
        "styles": sorted(QStyleFactory.keys()),
        "icon": not application_icon().pixmap(32).isNull(),
        "SVG icon by plug-in": not by_plugin.pixmap(32).isNull(),
        "PDF": bytes(written.data()).startswith(b"%PDF") and written.size() > 1000,
        "print": QPrinter().isValid(),
    }
    application.shutdown()
    return parts


def devices() -> dict[str, str]:
    """For each kind of device, its plug-in's version, or why it does not load here."""
    core = openvino().Core()
    found = {}
    for device in _DEVICES:
        try:
            found[device] = str(core.get_versions(device)[device].build_number)
        except (RuntimeError, KeyError) as error:
            found[device] = first_line(error)
    return found


def pixels(slide: Path) -> str:
    """A hash of the slide's pixels on all levels, or why it cannot be read."""
    told = hashlib.sha256()
    try:
        reader = open_slide(slide)
        try:
            for number, level in enumerate(reader.metadata.pyramid.levels):
                width, height = min(level.width, _SIDE_PX), min(level.height, _SIDE_PX)
                x, y = (level.width - width) // 2, (level.height - height) // 2
                told.update(reader.read(number, x, y, width, height).tobytes())
        finally:
            reader.close()
    except BachviewError as error:
        return str(error)
    return told.hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])

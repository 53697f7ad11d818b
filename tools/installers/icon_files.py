"""The program's icon as a file of Windows or macOS, drawn from its SVG."""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from bachview.config import APPLICATION, resource_folder
from tools.installers.errors import InstallerError
from tools.installers.places import ROOT

#: Sides in px. Windows wants the small ones drawn, not scaled.
_WINDOWS = (16, 20, 24, 32, 40, 48, 64, 96, 128, 256)
_MACOS = (16, 32, 64, 128, 256, 512, 1024)


def write_icon(path: Path, drawing: Path | None = None) -> None:
    """Write an ``.ico`` or ``.icns`` file.

    Raises
    ------
    InstallerError
        The drawing is no SVG file, or the name has another suffix.
    """
    drawing = drawing or resource_folder() / "icons" / "bachview.svg"
    renderer = QSvgRenderer(str(drawing))
    if not renderer.isValid():
        raise InstallerError(f"{drawing} is not an SVG file that can be drawn.")
    sides = {".ico": _WINDOWS, ".icns": _MACOS}.get(path.suffix)
    if sides is None:
        raise InstallerError(f"{path.name}: an icon is an .ico or an .icns file.")
    images = [_drawn(renderer, side) for side in sides]
    path.parent.mkdir(parents=True, exist_ok=True)
    largest, others = images[-1], images[:-1]
    if path.suffix == ".ico":
        largest.save(path, sizes=[(side, side) for side in sides], append_images=others)
    else:
        largest.save(path, append_images=others)


def _drawn(renderer: QSvgRenderer, side: int) -> Image.Image:
    image = QImage(QSize(side, side), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes
    return Image.open(BytesIO(buffer.data().data()))


def main(arguments: Sequence[str]) -> int:
    """Draw the icons where the frozen program looks for them, or into another folder."""
    parser = argparse.ArgumentParser("python -m tools.installers icons")
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "icons")
    folder = parser.parse_args(arguments).folder
    for suffix in (".ico", ".icns"):
        write_icon(folder / f"{APPLICATION}{suffix}")
    return 0

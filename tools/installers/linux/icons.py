"""The program's icon in the sizes of the desktop."""

import shutil
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from tools.installers.errors import InstallerError

#: Sides in px.
SIZES = (16, 22, 24, 32, 48, 64, 96, 128, 256, 512)


def write_icons(drawing: Path, hicolor: Path, *, name: str) -> None:
    """Draw an SVG file in all sizes, into the folders of a ``hicolor`` theme.

    Raises
    ------
    InstallerError
        It is no SVG file, or a file cannot be written.
    """
    renderer = QSvgRenderer(str(drawing))
    if not renderer.isValid():
        raise InstallerError(f"{drawing} is not an SVG file that can be drawn.")
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter)
        painter.end()
        target = hicolor / f"{size}x{size}" / "apps" / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not image.save(str(target)):
            raise InstallerError(f"{target} cannot be written.")
    scalable = hicolor / "scalable" / "apps" / f"{name}.svg"
    scalable.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(drawing, scalable)

"""Icons from our SVG files, tinted for the theme."""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from bachview.config import resource_folder
from bachview.ui.theme import Colors

#: The stroke colour in the files, replaced by the theme's.
_INK = "#000000"
_SIZES_PX = (16, 20, 24, 32, 40, 48, 64)


def icon(name: str, colors: Colors, *, ink: str | None = None) -> QIcon:
    """The icon ``resources/icons/<name>.svg``, in the theme's text colour or in `ink`.

    GUI thread only. A missing file gives an empty icon: the action keeps its text.
    """
    path = resource_folder() / "icons" / f"{name}.svg"
    try:
        drawing = path.read_text(encoding="utf-8")
    except OSError:
        return QIcon()
    result = QIcon()
    for mode, color in (
        (QIcon.Mode.Normal, ink or colors.text),
        (QIcon.Mode.Disabled, colors.disabled),
    ):
        renderer = QSvgRenderer(QByteArray(drawing.replace(_INK, color).encode()))
        for size in _SIZES_PX:
            result.addPixmap(_drawn(renderer, size), mode)
    return result


def application_icon() -> QIcon:
    """The program's own, coloured icon."""
    path = resource_folder() / "icons" / "bachview.svg"
    result = QIcon()
    renderer = QSvgRenderer(str(path))
    if renderer.isValid():
        for size in (16, 24, 32, 48, 64, 128, 256):
            result.addPixmap(_drawn(renderer, size))
    return result


def _drawn(renderer: QSvgRenderer, size_px: int) -> QPixmap:
    pixmap = QPixmap(size_px, size_px)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return pixmap

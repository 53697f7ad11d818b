"""Icons from our SVG files, tinted for the theme, drawn once.

Every message, tab and list uses the same few icons. They are kept in Qt's own cache, which is
cleared before the application ends; a cache of ours would outlive it.
"""

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from bachview.config import resource_folder
from bachview.ui.look.theme import Colors

#: The stroke colour in the files, replaced by the theme's.
_INK = "#000000"
_SIZES_PX = (16, 20, 24, 32, 40, 48, 64)


def icon(name: str, colors: Colors, *, ink: str | None = None) -> QIcon:
    """The icon ``resources/icons/<name>.svg``, in the theme's text colour or in `ink`.

    GUI thread only. If the file is missing the icon is empty: the action keeps its text.
    """
    result = QIcon()
    for mode, color in (
        (QIcon.Mode.Normal, ink or colors.text),
        (QIcon.Mode.Disabled, colors.disabled),
    ):
        for pixmap in _tinted(name, color):
            result.addPixmap(pixmap, mode)
    return result


def application_icon() -> QIcon:
    """The program's own icon, in colour."""
    path = resource_folder() / "icons" / "bachview.svg"
    result = QIcon()
    renderer = QSvgRenderer(str(path))
    if renderer.isValid():
        for size in (16, 24, 32, 48, 64, 128, 256):
            result.addPixmap(_drawn(renderer, size))
    return result


def _tinted(name: str, color: str) -> list[QPixmap]:
    """One icon in one colour, in all sizes."""
    kept = [_kept(f"{name} {color} {size}") for size in _SIZES_PX]
    found = [pixmap for pixmap in kept if pixmap is not None]
    if len(found) == len(_SIZES_PX):
        return found
    path = resource_folder() / "icons" / f"{name}.svg"
    try:
        drawing = path.read_text(encoding="utf-8")
    except OSError:
        return []
    renderer = QSvgRenderer(QByteArray(drawing.replace(_INK, color).encode()))
    drawn = [_drawn(renderer, size) for size in _SIZES_PX]
    for size, pixmap in zip(_SIZES_PX, drawn, strict=True):
        QPixmapCache.insert(f"{name} {color} {size}", pixmap)
    return drawn


def _kept(key: str) -> QPixmap | None:
    pixmap = QPixmap()
    return pixmap if QPixmapCache.find(key, pixmap) else None


def _drawn(renderer: QSvgRenderer, size_px: int) -> QPixmap:
    pixmap = QPixmap(size_px, size_px)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return pixmap

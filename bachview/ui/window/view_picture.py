"""The view as a picture to be pasted elsewhere: what is seen, scale bar, and what the colours mean.

GUI thread.
"""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QMarginsF,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    QSizeF,
    Qt,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPageSize,
    QPainter,
    QPdfWriter,
    QRegion,
)
from PySide6.QtWidgets import QWidget

from bachview.core.summary import summarize
from bachview.export.legend import Ramp, correction_entry, entries_of
from bachview.slide.reader import RGB
from bachview.ui.look.spacing import APART, NEAR, PLATE_PX, TIGHT
from bachview.ui.view.painting import image_of
from bachview.ui.view.read_out import ReadOut
from bachview.ui.view.vector_annotations import paint_as_vectors
from bachview.ui.window.slide_page import SlidePage

_INK, _PAPER = QColor(20, 20, 20), QColor(255, 255, 255)
_WRAPPED = int(Qt.TextFlag.TextWordWrap)
_PDF_DPI = 300
_SWATCH_VP = (24.0, 14.0)
_RAMP_VP = (160.0, 14.0)


@dataclass(frozen=True, slots=True)
class _Item:
    """A swatch of a size and the words after it."""

    swatch: QImage
    width: float
    height: float
    words: str


class ViewPicture:
    """A picture of what a page shows, with a legend below; the slide's name is not in it.

    Attributes
    ----------
    width, height : device-independent px of the view, and the legend.
    """

    def __init__(self, page: SlidePage) -> None:
        self._page = page
        view = page.view
        self._font = QFont(view.font())
        self._font.setPixelSize(PLATE_PX)
        metrics = self._metrics = QFontMetricsF(self._font)
        self.width = view.width()
        self._inner = self.width - 2 * APART
        self._lines = _lines(_items(page), self._inner, metrics)
        self._sentences = _sentences(page)
        self._row = metrics.height() + TIGHT
        room = QRectF(0, 0, self._inner, 10_000)
        words = metrics.boundingRect(room, _WRAPPED, self._sentences).height()
        self._words = words if self._sentences else 0.0
        strip = len(self._lines) * self._row + self._words
        self.height = view.height() + math.ceil(strip + 2 * NEAR if strip else 0.0)

    def image(self) -> QImage:
        """As on the screen, without what only helps there: minimap and what can be clicked."""
        view = self._page.view
        ratio = view.devicePixelRatioF()
        size = round(self.width * ratio), round(self.height * ratio)
        image = QImage(*size, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(_PAPER)
        view.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
        painter = QPainter(image)
        self._paint_legend(painter)
        painter.end()
        return image

    def svg(self) -> bytes:
        """With the annotations as lines over a picture of the rest."""
        from PySide6.QtSvg import QSvgGenerator

        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        generator.setSize(QSize(self.width, self.height))
        generator.setViewBox(QRectF(0, 0, self.width, self.height))
        generator.setTitle("View of a slide")
        painter = QPainter(generator)
        self._paint(painter)
        painter.end()
        buffer.close()
        return bytes(content.data())

    def pdf(self) -> bytes:
        """The same as one page."""
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QPdfWriter(buffer)
        writer.setTitle("View of a slide")
        writer.setCreator("bachview")
        page = QPageSize(QSizeF(self.width, self.height), QPageSize.Unit.Point, "view")
        writer.setPageSize(page)
        writer.setPageMargins(QMarginsF(0, 0, 0, 0))
        writer.setResolution(_PDF_DPI)
        painter = QPainter(writer)
        painter.scale(_PDF_DPI / 72, _PDF_DPI / 72)  # a px of the view is a point
        self._paint(painter)
        painter.end()
        buffer.close()
        return bytes(content.data())

    def _paint(self, painter: QPainter) -> None:
        """With annotations as lines."""
        page, view = self._page, self._page.view
        painter.fillRect(QRectF(0, 0, self.width, self.height), _PAPER)
        below, viewport = view.picture_below_annotations(), view.viewport
        if below is None or viewport is None:
            return
        inside = QRectF(0, 0, view.width(), view.height())
        painter.drawImage(inside, below)
        painter.save()
        painter.setClipRect(inside)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        marks, pixel_size = page.document.marks, page.document.pixel_size
        annotations = tuple(marks.working_set.annotations.values())
        has_values = view.annotations.has_values
        paint_as_vectors(painter, viewport, annotations, pixel_size, has_values=has_values)
        painter.restore()
        power = page.document.metadata.objective_power
        ReadOut().paint(painter, viewport, pixel_size, power)
        self._paint_legend(painter)

    def _paint_legend(self, painter: QPainter) -> None:
        painter.setFont(self._font)
        painter.setPen(_INK)
        row, metrics = self._row, self._metrics
        y = self._page.view.height() + float(NEAR)
        for line in self._lines:
            x = float(APART)
            for item in line:
                top = y + (row - item.height) / 2
                painter.drawImage(QRectF(x, top, item.width, item.height), item.swatch)
                x += item.width + TIGHT
                baseline = y + (row - metrics.height()) / 2 + metrics.ascent()
                painter.drawText(QPointF(x, baseline), item.words)
                x += metrics.horizontalAdvance(item.words) + APART
            y += row
        painter.drawText(QRectF(APART, y, self._inner, self._words), _WRAPPED, self._sentences)


def _sentences(page: SlidePage) -> str:
    """What the colours are of; nothing without colours."""
    if page.document.prediction is None or not page.view.overlay_style.is_shown:
        return ""
    text = page.chip.text
    whole = " · ".join(part for part in (text.scope, text.model, text.measured) if part)
    return "\n".join(part for part in (text.warning, whole) if part)


def _items(page: SlidePage) -> list[_Item]:
    document, style = page.document, page.view.overlay_style
    prediction, thresholds = document.prediction, document.thresholds
    if prediction is None or thresholds is None or not style.is_shown:
        return []
    items = []
    ramp = Ramp.of(style, prediction.classes)
    if ramp is not None:
        first, _, last = ramp.numbers
        items.append(_Item(_image(ramp.colors), *_RAMP_VP, f"{ramp.title}: {first} to {last}"))
    if document.pixel_size.is_plausible:
        entries = entries_of(summarize(prediction, document.pixel_size, thresholds), style)
        if style.show_corrections and page.correcting.corrected:
            entries.append(correction_entry(prediction.classes))
        items += [_Item(_image(entry.swatch), *_SWATCH_VP, entry.name) for entry in entries]
    return items


def _image(pixels: RGB) -> QImage:
    height, width = pixels.shape[:2]
    content = np.full((height, width, 4), 255, np.uint8)
    content[..., :3] = pixels[..., ::-1]
    return image_of(content).copy()


def _lines(items: list[_Item], width: float, metrics: QFontMetricsF) -> list[list[_Item]]:
    """As many items in a line as there is room for."""
    lines: list[list[_Item]] = []
    left = 0.0
    for item in items:
        needed = item.width + TIGHT + metrics.horizontalAdvance(item.words) + APART
        if not lines or needed > left:
            lines.append([])
            left = width + APART
        lines[-1].append(item)
        left -= needed
    return lines


def png(image: QImage) -> bytes:
    """The content of a PNG file. Any thread."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes
    buffer.close()
    return bytes(content.data())

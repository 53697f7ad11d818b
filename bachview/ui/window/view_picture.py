"""The view as a picture to be pasted elsewhere: what is seen, scale bar, and what the colours mean.

GUI thread.
"""

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from bachview.core.summary import summarize
from bachview.export.legend import Ramp, correction_entry, entries_of
from bachview.slide.reader import RGB
from bachview.ui.look.spacing import APART, NEAR, PLATE_PX, TIGHT
from bachview.ui.view.painting import image_of
from bachview.ui.window.slide_page import SlidePage

_INK, _PAPER = QColor(20, 20, 20), QColor(255, 255, 255)
_SWATCH_VP = (24.0, 14.0)
_RAMP_VP = (160.0, 14.0)


@dataclass(frozen=True, slots=True)
class _Item:
    """A swatch of a size and the words after it."""

    swatch: QImage
    width: float
    height: float
    words: str


def view_picture(page: SlidePage) -> QImage:
    """What the view shows, with its scale bar, and below it what the colours of a prediction mean.

    The slide's name is not in it.

    Returns
    -------
    As many device px as the view has, and the legend.
    """
    view = page.view
    items, sentences = _items(page), _sentences(page)
    ratio = view.devicePixelRatioF()
    font = QFont(view.font())
    font.setPixelSize(PLATE_PX)
    metrics = QFontMetricsF(font)
    row = metrics.height() + TIGHT
    lines = _lines(items, view.width() - 2 * APART, metrics)
    below = QRectF(0, 0, view.width() - 2 * APART, 10_000)
    flags = int(Qt.TextFlag.TextWordWrap)
    words = metrics.boundingRect(below, flags, sentences).height() if sentences else 0.0
    strip = len(lines) * row + words
    strip = strip + 2 * NEAR if strip else 0.0
    height = view.height() + math.ceil(strip)
    image = QImage(round(view.width() * ratio), round(height * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(_PAPER)
    # Without what only helps at the screen: minimap and what can be clicked.
    view.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
    painter = QPainter(image)
    painter.setFont(font)
    painter.setPen(_INK)
    y = view.height() + float(NEAR)
    for line in lines:
        x = float(APART)
        for item in line:
            top = y + (row - item.height) / 2
            painter.drawImage(QRectF(x, top, item.width, item.height), item.swatch)
            x += item.width + TIGHT
            baseline = y + (row - metrics.height()) / 2 + metrics.ascent()
            painter.drawText(QPointF(x, baseline), item.words)
            x += metrics.horizontalAdvance(item.words) + APART
        y += row
    painter.drawText(QRectF(APART, y, below.width(), words), flags, sentences)
    painter.end()
    return image


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
        if document.marks.working_set.corrections:
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

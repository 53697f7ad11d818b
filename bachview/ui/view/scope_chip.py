"""What the colours on the slide are of: a few words in the top left corner of the view."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from bachview.ui.look.plates import PLATE, WARNING_PLATE, plate, writing_on
from bachview.ui.look.spacing import APART, NEAR, PLATE_PX
from bachview.ui.view.minimap import Minimap

#: Narrower than this beside the minimap, the chip goes below it, px.
_LEAST_VP = 200
#: A model's name is shortened to this before it gets a line of its own, px.
_LEAST_NAME_VP = 60
_MOST_WARNING_LINES = 3
_DOT = " · "

_CHANGES_OF_PLACE = frozenset(
    {
        QEvent.Type.Resize,
        QEvent.Type.Move,
        QEvent.Type.ShowToParent,
        QEvent.Type.HideToParent,
        QEvent.Type.DevicePixelRatioChange,
        QEvent.Type.FontChange,
    }
)


@dataclass(frozen=True, slots=True)
class ChipText:
    """The words of the chip.

    Attributes
    ----------
    scope : what was judged and how much of it; never shortened.
    model : its name; empty without a prediction.
    measured : how often the model was right when measured; empty if that is unknown.
    warning : what speaks against believing the colours; empty if nothing does.
    details : all of it at full length, for the tool tip.
    """

    scope: str
    model: str = ""
    measured: str = ""
    warning: str = ""
    details: str = ""


NOT_CLASSIFIED = ChipText(
    "Not classified", details="No model has been read yet, so no results were looked for."
)


class ScopeChip(QWidget):
    """Lies over a slide's view, beside its minimap; the mouse goes through it. GUI thread only.

    It is drawn once for each text and width: a frame of the view only copies it.
    """

    def __init__(self, view: QWidget, minimap: Minimap) -> None:
        super().__init__(view)
        self._view = view
        self._minimap = minimap
        self._usual = self._text = NOT_CLASSIFIED
        self._instead: ChipText | None = None
        self._key: object = None
        self._image = QImage()
        self._lines: tuple[str, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        view.installEventFilter(self)
        minimap.installEventFilter(self)
        self._arrange()

    @property
    def lines(self) -> tuple[str, ...]:
        """What is written on it now, line by line."""
        return self._lines

    @property
    def text(self) -> ChipText:
        return self._text

    def show_text(self, text: ChipText) -> None:
        """Write this from now on."""
        self._usual = text
        self._renew()

    def show_instead(self, text: ChipText | None) -> None:
        """Write this as long as other colours are shown; None for what is written usually."""
        self._instead = text
        self._renew()

    def _renew(self) -> None:
        text = self._instead or self._usual
        if text != self._text:
            self._text = text
            self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for the minimap, and show the tool tip, which the view is asked for."""
        if event.type() in _CHANGES_OF_PLACE:
            self._arrange()
        elif (
            isinstance(event, QHelpEvent)
            and watched is self._view
            and event.type() == QEvent.Type.ToolTip
            and self.geometry().contains(event.pos())
        ):
            details = self._text.details
            QToolTip.showText(event.globalPos(), details, self._view, self.geometry())
            return True
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Copy the picture."""
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._image)
        painter.end()

    def _arrange(self) -> None:
        """Find the place, and draw the picture if text, width or screen have changed."""
        room, top = self._view.width() - 2 * APART, APART
        if not self._minimap.isHidden():
            beside = self._minimap.x() - 2 * APART
            if beside >= _LEAST_VP:
                room = beside
            else:
                top = self._minimap.geometry().bottom() + 1 + APART
        ratio = self._view.devicePixelRatioF()
        font = QFont(self.font())
        font.setPixelSize(PLATE_PX)
        key = self._text, room, ratio, font.family()
        if key != self._key:
            self._key = key
            metrics = QFontMetricsF(font)
            self._lines = lines_of(self._text, room - 2 * NEAR, metrics)
            self._image = _drawn(self._lines, font, ratio, is_warning=bool(self._text.warning))
            self.setAccessibleName(self._text.details)
            self.update()
        width, height = (round(side / ratio) for side in self._image.size().toTuple())
        self.setGeometry(APART, top, width, height)


def lines_of(text: ChipText, width: float, metrics: QFontMetricsF) -> tuple[str, ...]:
    """The lines of a chip that is at most `width` px wide inside.

    Scope and coverage are wrapped between words and always whole. If there is no room, first the
    name of the model is shortened in the middle, then how often it was right at the end.
    """
    warning = _wrapped(text.warning, width, metrics)
    if len(warning) > _MOST_WARNING_LINES:
        rest = " ".join(warning[_MOST_WARNING_LINES - 1 :])
        last = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width)
        warning = (*warning[: _MOST_WARNING_LINES - 1], last)
    model = [part for part in (text.model, text.measured) if part]
    whole = _DOT.join([text.scope, *model])
    if metrics.horizontalAdvance(whole) <= width:
        return (*warning, whole)
    left = width
    if text.measured:
        left -= metrics.horizontalAdvance(_DOT + text.measured)
    if not text.model or left >= min(_LEAST_NAME_VP, metrics.horizontalAdvance(text.model)):
        name = metrics.elidedText(text.model, Qt.TextElideMode.ElideMiddle, max(0.0, left))
        model = [_DOT.join(part for part in (name, text.measured) if part)]
    ends = [metrics.elidedText(part, Qt.TextElideMode.ElideRight, width) for part in model]
    return (*warning, *_wrapped(text.scope, width, metrics), *(end for end in ends if end))


def _wrapped(text: str, width: float, metrics: QFontMetricsF) -> tuple[str, ...]:
    lines: list[str] = []
    for word in text.replace(" %", "\u00a0%").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        elif word:
            lines.append(word)
    return tuple(line.removesuffix(" ·") for line in lines)


def _drawn(lines: tuple[str, ...], font: QFont, ratio: float, *, is_warning: bool) -> QImage:
    """The chip as a picture with `ratio` device px per px."""
    metrics = QFontMetricsF(font)
    widest = max(metrics.horizontalAdvance(line) for line in lines)
    width, height = widest + 2 * NEAR + 1, len(lines) * metrics.height() + 8
    image = plate(width, height, ratio)
    with writing_on(image, width, height, font, WARNING_PLATE if is_warning else PLATE) as painter:
        for place, line in enumerate(lines):
            box = QRectF(NEAR, 4 + place * metrics.height(), widest + 1, metrics.height())
            painter.drawText(
                box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), line
            )
    return image

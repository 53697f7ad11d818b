"""What the tab of a slide says about its run, also while another slide is in front."""

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from bachview.core.units import whole_percent_text
from bachview.ui.look.icons import icon
from bachview.ui.look.theme import Colors
from bachview.ui.session.run_status import RunState, RunStatus

_SIDE_PX = 16
#: Drawn finer than the tab shows it, for screens with several pixels per point.
_SCALE = 4
_WIDTH = 2.5
_FIGURE_SPACE = "\u2007"
_PERCENT_CHARS = len("100 %") + 1
_SIXTEENTHS = 16  # of a degree, Qt's unit of angles


class _Picture(StrEnum):
    NONE = ""
    RING = "ring"
    PAUSE = "pause"
    WARNING = "warning"


_PICTURES = {
    RunState.WAITING: _Picture.RING,
    RunState.LOADING: _Picture.RING,
    RunState.PREPARING: _Picture.RING,
    RunState.RUNNING: _Picture.RING,
    RunState.STOPPING: _Picture.RING,
    RunState.PAUSED: _Picture.PAUSE,
    RunState.FAILED: _Picture.WARNING,
    RunState.REFUSED: _Picture.WARNING,
}


@dataclass(frozen=True, slots=True)
class TabMark:
    """Changes only when the tab has to change.

    Attributes
    ----------
    percent : ``37 %`` of the run; empty while that is unknown, or after the run.
    tip : a line for the tool tip; empty where nothing goes on.
    """

    picture: _Picture = _Picture.NONE
    percent: str = ""
    tip: str = ""

    @classmethod
    def of(cls, status: RunStatus) -> "TabMark":
        """The mark for a run that goes on, is paused, failed or was refused; for others none."""
        picture = _PICTURES.get(status.state, _Picture.NONE)
        if picture is _Picture.NONE:
            return cls()
        if picture is _Picture.WARNING:
            return cls(picture, "", f"{status.title}: {status.message}")
        progress = status.progress
        if progress is None or not progress.total:
            return cls(picture, "", status.title)
        percent = whole_percent_text(progress.done / progress.total)
        return cls(picture, percent, f"{status.title}: {percent} of this run is done")

    def title(self, name: str) -> str:
        """Text of the tab of the slide `name`; ampersands as Qt wants them."""
        text = name.replace("&", "&&")
        # As wide for 7 % as for 37 %: the button that closes the tab must not move.
        return (
            f"{text}  ·{self.percent.rjust(_PERCENT_CHARS, _FIGURE_SPACE)}"
            if self.percent
            else text
        )

    def icon(self, share: float, colors: Colors) -> QIcon:
        """The picture; `share` of the run that is done, 0..1."""
        if self.picture is _Picture.NONE:
            return QIcon()
        if self.picture is _Picture.RING:
            return QIcon(_ring(share, colors))
        return icon(self.picture.value, colors)


def _ring(share: float, colors: Colors) -> QPixmap:
    """A ring that fills clockwise from the top."""
    pixmap = QPixmap(_SIDE_PX * _SCALE, _SIDE_PX * _SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(_SCALE, _SCALE)
    inset = _WIDTH / 2 + 0.5
    box = QRectF(inset, inset, _SIDE_PX - 2 * inset, _SIDE_PX - 2 * inset)
    for color, part in ((colors.border, 1.0), (colors.accent, share)):
        pen = QPen(QColor(color), _WIDTH)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawArc(box, 90 * _SIXTEENTHS, -round(360 * _SIXTEENTHS * part))
    painter.end()
    return pixmap

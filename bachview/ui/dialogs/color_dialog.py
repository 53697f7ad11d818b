"""Qt's choice of a colour, in the program's own look on every system."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QWidget

_FIRST = (255, 200, 0)


class ColorDialog(QColorDialog):
    """For `modal.ask`.

    Signals
    -------
    chosen((red, green, blue)) : a colour, each part 0..255.
    """

    chosen = Signal(object)

    def __init__(
        self, title: str, color: tuple[int, int, int] | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(QColor(*(color or _FIRST)), parent)
        self.setWindowTitle(title)
        self.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        self.colorSelected.connect(
            lambda chosen: self.chosen.emit((chosen.red(), chosen.green(), chosen.blue()))
        )

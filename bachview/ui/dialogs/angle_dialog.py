"""A dialog to type the angle by which the slide is rotated."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialogButtonBox, QFormLayout, QWidget

from bachview.core.units import significant_text
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.number_edit import NumberEdit
from bachview.ui.look.widgets import WrappedLabel, allow

_FULL_TURN = 360


class AngleDialog(LaidOutDialog):
    """One angle, which is seen on the slide while it is typed.

    Signals
    -------
    typed(float) : degrees, clockwise.
    """

    typed = Signal(float)

    def __init__(self, angle_deg: float, parent: QWidget | None = None) -> None:
        super().__init__("Rotation", parent)
        self._angle = NumberEdit(-_FULL_TURN, _FULL_TURN, self)
        self._angle.setText(significant_text(round(angle_deg, 1), 4))
        self._angle.selectAll()
        self._complaint = WrappedLabel("", self)
        self._complaint.setObjectName("muted")
        self._ok = self.buttons.addButton(QDialogButtonBox.StandardButton.Ok)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._ok.setDefault(True)
        form = QFormLayout()
        form.addRow("&Angle in degrees, clockwise", self._angle)
        form.addRow(self._complaint)
        self.content.addLayout(form)
        self._angle.textChanged.connect(self._follow)

    def accept(self) -> None:
        """Only with an angle: the Enter key does not ask whether the button is on."""
        if self._angle.value is not None:
            super().accept()

    def _follow(self) -> None:
        angle = self._angle.value
        allow(self._ok, "" if angle is not None else "Type an angle first")
        self._complaint.setText(self._angle.complaint)
        if angle is not None:
            self.typed.emit(angle)

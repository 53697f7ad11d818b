"""A question with two answers, for `modal.ask`."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLayout, QWidget

from bachview.ui.look.widgets import WrappedLabel, dialog_column, plain

_TEXT_PX = 420


class QuestionDialog(QDialog):
    """`accepted` for the first answer, `rejected` for the second, Escape and closing it.

    The second answer, which changes nothing, is that of the Enter key.
    """

    def __init__(
        self, title: str, text: str, yes: str, no: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.text = text
        label = WrappedLabel("", self)
        label.setFixedWidth(_TEXT_PX)  # first, as its height follows
        plain(label).setText(text)  # file names may contain what looks like markup
        buttons = QDialogButtonBox(self)
        self.yes = buttons.addButton(yes, QDialogButtonBox.ButtonRole.AcceptRole)
        self.no = buttons.addButton(no, QDialogButtonBox.ButtonRole.RejectRole)
        self.yes.setAutoDefault(False)
        self.no.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = dialog_column(self)
        column.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        column.addWidget(label)
        column.addWidget(buttons)
        self.no.setFocus()

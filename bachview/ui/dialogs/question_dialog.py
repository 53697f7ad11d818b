"""A question with two answers, for `modal.ask`."""

from PySide6.QtWidgets import QDialogButtonBox, QLayout, QWidget

from bachview.ui.dialogs.layout import LaidOutDialog, scaled
from bachview.ui.look.widgets import WrappedLabel, plain

_TEXT_PX = 420


class QuestionDialog(LaidOutDialog):
    """`accepted` for the first answer, `rejected` for the second, Escape and closing it.

    The second answer, which changes nothing, is that of the Enter key.
    """

    def __init__(
        self, title: str, text: str, yes: str, no: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent)
        self.text = text
        label = WrappedLabel("", self)
        label.setFixedWidth(scaled(self, _TEXT_PX, 0).width())  # first, as its height follows
        plain(label).setText(text)  # file names may contain what looks like markup
        self.yes = self.buttons.addButton(yes, QDialogButtonBox.ButtonRole.AcceptRole)
        self.no = self.buttons.addButton(no, QDialogButtonBox.ButtonRole.RejectRole)
        self.yes.setAutoDefault(False)
        self.no.setDefault(True)
        self.content.addWidget(label)
        layout = self.layout()
        if layout is not None:
            layout.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        self.no.setFocus()

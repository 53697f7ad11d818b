"""The one layout of dialogs: title, content, buttons."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from bachview.ui.look.spacing import NEAR
from bachview.ui.look.widgets import WrappedLabel, dialog_column, plain

#: Line height, px, of the font that sizes are given for.
_USUAL_LINE = 16
_MOST_OF_SCREEN = 0.9


class LaidOutDialog(QDialog):
    """A title, what the subclass puts into `content`, and `buttons`, in the system's order.

    Without another button Enter and Escape close it.

    Attributes
    ----------
    title : a sentence at the top; hidden while it is empty. File names in it are shown literally.
    content : the column between title and buttons.
    """

    def __init__(
        self,
        window_title: str,
        parent: QWidget | None = None,
        *,
        title: str = "",
        size: tuple[int, int | None] | None = None,
    ) -> None:
        """Lay out an empty dialog.

        Parameters
        ----------
        size : to begin with, px at the usual font; larger with a larger one. None as the height is
            most of the screen's.
        """
        super().__init__(parent)
        self.setWindowTitle(window_title)
        self.title: QLabel = plain(WrappedLabel(title, self))
        self.title.setObjectName("heading")
        self.title.setVisible(bool(title))
        self.content = QVBoxLayout()
        self.content.setSpacing(NEAR)
        self.buttons = QDialogButtonBox(self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = dialog_column(self)
        column.addWidget(self.title)
        column.addLayout(self.content, 1)
        column.addWidget(self.buttons)
        if size is not None:
            width, height = size
            wanted = scaled(self, width, height or 0)
            if height is None:
                room = (parent or self).screen().availableGeometry()
                wanted.setHeight(round(_MOST_OF_SCREEN * room.height()))
            self.resize(wanted)

    def set_title(self, text: str) -> None:
        """Say something else at the top."""
        self.title.setText(text)
        self.title.setVisible(bool(text))

    def add_close(self) -> QPushButton:
        """The button that Enter and Escape press."""
        close = self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        close.setFocus()
        return close

    def add_action(self, text: str, tip: str = "") -> QPushButton:
        """A button that does not close the dialog."""
        button = self.buttons.addButton(text, QDialogButtonBox.ButtonRole.ActionRole)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        return button


def scaled(widget: QWidget, width: int, height: int) -> QSize:
    """A size that is right at the usual font, for the font that the user has."""
    widget.ensurePolished()
    scale = max(1.0, widget.fontMetrics().height() / _USUAL_LINE)
    return QSize(round(width * scale), round(height * scale))

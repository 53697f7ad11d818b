"""About → Licences: of the program, its libraries and its models, in one text."""

from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from bachview.licences.document import shown_licences
from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.widgets import allow


class LicencesDialog(LaidOutDialog):
    """The text, and a field to find something in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Licences", parent, size=(820, 640))
        self.text = QPlainTextEdit(shown_licences(), self)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Licences")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.wanted = QLineEdit(self)
        self.wanted.setPlaceholderText("Find a library or a licence")
        self.wanted.setAccessibleName("Text to find")
        self.wanted.setClearButtonEnabled(True)
        self.next_button = QPushButton("&Next", self)
        row = QHBoxLayout()
        row.addWidget(self.wanted, 1)
        row.addWidget(self.next_button)
        self.content.addLayout(row)
        self.content.addWidget(self.text, 1)
        self.add_close()
        self.next_button.setDefault(True)
        self.wanted.textChanged.connect(self._find_first)
        self.next_button.clicked.connect(self._find_next)
        self._find_first("")
        self.wanted.setFocus()

    def _find_first(self, wanted: str) -> None:
        allow(self.next_button, "" if wanted else "Type what to find first")
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        if wanted:
            allow(self.next_button, "" if self.text.find(wanted) else "This is not in the text")

    def _find_next(self) -> None:
        """The next place; after the last the first."""
        if not self.text.find(self.wanted.text()):
            self._find_first(self.wanted.text())

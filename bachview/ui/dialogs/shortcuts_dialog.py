"""Help → Keyboard and mouse."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTableWidgetItem, QWidget

from bachview.ui.dialogs.layout import LaidOutDialog
from bachview.ui.look.tables import plain_table

Keys = Sequence[tuple[str, str]]

#: Keys and gestures of the slide view itself; shortcuts of the menus come from the actions.
VIEW_KEYS: tuple[tuple[str, str], ...] = (
    ("Drag", "Move the slide; with the middle button also while a tool draws"),
    ("Shift + drag", "Rotate the slide, with the hand"),
    ("Esc", "Keep the shape that is being drawn; then back to the hand"),
    ("Wheel", "Zoom at the cursor; with Ctrl, in finer steps"),
    ("Double click", "Zoom in by a factor of two; with Ctrl, out"),
    ("Arrow keys", "Move by part of the view; with Shift, by a whole view"),
    ("+  −", "Zoom in, zoom out"),
    ("1 … 7", "1.25x, 2.5x, 5x, 10x, 20x, 40x, 80x, at the cursor"),
    ("Home", "Fit the slide to the window, and keep it so until you zoom or move"),
    ("Space, held", "Hide the overlay for as long; show it if it is off"),
    ("Click or drag in the minimap", "Go there"),
    ("Alt+1 … Alt+9, Alt+0", "Give what is selected one of the first classes, or none"),
    (
        "Right click, menu key, Shift+F10",
        "Commands for the place under the cursor, and for the slide",
    ),
)


class ShortcutsDialog(LaidOutDialog):
    """Keys and what they do, in the order of the menus, with a field to find one."""

    def __init__(self, menus: Mapping[str, Keys], parent: QWidget | None = None) -> None:
        """`menus` : (keys, meaning) of the commands by the title of their menu."""
        super().__init__("Keyboard and mouse", parent, size=(720, 680))
        self.wanted = QLineEdit(self)
        self.wanted.setPlaceholderText("Find a key or an action")
        self.wanted.setAccessibleName("Text to find")
        self.wanted.setClearButtonEnabled(True)
        self.table = plain_table(("Key", "Action"), self, stretched=1)
        self.table.setAccessibleName("Keys and actions")
        self.table.setAlternatingRowColors(False)
        self.table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.table.horizontalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for title, rows in {"On the slide": VIEW_KEYS, **menus}.items():
            self._add_group(title, rows)
        self.content.addWidget(self.wanted)
        self.content.addWidget(self.table, 1)
        self.add_close()
        self.wanted.textChanged.connect(self._find)
        self.wanted.setFocus()

    def _add_group(self, title: str, rows: Keys) -> None:
        first = self.table.rowCount()
        self.table.setRowCount(first + 1 + len(rows))
        head = QTableWidgetItem(title)
        font = self.font()
        font.setBold(True)
        head.setFont(font)
        head.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self.table.setItem(first, 0, head)
        self.table.setSpan(first, 0, 1, 2)
        for row, texts in enumerate(rows, first + 1):
            for column, text in enumerate(texts):
                self.table.setItem(row, column, QTableWidgetItem(text))

    def _find(self, wanted: str) -> None:
        """Show the rows that hold the text, and the titles above them."""
        head, is_empty = 0, True
        for row in range(self.table.rowCount()):
            if self.table.columnSpan(row, 0) > 1:
                self.table.setRowHidden(head, is_empty)
                head, is_empty = row, True
                continue
            cells = (self.table.item(row, column) for column in (0, 1))
            texts = [cell.text() for cell in cells if cell is not None]
            is_found = any(wanted.casefold() in text.casefold() for text in texts)
            self.table.setRowHidden(row, not is_found)
            is_empty = is_empty and not is_found
        self.table.setRowHidden(head, is_empty)

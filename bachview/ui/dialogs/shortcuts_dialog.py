"""Help → Keyboard and mouse."""

from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from bachview.ui.look.widgets import dialog_column

#: Keys and gestures of the slide view itself; shortcuts of the menus come from the actions.
VIEW_KEYS: tuple[tuple[str, str], ...] = (
    ("Drag", "Move the slide"),
    ("Shift + drag", "Rotate the slide"),
    ("Wheel", "Zoom at the cursor; with Ctrl, in finer steps"),
    ("Double click", "Zoom in by a factor of two; with Ctrl, out"),
    ("Arrow keys", "Move by part of the view; with Shift, by a whole view"),
    ("+  −", "Zoom in, zoom out"),
    ("1 … 7", "1.25x, 2.5x, 5x, 10x, 20x, 40x, 80x, at the cursor"),
    ("R, Shift+R", "Rotate by 90° to the right, to the left"),
    ("Home", "Fit the slide to the window, and keep it so until you zoom or move"),
    ("Space, held", "Hide the overlay for as long; show it if it is off"),
    ("Click or drag in the minimap", "Go there"),
    (
        "Right click, menu key, Shift+F10",
        "Commands for the place under the cursor, and for the slide",
    ),
)


class ShortcutsDialog(QDialog):
    """Two columns: key and action."""

    def __init__(
        self, from_actions: tuple[tuple[str, str], ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse")
        rows = VIEW_KEYS + from_actions
        table = QTableWidget(len(rows), 2, self)
        table.setHorizontalHeaderLabels(["Key", "Action"])
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        for number, (key, meaning) in enumerate(rows):
            table.setItem(number, 0, QTableWidgetItem(key))
            table.setItem(number, 1, QTableWidgetItem(meaning))
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = dialog_column(self)
        column.addWidget(table, 1)
        column.addWidget(buttons)
        self.resize(720, 640)

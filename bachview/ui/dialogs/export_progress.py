"""How far a slow export is, with a button that cancels it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressDialog, QWidget


class ExportProgress(QProgressDialog):
    """Floats over the window, which stays usable; the owner shows and closes it."""

    def __init__(self, folder: str, parent: QWidget) -> None:
        super().__init__(f"Writing pictures to {folder}…", "Cancel", 0, 100, parent)
        self.setWindowTitle("Export results")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        # It is shown and closed by its owner alone.
        self.setAutoReset(False)
        self.setAutoClose(False)
        self.setMinimumWidth(360)

    def show_share(self, done: int, total: int) -> None:
        """Say how much is done."""
        self.setValue(round(100 * done / max(1, total)))

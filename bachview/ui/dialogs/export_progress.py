"""How far a slow export or import is, with a button that cancels it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QProgressDialog, QWidget

from bachview.core.units import whole_percent_text


class ExportProgress(QProgressDialog):
    """Floats over the window, which stays usable; the owner shows and closes it."""

    def __init__(self, text: str, parent: QWidget, *, title: str = "Export results") -> None:
        """`text` : what is being done, before the share of it that is done."""
        super().__init__("", "Cancel", 0, 100, parent)
        self._text = text
        bar = QProgressBar(self)
        bar.setTextVisible(False)
        self.setBar(bar)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        # It is shown and closed by its owner alone.
        self.setAutoReset(False)
        self.setAutoClose(False)
        self.setMinimumWidth(360)

    def show_share(self, done: int, total: int) -> None:
        """Say how much is done."""
        share = done / max(1, total)
        self.setLabelText(f"{self._text} {whole_percent_text(share)}")
        self.setValue(round(100 * share))

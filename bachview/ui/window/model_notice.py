"""A card over a slide that was classified by a model not trained on tissue."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from bachview.ui.look.spacing import APART, NEAR
from bachview.ui.look.widgets import WrappedLabel
from bachview.ui.session.bundles import BundleSummary


class ModelNotice(QFrame):
    """Stays as long as such a prediction is shown, and cannot be closed. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("problem")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._text = WrappedLabel("", self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # the name comes from a file
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(APART, NEAR, APART, NEAR)
        row.addWidget(self._text, 1)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown; empty if there is none."""
        return self._text.text() if not self.isHidden() else ""

    def show_model(self, bundle: BundleSummary | None) -> None:
        """Warn about `bundle` if it was not trained on tissue; hide otherwise."""
        if bundle is None or bundle.is_for_tissue:
            self.hide()
            return
        sentence = (
            f"The model \u201c{bundle.name}\u201d was not trained on tissue: its class names say "
            "nothing about this slide."
        )
        self._text.setText(sentence)
        self.setToolTip(f"{sentence} {bundle.intended_use}")
        self.show()

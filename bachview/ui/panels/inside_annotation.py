"""What the model says inside the selected annotation: areas of its classes, and how far judged."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from bachview.core.units import area_column, count_text, percent_text
from bachview.marks.inside import InsideAnnotation
from bachview.ui.look.spacing import NEAR, TIGHT
from bachview.ui.look.swatches import swatch_of
from bachview.ui.look.widgets import heading, muted, plain, tabular


class InsidePanel(QWidget):
    """Hidden while there is nothing to say. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: InsideAnnotation | None = None
        self._labels: list[QLabel] = []
        self._table = QWidget(self)
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(NEAR)
        self._grid.setVerticalSpacing(TIGHT)
        self._grid.setColumnStretch(1, 1)
        self._note = muted("", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(TIGHT)
        column.addWidget(heading("The model says inside", self))
        column.addWidget(self._table)
        column.addWidget(self._note)
        self.hide()

    @property
    def rows(self) -> dict[str, tuple[str, str]]:
        """Area and share by name, as they are shown."""
        texts = [label.text() for label in self._labels if not label.pixmap().cacheKey()]
        return {name: (area, share) for name, area, share in zip(*[iter(texts)] * 3, strict=True)}

    @property
    def note(self) -> str:
        """How much of the annotation the model has judged."""
        return self._note.text()

    def show_inside(self, found: InsideAnnotation | None, model: str) -> None:
        """Fill it; None for nothing to say."""
        self.setVisible(found is not None)
        if found == self._found:
            return
        self._found = found
        for label in self._labels:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._labels = []
        if found is None:
            return
        shown = [row for row in found.rows if row[2].cells or row[2].share > 1e-9]
        areas = [f"{count_text(part.area_px)} px²" for _, _, part in shown]
        if found.all.area_mm2 is not None:
            known = [part.area_mm2 or 0.0 for _, _, part in shown]
            areas = area_column(known, found.all.area_mm2)
        for number, ((name, key, part), area) in enumerate(zip(shown, areas, strict=True)):
            swatch = QLabel(self._table)
            swatch.setPixmap(swatch_of(key, self.devicePixelRatioF()))
            texts = [plain(QLabel(text, self._table)) for text in (name, area)]
            texts.append(QLabel(percent_text(part.share), self._table))
            texts[0].setWordWrap(True)
            for label in texts[1:]:
                label.setFont(tabular(label.font()))
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, label in enumerate((swatch, *texts)):
                self._grid.addWidget(label, number, column)
                self._labels.append(label)
        unknown = "" if found.all.area_mm2 is not None else " The pixel size is not known."
        self._note.setText(f"{found.coverage_text} by {model}; shares are of its area.{unknown}")

"""What the reader says of the cells of the slide on the screen, beside what the model says."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from bachview.core.classes import ClassSet, TissueClass
from bachview.core.geometry import Point
from bachview.core.patches import PatchGrid
from bachview.marks.annotation import AREAS, Annotation
from bachview.marks.corrected_cells import (
    Agreement,
    CorrectedCells,
    agreement,
    cells_inside,
    corrected_cells,
    relabelled,
    uncorrected,
)
from bachview.marks.correction import Correction, cell_id
from bachview.marks.working_set import Change, Edit
from bachview.ui.session.document import Document

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

NO_PREDICTION = "Only cells of a classified slide can be corrected: classify it first."
NOT_LOADED = "The saved corrections of the slide are still being read."


class Correcting(QObject):
    """Corrects cells of a document and finds those that are corrected. GUI thread only.

    Attributes
    ----------
    label : index of the class that a tool gives to cells.

    Signals
    -------
    changed : other cells are corrected, or the cells are those of another grid.
    """

    changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._found: CorrectedCells | None = None
        self.label = 0
        document.marks.changed.connect(self._on_marks)
        document.predictionChanged.connect(self._renew)

    @property
    def obstacle(self) -> str:
        """Why no cell can be corrected now, a sentence; empty if one can."""
        document = self._document
        if document.prediction is None or document.bundle is None:
            return NO_PREDICTION
        return "" if document.marks.is_loaded else NOT_LOADED

    @property
    def classes(self) -> ClassSet | None:
        """Of the model that is shown, or would be."""
        bundle = self._document.bundle
        return None if bundle is None else bundle.classes

    @property
    def chosen(self) -> TissueClass | None:
        """The class that a tool gives to cells."""
        classes = self.classes
        return None if not classes else classes[min(self.label, len(classes) - 1)]

    @property
    def grid(self) -> PatchGrid | None:
        """The cells: of the prediction, or without one those that the model would have."""
        document = self._document
        if document.prediction is not None:
            return document.prediction.grid
        if document.bundle is None or not document.pixel_size.is_plausible:
            return None
        scanned = document.metadata.pyramid.bounds
        return PatchGrid.over(scanned, document.pixel_size, document.bundle.geometry)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """All of the slide, whatever grid they are of."""
        return tuple(self._document.marks.working_set.corrections.values())

    @property
    def corrected(self) -> CorrectedCells | None:
        """The corrected cells of the grid; None without any model."""
        grid, classes = self.grid, self.classes
        if self._found is None and grid is not None and classes is not None:
            self._found = corrected_cells(self.corrections, grid, classes)
        return self._found

    @property
    def agreement(self) -> Agreement | None:
        """Model against reader, counted anew; None without a prediction or corrections."""
        document, corrected = self._document, self.corrected
        prediction, thresholds = document.prediction, document.thresholds
        if corrected is None or prediction is None or thresholds is None:
            return None
        if not len(corrected) and not corrected.elsewhere:
            return None
        return agreement(corrected, prediction, thresholds)

    def cell_at(self, point: Point) -> tuple[int, int] | None:
        """Row and column of the cell at a level-0 point; None where there is none."""
        grid = self.grid
        return grid.at(point) if grid is not None and grid.region.contains(point) else None

    def reader_at(self, cell: tuple[int, int]) -> str:
        """Name of the class that the reader has given a cell; empty if none."""
        grid, classes = self.grid, self.classes
        if grid is None or classes is None:
            return ""
        corrections = self._document.marks.working_set.corrections
        found = corrections.get(cell_id(grid.cell(*cell))) if corrections else None
        return next((one.name for one in classes if found and one.key == found.class_key), "")

    # -- steps of the reader ---------------------------------------------------------------

    def relabel(self, cells: Iterable[Sequence[int]], label: int | None = None) -> int:
        """Say that cells are of a class, by default of the chosen one; how many have changed."""
        edit = self._relabelled(cells, self.label if label is None else label)
        return self._apply(edit)

    def remove(self, cells: Iterable[Sequence[int]]) -> int:
        """Take back what was said of cells; of how many something was."""
        grid = self.grid
        if self.obstacle or grid is None:
            return 0
        return self._apply(uncorrected(grid, cells, self._document.marks.working_set.corrections))

    def inside(self, shape: "BaseGeometry") -> Sequence[Sequence[int]]:
        """Row and column of the cells that lie in a shape, level-0 px; see `cells_inside`."""
        prediction = self._document.prediction
        return [] if prediction is None else cells_inside(prediction, shape).tolist()

    def relabel_by(self, annotations: Iterable[Annotation]) -> int:
        """Give the cells of annotations their class, one step; how many cells have changed.

        Those without an area or a class of the model's do nothing. Of two that overlap the smaller
        one counts.
        """
        labels: dict[tuple[int, int], int] = {}
        used = [(each, label) for each in annotations if (label := self.label_of(each)) is not None]
        for each, label in sorted(used, key=lambda pair: -pair[0].geometry.area):
            for row, column in self.inside(each.geometry):
                labels[row, column] = label
        changes: list[Change] = []
        for label in sorted(set(labels.values())):
            mine = [cell for cell, wanted in labels.items() if wanted == label]
            changes += self._relabelled(mine, label).changes
        count = "1 annotation" if len(used) == 1 else f"{len(used)} annotations"
        return self._apply(Edit(f"correct the cells of {count}", tuple(changes)))

    def label_of(self, annotation: Annotation) -> int | None:
        """Index of the model's class of an annotation with an area; None if it has none."""
        own = annotation.annotation_class
        if own is None or annotation.kind not in AREAS:
            return None
        name = own.name.casefold()
        found = (
            index
            for index, one in enumerate(self.classes or ())
            if name in (one.name.casefold(), one.key.casefold())
        )
        return next(found, None)

    def _relabelled(self, cells: Iterable[Sequence[int]], label: int) -> Edit:
        document = self._document
        prediction, thresholds, bundle = document.prediction, document.thresholds, document.bundle
        if self.obstacle or prediction is None or thresholds is None or bundle is None:
            return Edit("", ())
        return relabelled(
            prediction,
            thresholds,
            cells,
            min(label, len(prediction.classes) - 1),
            bundle_sha256=bundle.sha256,
            present=document.marks.working_set.corrections,
        )

    def _apply(self, edit: Edit) -> int:
        if edit.changes:
            self._document.marks.apply(edit)
        return len(edit.changes)

    def _on_marks(self, changes: tuple[Change, ...]) -> None:
        if any(isinstance(change.mark, Correction) for change in changes):
            self._renew()

    def _renew(self) -> None:
        self._found = None
        self.changed.emit()

"""The classes that annotations can have, and the one that new ones get."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from bachview.core.classes import BACH_CLASSES, TissueClass
from bachview.marks.annotation import AnnotationClass


class AnnotationClasses(QObject):
    """The same for all slides of a window. GUI thread only.

    Signals
    -------
    changed : the list is another one.
    presentChanged : new annotations get another class.
    """

    changed = Signal()
    presentChanged = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._of_model = _annotation_classes(BACH_CLASSES)
        self._present: str | None = None

    @property
    def all(self) -> tuple[AnnotationClass, ...]:
        """Every class, those of the model first."""
        return self._of_model

    @property
    def present(self) -> AnnotationClass | None:
        """The class that new annotations get; None for none."""
        return next((each for each in self.all if each.name == self._present), None)

    def choose(self, name: str | None) -> None:
        """Give new annotations the class of this name, or none."""
        before, self._present = self.present, name
        if self.present != before:
            self.presentChanged.emit()

    def take_model(self, classes: Iterable[TissueClass]) -> None:
        """List the classes of another model; the present class stays if it has one of its name."""
        before, self._of_model = (self.all, self.present), _annotation_classes(classes)
        if self.all != before[0]:
            self.changed.emit()
        if self.present != before[1]:
            self.presentChanged.emit()


def _annotation_classes(classes: Iterable[TissueClass]) -> tuple[AnnotationClass, ...]:
    return tuple(AnnotationClass(each.name, each.color) for each in classes)

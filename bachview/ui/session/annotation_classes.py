"""The classes that annotations can have, and the one that new ones get."""

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from bachview.core.classes import BACH_CLASSES, TissueClass
from bachview.errors import UsageError
from bachview.marks.annotation import AnnotationClass
from bachview.ui.session.settings import SettingsFile
from bachview.ui.session.stored_values import MOST_CLASS_NAME, MOST_CLASSES


class AnnotationClasses(QObject):
    """The same for all slides of a window; the reader's own are kept. GUI thread only.

    Signals
    -------
    changed : the list is another one.
    presentChanged : new annotations get another class.
    """

    changed = Signal()
    presentChanged = Signal()

    def __init__(self, settings: SettingsFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._of_model = _annotation_classes(BACH_CLASSES)
        self._own = settings.now.annotation_classes
        self._present: str | None = None

    @property
    def own(self) -> tuple[AnnotationClass, ...]:
        """Those that the reader has made, without names that the model has, too."""
        taken = {each.name.casefold() for each in self._of_model}
        return tuple(each for each in self._own if each.name.casefold() not in taken)

    @property
    def all(self) -> tuple[AnnotationClass, ...]:
        """Every class, those of the model first."""
        return (*self._of_model, *self.own)

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
        before = self.all, self.present
        self._of_model = _annotation_classes(classes)
        self._tell(*before)

    # -- the reader's own ----------------------------------------------------------------

    def add(self, made: AnnotationClass) -> None:
        """Make another class.

        Raises
        ------
        UsageError
            Its name is empty, too long or taken, or there are too many.
        """
        if len(self._own) >= MOST_CLASSES:
            raise UsageError(f"There can be {MOST_CLASSES} own classes at most: delete some first.")
        self._check_name(made.name, ())
        self._keep((*self._own, made))

    def change(self, before: AnnotationClass, after: AnnotationClass) -> None:
        """Give one of the reader's classes another name or colour.

        Raises
        ------
        UsageError
            As `add`.
        """
        self._check_name(after.name, (before.name,))
        if self._present == before.name:
            self._present = after.name
        self._keep(tuple(after if each == before else each for each in self._own))

    def remove(self, gone: AnnotationClass) -> None:
        """Forget one of the reader's classes; annotations keep it."""
        self._keep(tuple(each for each in self._own if each != gone))

    def _check_name(self, name: str, besides: Iterable[str]) -> None:
        if not name.strip() or not name.isprintable() or len(name) > MOST_CLASS_NAME:
            raise UsageError(f"A class needs a name of up to {MOST_CLASS_NAME} letters.")
        others = {each.name.casefold() for each in (*self._of_model, *self._own)}
        if name.casefold() in others - {each.casefold() for each in besides}:
            raise UsageError(f"There is a class called {name} already: choose another name.")

    def _keep(self, own: tuple[AnnotationClass, ...]) -> None:
        before = self.all, self.present
        self._own = own
        self._settings.now = replace(self._settings.now, annotation_classes=own)
        self._tell(*before)

    def _tell(self, classes: object, present: AnnotationClass | None) -> None:
        if self.all != classes:
            self.changed.emit()
        if self.present != present:
            self.presentChanged.emit()


def _annotation_classes(classes: Iterable[TissueClass]) -> tuple[AnnotationClass, ...]:
    return tuple(AnnotationClass(each.name, each.color) for each in classes)

"""Classes of annotations in menus: for what is selected, for new ones, and to delete all of one."""

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMainWindow, QMenu

from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.operations import count_of
from bachview.ui.dialogs.classes_dialog import ClassesDialog
from bachview.ui.dialogs.modal import ask, show
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.look.swatches import color_swatch
from bachview.ui.panels.annotation_rows import UNCLASSIFIED, class_name
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.document import Document
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.annotation_obstacles import (
    Chosen,
    no_change,
)
from bachview.ui.window.commands import Commands, call
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tool_strip import list_classes

#: Classes that have a key of their own.
_WITH_KEYS = 9


class AnnotationClassCommands(QObject):
    """Commands for the classes of the annotations of the slide in front. GUI thread only.

    Attributes
    ----------
    edit : opens the dialog of all classes.
    menu : the classes for what is selected.
    new_menu, delete_menu : filled by `fill`.
    """

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        edits: AnnotationEdits,
        classes: AnnotationClasses,
        settings: SettingsFile,
    ) -> None:
        super().__init__(window)
        self._window, self._edits, self._classes = window, edits, classes
        self._settings = settings
        self._page: SlidePage | None = None
        #: Names of the classes of what is selected.
        self._present: frozenset[str] = frozenset()
        self._actions: list[QAction] = []
        self.edit = commands.make(
            "Edit &classes…",
            "Make, rename, colour and delete classes of annotations",
            self._edit_all,
            needs_slide=False,
        )
        call("Edit the classes of annotations", self.edit)
        self.menu = QMenu("&Class", window.menuBar())
        self.new_menu = QMenu("Class of ne&w annotations", window.menuBar())
        self.new_menu.aboutToShow.connect(self._fill_new)
        self.delete_menu = QMenu("Delete all of a c&lass", window.menuBar())
        self.delete_menu.aboutToShow.connect(self._fill_delete)

    def adapt_to(self, page: SlidePage | None) -> None:
        """Act on the page that has just come to the front."""
        self._page = page

    def renew(self, now: Chosen) -> None:
        """Switch them by what is selected."""
        why_not = now.no_marks or no_change(now)
        for action in self._actions:
            action.setEnabled(not why_not)
            action.setToolTip(why_not or action.statusTip())
        different = {id(each.annotation_class): each for each in now.annotations}
        self._present = frozenset(map(class_name, different.values()))
        self._check()
        self.menu.menuAction().setEnabled(not why_not)
        self.delete_menu.menuAction().setEnabled(now.has_any)

    def _check(self) -> None:
        for action in self._actions:
            action.setChecked(self._present == {action.data()})

    @property
    def _document(self) -> Document | None:
        return None if self._page is None else self._page.document

    def make_actions(self) -> None:
        """The classes as they are now, with keys for the first ones."""
        for action in self._actions:
            self._window.removeAction(action)
            self.menu.removeAction(action)
            action.deleteLater()
        self._actions.clear()
        ratio = self._window.devicePixelRatioF()
        for number, each in enumerate((None, *self._classes.all)):
            text = UNCLASSIFIED if each is None else each.name
            action = QAction(text.replace("&", "&&"), self._window)
            action.setIcon(QIcon(color_swatch(None if each is None else each.color, ratio)))
            action.setData("" if each is None else each.name)
            call("Class of the selected annotations: {}", action)
            action.setCheckable(True)
            if number <= _WITH_KEYS:
                action.setShortcut(f"Alt+{number}")
            action.setStatusTip(f"Make what is selected {text}")
            action.triggered.connect(partial(self._classify, each))
            self._window.addAction(action)
            self.menu.addAction(action)
            self._actions.append(action)

    def _classify(self, chosen: AnnotationClass | None, _: bool = False) -> None:
        selected = self._edits.selected
        self._edits.set_values("classify", selected, annotation_class=chosen)
        self._check()  # Qt has changed the mark of the action already

    def fill(self) -> None:
        """Bring the menus up to date that are filled when they open."""
        self._fill_new()
        self._fill_delete()

    def _fill_new(self) -> None:
        list_classes(self.new_menu, self._classes)

    def _fill_delete(self) -> None:
        menu = self.delete_menu
        menu.clear()
        of_class: dict[str, list[Annotation]] = {}
        document = self._document
        annotations = () if document is None else document.marks.working_set.annotations.values()
        for each in annotations:
            of_class.setdefault(class_name(each), []).append(each)
        for name in sorted(of_class, key=lambda name: (not name, name.casefold())):
            text = f"{name or UNCLASSIFIED} ({count_of(of_class[name])})"
            action = menu.addAction(f"{text.replace('&', '&&')}…")
            call("Delete all of class {}", action, deletes=True)
            action.triggered.connect(partial(self._delete, name))
        if not of_class:
            nothing = menu.addAction("No annotations")
            call("Delete all of a class: {}", nothing, deletes=True)
            nothing.setEnabled(False)

    def _delete(self, name: str, _: bool = False) -> None:
        document = self._document
        if document is None:
            return
        annotations = document.marks.working_set.annotations.values()
        of_it = [each for each in annotations if class_name(each) == name]
        selected = document.marks.selection.ids
        if selected.issuperset(each.id for each in of_it):
            self._edits.delete(of_it)
            return
        it, is_not = ("it", "It is not") if len(of_it) == 1 else ("them", "Not all of them are")
        class_text = f"the class {name}" if name else "no class"
        question = QuestionDialog(
            "Delete all of a class",
            f"Delete {count_of(of_it)} of this slide with {class_text}? {is_not} selected. This "
            "can be undone.",
            f"Delete {it}",
            f"Keep {it}",
            self._page,
        )
        edits, marks = self._edits, document.marks

        def delete() -> None:
            # Another slide may have come to the front meanwhile.
            if edits.marks is marks:
                edits.delete(of_it)

        question.accepted.connect(delete)
        ask(question)

    def _edit_all(self) -> None:
        for there in self._window.findChildren(ClassesDialog):
            if there.isVisible():
                there.raise_()
                there.activateWindow()
                return
        dialog = ClassesDialog(self._classes, self._classes_of_slide, self._window)
        dialog.edited.connect(partial(self._ask_to_follow, dialog))
        show(dialog, self._settings)

    def _classes_of_slide(self) -> list[AnnotationClass]:
        document = self._document
        annotations = () if document is None else document.marks.working_set.annotations.values()
        return [each.annotation_class for each in annotations if each.annotation_class is not None]

    def _ask_to_follow(
        self, dialog: ClassesDialog, before: AnnotationClass, after: AnnotationClass | None
    ) -> None:
        """Annotations keep the class that they have, unless the reader wants them to follow."""
        document = self._document
        if document is None:
            return
        annotations = document.marks.working_set.annotations.values()
        of_it = [each for each in annotations if each.annotation_class == before]
        if not of_it:
            return
        have = "has" if len(of_it) == 1 else "have"
        what = "lose it" if after is None else "change with it"
        question = QuestionDialog(
            "Classes of annotations",
            f"{count_of(of_it)} of this slide {have} the class {before.name} as it was. "
            f"Shall {'it' if len(of_it) == 1 else 'they'} {what}? This can be undone.",
            "Change them" if len(of_it) > 1 else "Change it",
            "Keep as it is",
            dialog,
        )
        ids = [each.id for each in of_it]

        def follow() -> None:
            present = document.marks.working_set.annotations
            those = [present[each] for each in ids if each in present]
            self._edits.set_values("classify", those, annotation_class=after)

        question.accepted.connect(follow)
        ask(question)

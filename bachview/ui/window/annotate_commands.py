"""The Annotate menu: what can be done with annotations."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, SignalInstance
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMainWindow, QMenu

from bachview.core.units import count_text
from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.operations import count_of, merge, simplify, split, subtract
from bachview.marks.working_set import Change, Edit, Mark
from bachview.ui.dialogs.classes_dialog import ClassesDialog
from bachview.ui.dialogs.modal import ask, show
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.look.swatches import color_swatch
from bachview.ui.panels.annotation_rows import UNCLASSIFIED, class_name
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.document import Document
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.annotation_obstacles import (
    NO_HIDDEN,
    NO_REDO,
    NO_UNDO,
    NONE_SHOWN,
    NONE_THERE,
    NOT_YET,
    NOTHING_SELECTED,
    Chosen,
    no_change,
    no_hide,
    no_merge,
    no_rename,
    no_simplify,
    no_split,
    no_subtract,
    no_unlock,
)
from bachview.ui.window.commands import Command, Commands, call
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tool_strip import list_classes

#: Device-independent px by which a copy lies beside what it is of, and by which an outline may move
#: when it is simplified.
_BESIDE_VP, _TOLERANCE_VP = 16, 1
#: Classes that have a key of their own.
_WITH_KEYS = 9


class AnnotateCommands(QObject):
    """Commands for the annotations of the slide in front. GUI thread only.

    Attributes
    ----------
    on_selection : those for what is selected, in groups.
    classes_menu : the classes for what is selected.
    new_class_menu, delete_class_menu : filled by `fill`.
    """

    def __init__(
        self,
        window: QMainWindow,
        commands: Commands,
        panel: AnnotationsPanel,
        show_panel: Callable[[], object],
        edits: AnnotationEdits,
        classes: AnnotationClasses,
        messages: Messages,
        settings: SettingsFile,
    ) -> None:
        """`show_panel` : brings the list and the properties to the front."""
        super().__init__(window)
        self._window, self._panel, self._show_panel = window, panel, show_panel
        self._edits, self._classes, self._messages = edits, classes, messages
        self._settings = settings
        self._page: SlidePage | None = None
        #: How many annotations are hidden.
        self._hidden = 0
        make = commands.make
        self.undo = make("&Undo", "Undo the last step", self._undo, "Ctrl+Z")
        self.redo = make("&Redo", "Do again what was undone", self._redo, "Ctrl+Shift+Z", "Ctrl+Y")
        self.select_all = make(
            "Select &all", "Select all annotations that are shown", self._select_all, "Ctrl+A"
        )
        self.duplicate = make(
            "&Duplicate", "Copy what is selected, a little beside it", self._duplicate, "Ctrl+J"
        )
        self.delete = make("D&elete", "Delete the selected annotations", self._delete, "Del")
        self.merge = make(
            "&Merge",
            "Make one annotation of the selected ones",
            partial(self._operate, merge),
            "Ctrl+M",
        )
        self.split = make(
            "S&plit",
            "Cut areas along the selected lines, or make an annotation of each part",
            partial(self._operate, split),
        )
        self.subtract = make(
            "Su&btract",
            "Cut the smaller areas out of the largest",
            partial(self._operate, subtract),
        )
        self.simplify = make(
            "S&implify",
            "Leave out vertices that cannot be told apart at this magnification",
            self._simplify,
        )
        self.lock = make(
            "&Lock", "Protect what is selected from changes", partial(self._lock, on=True)
        )
        self.unlock = make("U&nlock", "Allow changes again", partial(self._lock, on=False))
        self.hide = make("&Hide", "Do not draw what is selected", self._hide)
        self.show_all = make(
            "Sh&ow all", "Draw all annotations, hidden ones too", self._show_hidden
        )
        self.rename = make("Re&name", "Type a name for the selected one", self._rename, "F2")
        self.properties = make(
            "Propert&ies",
            "Class, name, note, colour and measured values of what is selected",
            self._show_properties,
            "Alt+Return",
        )
        self.edit_classes = make(
            "Edit &classes…",
            "Make, rename, colour and delete classes of annotations",
            self._edit_classes,
            needs_slide=False,
        )
        self.list = make(
            "L&ist of annotations",
            "Go to the list of annotations beside the slide",
            self._show_list,
            "F6",
        )
        chosen = self.duplicate, self.merge, self.split, self.subtract, self.simplify
        call("{} the selected annotations", *chosen, self.lock, self.unlock, self.hide)
        call("{} the selected annotations", self.delete, deletes=True)
        call("Rename the selected annotation", self.rename)
        call("Properties of the selected annotations", self.properties)
        call("Show all annotations", self.show_all)
        call("Select all annotations", self.select_all)
        call("Edit the classes of annotations", self.edit_classes)
        shapes = QMenu("&Shapes", window.menuBar())  # of its own, as low screens have few lines
        shapes.addActions([self.merge, self.split, self.subtract, self.simplify])
        self.on_selection: tuple[tuple[QAction, ...], ...] = (
            (self.duplicate, self.delete, shapes.menuAction()),
            (self.lock, self.unlock, self.hide),
            (self.rename, self.properties),
        )
        self.classes_menu = QMenu("&Class", window.menuBar())
        self.new_class_menu = QMenu("Class of ne&w annotations", window.menuBar())
        self.new_class_menu.aboutToShow.connect(self._fill_new_class)
        self.delete_class_menu = QMenu("Delete all of a c&lass", window.menuBar())
        self.delete_class_menu.aboutToShow.connect(self._fill_delete_class)
        self._class_actions: list[QAction] = []
        self._rules: dict[Command, Callable[[Chosen], str]] = {
            self.undo: lambda now: "" if now.undo_text else NO_UNDO,
            self.redo: lambda now: "" if now.redo_text else NO_REDO,
            self.select_all: lambda now: "" if now.has_shown else NONE_SHOWN,
            self.list: lambda now: "",
            self.duplicate: lambda now: "" if now.annotations else NOTHING_SELECTED,
            self.delete: no_change,
            self.merge: no_merge,
            self.split: no_split,
            self.subtract: no_subtract,
            self.simplify: no_simplify,
            self.lock: no_change,
            self.unlock: no_unlock,
            self.hide: no_hide,
            self.show_all: lambda now: "" if now.has_hidden else NO_HIDDEN,
            self.rename: no_rename,
            self.properties: lambda now: "" if now.annotations else NOTHING_SELECTED,
        }
        panel.properties.classesRequested.connect(self.edit_classes.trigger)
        classes.changed.connect(self._make_classes)
        self._make_classes()
        self.fill()

    # -- which of them do something ------------------------------------------------------

    def switch_exports(self, of_all: Command, of_selected: Command) -> None:
        """Switch two more: one for all annotations, and one for those that are selected."""
        self._rules[of_all] = lambda now: "" if now.has_any else NONE_THERE
        self._rules[of_selected] = lambda now: "" if now.annotations else NOTHING_SELECTED

    def adapt_to(self, page: SlidePage | None) -> None:
        """Act on the page that has just come to the front."""
        before, self._page = self._page, page
        if before is not None:
            before.document.marks.changed.disconnect(self._on_changes)
        for signal in _signals(before):
            signal.disconnect(self.renew)
        self._hidden = 0
        if page is not None:
            marks = page.document.marks
            self._hidden = sum(map(_is_hidden, marks.working_set.annotations.values()))
            marks.changed.connect(self._on_changes)
        for signal in _signals(page):
            signal.connect(self.renew)
        self.renew()

    def _on_changes(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            self._hidden += _is_hidden(change.after) - _is_hidden(change.before)
        self.renew()

    def renew(self, *_: object) -> None:
        """Switch the commands by what is selected."""
        now = self._chosen()
        for command, rule in self._rules.items():
            why_not = now.no_marks or rule(now)
            command.allow(not why_not, why_not)
        self.undo.setText(f"&Undo {now.undo_text or ''}".rstrip())
        self.redo.setText(f"&Redo {now.redo_text or ''}".rstrip())
        no_class = now.no_marks or no_change(now)
        present = {class_name(each) for each in now.annotations}
        for action in self._class_actions:
            action.setEnabled(not no_class)
            action.setToolTip(no_class or action.statusTip())
            action.setChecked(present == {action.data()})
        self.classes_menu.menuAction().setEnabled(not no_class)
        self.delete_class_menu.menuAction().setEnabled(now.has_any)

    def _chosen(self) -> Chosen:
        document = self._document
        if document is None:
            return Chosen()
        marks = document.marks
        if not marks.is_loaded:
            return Chosen(NOT_YET)
        selected, working_set = marks.selected, marks.working_set
        everything = working_set.annotations.values()
        return Chosen(
            "",
            selected,
            tuple(each for each in selected if not each.is_locked),
            bool(everything),
            self._hidden < len(everything),
            self._hidden > 0,
            working_set.undo_text,
            working_set.redo_text,
        )

    @property
    def _document(self) -> Document | None:
        return None if self._page is None else self._page.document

    # -- classes -------------------------------------------------------------------------

    def _make_classes(self) -> None:
        """The classes as they are now, with keys for the first ones."""
        for action in self._class_actions:
            self._window.removeAction(action)
            self.classes_menu.removeAction(action)
            action.deleteLater()
        self._class_actions.clear()
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
            self.classes_menu.addAction(action)
            self._class_actions.append(action)
        self.renew()

    def _classify(self, chosen: AnnotationClass | None, _: bool = False) -> None:
        selected = self._edits.selected
        self._edits.set_values("classify", selected, annotation_class=chosen)
        self.renew()  # Qt has changed the mark of the action already

    def fill(self) -> None:
        """Bring the menus up to date that are filled when they open."""
        self._fill_new_class()
        self._fill_delete_class()

    def _fill_new_class(self) -> None:
        list_classes(self.new_class_menu, self._classes)

    def _fill_delete_class(self) -> None:
        menu = self.delete_class_menu
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
            action.triggered.connect(partial(self._delete_class, name))
        if not of_class:
            nothing = menu.addAction("No annotations")
            call("Delete all of a class: {}", nothing, deletes=True)
            nothing.setEnabled(False)

    def _delete_class(self, name: str, _: bool = False) -> None:
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

    def _edit_classes(self) -> None:
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

    # -- what they do --------------------------------------------------------------------

    def _undo(self) -> None:
        if self._document is not None:
            self._document.marks.undo()

    def _redo(self) -> None:
        if self._document is not None:
            self._document.marks.redo()

    def _select_all(self) -> None:
        if self._document is not None:
            marks = self._document.marks
            everything = marks.working_set.annotations.values()
            marks.selection.set(each.id for each in everything if not each.is_hidden)

    def _operate(self, operation: Callable[[Sequence[Annotation]], Edit]) -> None:
        self._edits.operate(operation, self._edits.selected)

    def _duplicate(self) -> None:
        viewport = None if self._page is None else self._page.view.viewport
        if viewport is not None:
            here = viewport.l0_from_vp(0, 0)
            there = viewport.l0_from_vp(_BESIDE_VP, _BESIDE_VP)
            self._edits.duplicate(self._edits.selected, there.x - here.x, there.y - here.y)

    def _simplify(self) -> None:
        viewport = None if self._page is None else self._page.view.viewport
        if viewport is None:
            return
        free = [each for each in self._edits.selected if not each.is_locked]
        edit, before, after = simplify(free, _TOLERANCE_VP * viewport.downsample)
        if not edit.changes:
            self._messages.notice(
                "No vertex can be left out without a change that is seen at this magnification. "
                "Zoom out to leave out more."
            )
            return
        self._edits.operate(lambda _: edit, free)
        self._messages.notice(f"{count_text(before)} vertices have become {count_text(after)}.")

    def _delete(self) -> None:
        self._edits.delete(self._edits.selected)

    def _lock(self, *, on: bool) -> None:
        self._edits.lock(self._edits.selected, on=on)

    def _hide(self) -> None:
        self._edits.hide(self._edits.selected, on=True)

    def _show_hidden(self) -> None:
        if self._document is not None:
            everything = self._document.marks.working_set.annotations.values()
            self._edits.hide([each for each in everything if each.is_hidden], on=False)

    def _rename(self) -> None:
        self._show_panel()
        if not self._panel.list.rename():  # it may be in a folded group, or not be found
            self._panel.properties.name.setFocus()

    def _show_properties(self) -> None:
        self._show_panel()
        self._panel.properties.name.setFocus()

    def _show_list(self) -> None:
        self._show_panel()
        self._panel.list.setFocus()


def _signals(page: SlidePage | None) -> tuple[SignalInstance, ...]:
    if page is None:
        return ()
    marks = page.document.marks
    return marks.loaded, marks.selection.changed


def _is_hidden(mark: Mark | None) -> bool:
    return isinstance(mark, Annotation) and mark.is_hidden

"""The Annotate menu: what can be done with annotations."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer, SignalInstance
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu

from bachview.core.units import count_text
from bachview.marks.annotation import Annotation
from bachview.marks.operations import merge, simplify, split, subtract
from bachview.marks.working_set import Change, Edit, Mark
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.session.annotation_classes import AnnotationClasses
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.session.document import Document
from bachview.ui.session.marks_session import MANY
from bachview.ui.session.settings import SettingsFile
from bachview.ui.window.annotation_class_commands import AnnotationClassCommands
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

#: Device-independent px by which a copy lies beside what it is of, and by which an outline may move
#: when it is simplified.
_BESIDE_VP, _TOLERANCE_VP = 16, 1
#: Of much that is selected, the panel is shown first.
_AFTER_PANEL_MS = 30


class AnnotateCommands(QObject):
    """Commands for the annotations of the slide in front. GUI thread only.

    Attributes
    ----------
    on_selection : those for what is selected, in groups.
    classes : those for classes.
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
        self._edits, self._messages = edits, messages
        self._page: SlidePage | None = None
        #: How many annotations are hidden.
        self._hidden = 0
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._renew)
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
        self.classes = AnnotationClassCommands(window, commands, edits, classes, settings)
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
        shapes = QMenu("&Shapes", window.menuBar())  # of its own, as low screens have few lines
        shapes.addActions([self.merge, self.split, self.subtract, self.simplify])
        self.on_selection: tuple[tuple[QAction, ...], ...] = (
            (self.duplicate, self.delete, shapes.menuAction()),
            (self.lock, self.unlock, self.hide),
            (self.rename, self.properties),
        )
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
        panel.properties.classesRequested.connect(self.classes.edit.trigger)
        classes.changed.connect(self._make_classes)
        self._make_classes()
        self.classes.fill()

    # -- which of them do something ------------------------------------------------------

    def switch_exports(self, of_all: Command, of_selected: Command) -> None:
        """Switch two more: one for all annotations, and one for those that are selected."""
        self._rules[of_all] = lambda now: "" if now.has_any else NONE_THERE
        self._rules[of_selected] = lambda now: "" if now.annotations else NOTHING_SELECTED

    def adapt_to(self, page: SlidePage | None) -> None:
        """Act on the page that has just come to the front."""
        before, self._page = self._page, page
        self.classes.adapt_to(page)
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
        """Switch the commands by what is selected; soon, if that is much."""
        document = self._document
        if document is not None and len(document.marks.selection.ids) > MANY:
            self._later.start(_AFTER_PANEL_MS)
        else:
            self._renew()

    def _renew(self) -> None:
        self._later.stop()
        now = self._chosen()
        for command, rule in self._rules.items():
            why_not = now.no_marks or rule(now)
            command.allow(not why_not, why_not)
        self.undo.setText(f"&Undo {now.undo_text or ''}".rstrip())
        self.redo.setText(f"&Redo {now.redo_text or ''}".rstrip())
        self.classes.renew(now)

    def _make_classes(self) -> None:
        self.classes.make_actions()
        self.renew()

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

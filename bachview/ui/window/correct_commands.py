"""Commands by which a reader corrects cells, and sees what was corrected."""

from functools import partial
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QWidget

from bachview.core.units import count_text
from bachview.ui.dialogs import modal
from bachview.ui.dialogs.agreement_dialog import AgreementDialog
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.correcting import Correcting
from bachview.ui.session.services import Services
from bachview.ui.view.tools.base import Tool
from bachview.ui.view.tools.correct import CorrectTool
from bachview.ui.window.annotation_obstacles import NOTHING_SELECTED
from bachview.ui.window.availability import NO_RESULTS
from bachview.ui.window.commands import Command, Commands, call
from bachview.ui.window.corrections_export import CorrectionsExport
from bachview.ui.window.messages import Messages
from bachview.ui.window.page_dialogs import PageDialogs
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs

NO_CORRECTIONS: Final = "Off, because no cell of this slide is corrected yet"
NO_SUCH_CLASS: Final = "Off, because the model has fewer classes"

#: As many classes have a command, and the number keys with Shift.
_MOST_CLASSES = 9


class CorrectCommands(QObject):
    """Corrections of the slide in front. GUI thread only.

    A command for a class corrects the cell under the cursor, or of the menu on the slide the one
    where it was opened; while the tool is chosen it chooses the class of the tool.
    """

    def __init__(
        self,
        window: QWidget,
        commands: Commands,
        tabs: SlideTabs,
        panel: SidePanel,
        messages: Messages,
        services: Services,
    ) -> None:
        super().__init__(window)
        self._tabs, self._panel = tabs, panel
        self._messages, self._services = messages, services
        self._page: SlidePage | None = None
        self._dialogs = PageDialogs[AgreementDialog]()
        self.tool = commands.make_switch(
            "C&orrect cells",
            "Click or cross cells to give them a class; Shift: lasso, Alt: take back",
            self._set_tool,
            "X",
            icon="correct",
        )
        self.classes: list[Command] = [
            commands.make(
                f"Class &{number}",
                "Say that the cell under the cursor is of this class",
                partial(self._choose, number - 1),
                f"Shift+{number}",
            )
            for number in range(1, _MOST_CLASSES + 1)
        ]
        self.remove = commands.make(
            "&Remove the correction",
            "Take back what was said of the cell under the cursor",
            self._remove,
            "Shift+0",
        )
        call("Remove the correction of the cell under the cursor", self.remove, deletes=True)
        self.by_annotations = commands.make(
            "Correct by the &selected annotations",
            "Give all cells in the selected annotations the class of the annotation",
            self._by_annotations,
        )
        self.shown = commands.make_switch(
            "Show correctio&ns",
            "Show or hide stripes on the cells that you have corrected",
            panel.overlay.set_corrections_shown,
            "Shift+O",
            is_on=True,
        )
        self.table = commands.make(
            "Model and reade&r…",
            "Compare what the model says of the corrected cells with what you say",
            self._show_table,
        )
        call("Tool: {}", self.tool)
        call("Correct the cell under the cursor: {}", *self.classes)
        call("Correct cells by the selected annotations", self.by_annotations)
        call("Compare model and reader", self.table)
        self.exports = CorrectionsExport(window, messages, services)
        self.dataset = commands.make(
            "Save as a &data set…",
            "Write a patch for each corrected cell, for training and evaluation",
            self._save_dataset,
        )
        call("Save the corrected cells as a data set", self.dataset)
        panel.overlay.styleChanged.connect(
            lambda style: self.shown.setChecked(style.show_corrections)
        )
        panel.result.corrections.tableRequested.connect(self._show_table)

    def add_to(self, menu: QMenu) -> QMenu:
        """Add a menu of the corrections to another one."""
        own = menu.addMenu("C&orrect cells")
        own.addAction(self.tool)
        own.addSeparator()
        own.addActions(self.classes)
        own.addAction(self.remove)
        own.addAction(self.by_annotations)
        own.addSeparator()
        own.addActions([self.shown, self.table, self.dataset])
        return own

    def follow(self, page: SlidePage | None) -> None:
        """Another slide has come to the front, or none."""
        if self._page is not None:
            self._page.view.input.toolChanged.disconnect(self._on_tool)
            self._page.correcting.changed.disconnect(self._renew)
            self._page.document.marks.selection.changed.disconnect(self._renew)
        self._page = page
        if page is not None:
            page.view.input.toolChanged.connect(self._on_tool)
            page.correcting.changed.connect(self._renew)
            page.document.marks.selection.changed.connect(self._renew)
        self._on_tool(None if page is None else page.view.input.tool)
        self._renew()

    @property
    def _correcting(self) -> Correcting | None:
        """Of the slide in front, if its cells can be corrected; says why not otherwise."""
        page = self._page
        if page is None:
            return None
        obstacle = page.correcting.obstacle
        if obstacle:
            self._messages.notice(obstacle)
            return None
        return page.correcting

    def _renew(self) -> None:
        """Name the classes of the model that is shown, and switch what can be done."""
        page = self._page
        if page is None:
            return  # all commands for slides are off
        why_not = NO_RESULTS if page.document.prediction is None else ""
        marks = page.document.marks
        no_selection = "" if marks.selection.ids else NOTHING_SELECTED
        none_there = "" if marks.working_set.corrections else NO_CORRECTIONS
        for command, why in (
            (self.tool, ""),
            (self.remove, none_there),
            (self.by_annotations, no_selection),
            (self.table, none_there),
            (self.dataset, none_there),
        ):
            command.allow(not (why_not or why), why_not or why)
        classes = page.correcting.classes or ()
        for number, command in enumerate(self.classes):
            if number < len(classes):
                name = classes[number].name
                command.setText(f"&{number + 1} {name}")
                command.describe(f"Say that the cell under the cursor is {name}")
                call(f"Correct the cell under the cursor: {name}", command)
                command.allow(not why_not, why_not)
            else:
                command.allow(False, NO_SUCH_CLASS)
            command.setVisible(number < max(1, len(classes)))

    # -- cells -----------------------------------------------------------------------------

    def _cell(self, correcting: Correcting) -> tuple[int, int] | None:
        """The cell that is pointed at; says so if there is none."""
        point = None if self._page is None else self._page.view.pointed_at
        cell = None if point is None else correcting.cell_at(point)
        if cell is None:
            self._messages.notice("There is no cell under the cursor.")
        return cell

    def _choose(self, label: int) -> None:
        correcting = self._correcting
        if correcting is None or self._page is None:
            return
        correcting.label = label
        if isinstance(self._page.view.input.tool, CorrectTool):
            self._page.view.update()
            return
        cell = self._cell(correcting)
        if cell is not None:
            correcting.relabel([cell])

    def _remove(self) -> None:
        correcting = self._correcting
        cell = None if correcting is None else self._cell(correcting)
        if correcting is not None and cell is not None and not correcting.remove([cell]):
            self._messages.notice("The cell under the cursor is not corrected.")

    def _by_annotations(self) -> None:
        correcting, page = self._correcting, self._page
        if correcting is None or page is None:
            return
        chosen = page.document.marks.selected
        if not any(correcting.label_of(each) is not None for each in chosen):
            names = ", ".join(one.name for one in correcting.classes or ())
            self._messages.notice(
                f"Select annotations with an area and one of the classes {names} first: their "
                "cells get that class."
            )
            return
        count = correcting.relabel_by(chosen)
        cells = "1 cell" if count == 1 else f"{count_text(count)} cells"
        self._messages.notice(
            f"Corrected {cells}." if count else "All of these cells are so already."
        )

    # -- tool ------------------------------------------------------------------------------

    def _set_tool(self, on: bool) -> None:
        page = self._page
        if page is None:
            return
        is_on = isinstance(page.view.input.tool, CorrectTool)
        if on and not is_on:
            if page.correcting.obstacle:
                self._messages.notice(page.correcting.obstacle)
                self.tool.setChecked(False)
                return
            page.view.input.set_tool(CorrectTool(page.view, page.correcting))
        elif not on and is_on:
            page.view.input.set_tool(None)

    def _on_tool(self, tool: Tool | None) -> None:
        self.tool.setChecked(isinstance(tool, CorrectTool))

    def _save_dataset(self) -> None:
        if self._page is not None:
            self.exports.ask(self._page.document, self._page.correcting)

    # -- table -----------------------------------------------------------------------------

    def _show_table(self) -> None:
        page = self._page
        if page is None or self._dialogs.bring_to_front(page):
            return
        dialog = AgreementDialog(page.document.title, page.correcting, page)
        self._dialogs.add(page, dialog)
        page.document.run.statusChanged.connect(dialog.renew)
        modal.show(dialog, self._services.settings)

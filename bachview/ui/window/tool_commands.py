"""The tools that draw on the slide: which there are, and which one is in use."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QWidget

from bachview.ui.session.services import Services
from bachview.ui.view.tools.angle import AngleTool
from bachview.ui.view.tools.base import Tool, ToolContext
from bachview.ui.view.tools.brush import BrushTool
from bachview.ui.view.tools.frames import EllipseTool, RectangleTool
from bachview.ui.view.tools.freehand import FreehandTool
from bachview.ui.view.tools.line import LineTool
from bachview.ui.view.tools.note import NoteTool
from bachview.ui.view.tools.points import CounterTool, PointTool
from bachview.ui.view.tools.polygon import PolygonTool
from bachview.ui.view.tools.select import SelectTool
from bachview.ui.view.tools.wand import WandTool
from bachview.ui.window.commands import Command, Commands, call
from bachview.ui.window.slide_page import SlidePage


@dataclass(frozen=True, slots=True)
class _Row:
    """One tool.

    Attributes
    ----------
    make : makes it for a slide; None for the hand.
    key : as `Tool.key`, which names its icon, too; empty for the hand.
    """

    make: Callable[[ToolContext], Tool] | None
    key: str
    text: str
    tip: str
    shortcut: str


#: Every tool, in groups as they are shown.
_GROUPS: tuple[tuple[_Row, ...], ...] = (
    (
        _Row(None, "", "&Hand", "Move the slide", "H"),
        _Row(
            SelectTool,
            "select",
            "&Select",
            "Select by click or rubber band; move, change, turn",
            "V",
        ),
    ),
    (
        _Row(PointTool, "point", "&Point", "Set points by clicks", "."),
        _Row(
            CounterTool,
            "counter",
            "&Counter",
            "Count by clicks; Alt or the right button removes a point",
            "Shift+.",
        ),
        _Row(
            LineTool,
            "line",
            "&Line",
            "Measure a length: drag, or click vertices; Shift keeps to 45°",
            "M",
        ),
        _Row(AngleTool, "angle", "&Angle", "Measure an angle by three clicks", "A"),
    ),
    (
        _Row(
            RectangleTool,
            "rectangle",
            "&Rectangle",
            "Drag a rectangle; Shift: a square, Alt: from the centre",
            "R",
        ),
        _Row(
            EllipseTool,
            "ellipse",
            "&Ellipse",
            "Drag an ellipse; Shift: a circle, Alt: from the centre",
            "E",
        ),
        _Row(
            PolygonTool,
            "polygon",
            "P&olygon",
            "Click vertices; double click, Enter or the first one closes it",
            "P",
        ),
        _Row(FreehandTool, "freehand", "&Freehand area", "Drag around an area", "F"),
    ),
    (
        _Row(
            BrushTool,
            "brush",
            "&Brush",
            "Paint an area; Alt or the right button erases, [ ] set the size",
            "B",
        ),
        _Row(
            WandTool,
            "wand",
            "Magic &wand",
            "Take tissue of similar colour; Alt erases, [ ] set the tolerance",
            "W",
        ),
    ),
    (_Row(NoteTool, "note", "&Text note", "Write a note on the slide", "T"),),
)


class ToolCommands(QObject):
    """One command for each tool, of which one is checked. GUI thread only.

    The tool stays in use for one shape after the other, and for the next slide; Escape and the hand
    lay it down.

    Attributes
    ----------
    groups : the commands, as they belong together; the hand is the first.
    """

    def __init__(self, window: QWidget, commands: Commands, services: Services) -> None:
        super().__init__(window)
        self._services = services
        self._page: SlidePage | None = None
        self._rows = {row.key: row for group in _GROUPS for row in group}
        self._commands: dict[str, Command] = {}
        self._key = ""
        exclusive = QActionGroup(self)
        # None is checked while a known length is measured.
        exclusive.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        for row in self._rows.values():
            command = commands.make(
                row.text,
                row.tip,
                partial(self.choose, row.key),
                row.shortcut,
                icon=row.key or "hand",
            )
            command.setCheckable(True)
            call("Tool: {}", command)
            exclusive.addAction(command)
            self._commands[row.key] = command
        self._commands[""].setChecked(True)
        self.groups = tuple(tuple(self._commands[row.key] for row in group) for group in _GROUPS)

    def choose(self, key: str) -> None:
        """Use a tool from now on; the empty key is the hand's."""
        self._key = key
        self._give()

    def adapt_to(self, page: SlidePage | None) -> None:
        """Use the tool on the page that has just come to the front, and there only."""
        before = self._page
        if before is not None and before is not page:
            before.view.input.toolChanged.disconnect(self._on_tool)
            before.view.input.set_tool(None)
        self._remember_sizes()
        if page is None:
            self._key = ""
        if page is not None and page is not before:
            page.view.input.toolChanged.connect(self._on_tool)
        self._page = page
        self._give()

    def _give(self) -> None:
        if self._page is not None:
            make = self._rows[self._key].make
            tool = None if make is None else make(self._page.tool_context)
            self._page.view.input.set_tool(tool)
        self._show(self._key)

    def _on_tool(self, tool: Tool | None) -> None:
        key = "" if tool is None else tool.key
        self._key = key if key in self._rows else ""  # other tools do not go along
        self._show(key)

    def _show(self, key: str) -> None:
        for name, command in self._commands.items():
            command.setChecked(name == key)

    def _remember_sizes(self) -> None:
        sizes, settings = self._services.tool_sizes, self._services.settings
        settings.now = replace(
            settings.now, brush_px=sizes.brush_vp, wand_tolerance=sizes.wand_tolerance
        )

"""What a tool is that draws or edits on the slide, and what it needs of the outside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QKeyEvent, QPainter

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.marks.annotation import Annotation, AnnotationClass
from bachview.marks.working_set import Edit
from bachview.ui.view.annotation_drawing import AnnotationDrawing
from bachview.ui.view.navigable_view import NavigableView
from bachview.ui.view.painting import Pixels
from bachview.viewing.viewport import Viewport

#: A press that moves less than this is a click, px.
CLICK_VP = 4.0


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse or pen is.

    Attributes
    ----------
    vp : place in the view, device-independent px.
    point : the same place on the slide, level-0 px.
    modifiers : keys that are held.
    button : the one that was pressed, also in `Tool.drag` and `Tool.release`; none in `Tool.hover`.
    """

    vp: QPointF
    point: Point
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
    button: Qt.MouseButton = Qt.MouseButton.NoButton

    @property
    def has_shift(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def has_control(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.ControlModifier)

    @property
    def has_alt(self) -> bool:
        return bool(self.modifiers & Qt.KeyboardModifier.AltModifier)

    def is_near(self, other: "Pointer", distance_vp: float = CLICK_VP) -> bool:
        """Whether the two are within this distance on the screen, px."""
        apart = self.vp - other.vp
        return apart.x() ** 2 + apart.y() ** 2 < distance_vp**2


@dataclass(slots=True)
class ToolSizes:
    """What the user has set by keys and wheel; the same for all slides of a window.

    Attributes
    ----------
    brush_vp : radius of the brush, px of the screen.
    wand_tolerance : how different colours may be; 1 as a rule.
    """

    brush_vp: float = 20.0
    wand_tolerance: float = 1.0


class ToolContext(Protocol):
    """What tools know of the outside. GUI thread."""

    @property
    def view(self) -> NavigableView:
        """The view that they draw on."""

    @property
    def drawing(self) -> AnnotationDrawing:
        """What draws the annotations on it."""

    @property
    def annotations(self) -> Mapping[str, Annotation]:
        """Those of the slide, id to annotation; follows the changes."""

    @property
    def selected(self) -> frozenset[str]:
        """Ids of the selected annotations."""

    def select(self, ids: Iterable[str]) -> None:
        """Select these, and no others."""

    def apply(self, edit: Edit) -> bool:
        """Carry out an edit, which can be undone; False if that is refused, and the user told."""

    def notice(self, text: str) -> None:
        """Tell the user something in a sentence."""

    @property
    def annotation_class(self) -> AnnotationClass | None:
        """The class that new annotations get; None for none."""

    @property
    def sizes(self) -> ToolSizes:
        """What the user has set of the brush and the wand; changed by them."""

    @property
    def pixel_size(self) -> PixelSize:
        """Of the slide."""

    @property
    def extent(self) -> Region:
        """The whole slide, level-0 px."""

    def picture_of(self, viewport: Viewport) -> Pixels | None:
        """The tissue alone as the view shows it now, (H, W, 4) uint8 BGRX; None without any."""

    @property
    def plane(self) -> tuple[int, int]:
        """Focal plane and time point that are shown, each from 0."""


class Tool:
    """Takes the mouse and some keys of a view while it is chosen. GUI thread.

    A subclass overrides what it uses. While a button is held, `drag` is called when the mouse or
    the view moves, and otherwise `hover`; so a shape that is being drawn is kept in level-0 px, and
    its loose end stays under the cursor. Wheel, middle button, arrows and number keys navigate
    unless the tool takes them.

    Attributes
    ----------
    key : names the tool in commands and icons.
    takes_right_button : whether the right button draws, too; otherwise it opens a menu.
    """

    key: ClassVar[str] = ""
    takes_right_button: ClassVar[bool] = False

    def __init__(self, context: ToolContext) -> None:
        self.context = context

    @property
    def cursor(self) -> QCursor | Qt.CursorShape:
        """The cursor over the slide; asked for after each event."""
        return Qt.CursorShape.CrossCursor

    @property
    def is_busy(self) -> bool:
        """Whether a shape is under way, so that `end` has something to do."""
        return False

    def press(self, at: Pointer) -> None:
        """A button is pressed."""

    def drag(self, at: Pointer) -> None:
        """The pressed mouse is moved, or the view below it."""

    def release(self, at: Pointer) -> None:
        """The button is released."""

    def hover(self, at: Pointer) -> None:
        """The mouse is moved without a button, or the view below it."""

    def leave(self) -> None:
        """The mouse has left the view."""

    def double_click(self, at: Pointer) -> bool:
        """The second press of a double click, whose first was a `press`, too.

        Returns
        -------
        Whether it was used; otherwise it counts as another `press`.
        """
        return False

    def wheel(self, steps: float, modifiers: Qt.KeyboardModifier) -> bool:
        """The wheel is turned by this many notches, away from the user if positive.

        Returns
        -------
        Whether it was used; otherwise it zooms.
        """
        return False

    def takes_key(self, event: QKeyEvent) -> bool:
        """Whether `key_press` is to get a key even if it is the shortcut of a command."""
        return False

    def key_press(self, event: QKeyEvent) -> bool:
        """A key is pressed; returns whether it was used. Escape comes as `escape`."""
        return False

    def end(self) -> bool:
        """Finish what is under way; nothing that was drawn is lost if it makes a shape.

        Returns
        -------
        Whether anything was under way.
        """
        return False

    def escape(self) -> bool:
        """Escape is pressed; returns whether it was used, otherwise the tool is laid down."""
        return self.end()

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Draw what is under way, in device-independent px of the view."""

    def update(self) -> None:
        """Have the view painted again."""
        self.context.view.update()

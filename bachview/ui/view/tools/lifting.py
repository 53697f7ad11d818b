"""What is selected is drawn by itself while it is moved."""

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QTransform

from bachview.marks.annotation import Annotation
from bachview.marks.operations import count_of, unlocked
from bachview.marks.transforms import moved
from bachview.marks.working_set import changed
from bachview.ui.view.tools.base import ToolContext
from bachview.viewing.viewport import Viewport

#: Arrow keys that follow each other within this time are one step to undo.
_NUDGE_MS = 600


def chosen_of(context: ToolContext) -> list[Annotation]:
    """What is selected and shown: nobody moves what they do not see."""
    found = (context.annotations.get(each) for each in context.selected)
    return [each for each in found if each is not None and not each.is_hidden]


class Lifted:
    """What is selected, while it is shown elsewhere than it is. GUI thread."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._annotations: tuple[Annotation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._annotations)

    def lift(self) -> bool:
        """Draw what is selected by itself; locked ones stay, which is said. False if all do."""
        free, sentence = unlocked(chosen_of(self._context))
        if sentence:
            self._context.notice(sentence)
        if free:
            self._annotations = free
            self._context.drawing.lift(free)
        return bool(free)

    def show(self, transform: QTransform) -> None:
        """Draw them mapped, level-0 px to level-0 px, however many they are."""
        self._context.drawing.show_moved(transform)

    def show_moved(self, dx: float, dy: float) -> None:
        """Draw them moved, level-0 px."""
        self.show(QTransform.fromTranslate(dx, dy))

    def change(self, verb: str, change: Callable[[Annotation], Annotation]) -> None:
        """Keep what those have become that are still there, and draw all as they are again."""
        lifted, self._annotations = self._annotations, ()
        present = (self._context.annotations.get(each.id) for each in lifted)
        pairs = [(each, change(each)) for each in present if each is not None]
        if pairs:
            text = f"{verb} {count_of([before for before, _ in pairs])}"
            self._context.apply(changed(text, pairs))
        self._context.drawing.drop()

    def move(self, dx: float, dy: float) -> None:
        """Move them, level-0 px, and draw all as they are again."""
        if dx or dy:
            self.change("move", lambda each: moved(each, dx, dy))
        else:
            self.put_back()

    def put_back(self) -> None:
        """Draw them where they are."""
        self._annotations = ()
        self._context.drawing.drop()


class Nudge:
    """Arrow keys that move what is selected: one step to undo for all that follow each other."""

    def __init__(self, context: ToolContext) -> None:
        self._lifted = Lifted(context)
        #: Level-0 px.
        self._way = QPointF()
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_NUDGE_MS)
        self._timer.timeout.connect(self.end)

    @property
    def is_busy(self) -> bool:
        """Whether something is shown elsewhere than it is."""
        return not self._way.isNull()

    @property
    def has_lifted(self) -> bool:
        """Whether something is drawn by itself."""
        return bool(self._lifted)

    def step(self, viewport: Viewport, right_vp: float, down_vp: float) -> None:
        """Move what is selected by so much on the screen, px."""
        if not self._lifted and not self._lifted.lift():
            return
        turn = math.radians(viewport.rotation_deg)
        u, v = right_vp * viewport.downsample, down_vp * viewport.downsample
        c, s = math.cos(turn), math.sin(turn)
        self._way += QPointF(c * u + s * v, -s * u + c * v)
        self._lifted.show_moved(self._way.x(), self._way.y())
        self._timer.start()

    def end(self) -> None:
        """Keep where they are."""
        self._timer.stop()
        if self._lifted:
            way, self._way = self._way, QPointF()
            self._lifted.move(way.x(), way.y())

    def put_back(self) -> None:
        """Show them where they were."""
        self._timer.stop()
        self._way = QPointF()
        self._lifted.put_back()

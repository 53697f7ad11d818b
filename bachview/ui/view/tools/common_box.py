"""The common box of several selected annotations."""

from operator import is_not

from bachview.marks.annotation import Frame
from bachview.ui.view.tools.base import ToolContext
from bachview.ui.view.tools.boxes import common_box
from bachview.viewing.viewport import Viewport


class CommonBox:
    """Finds the box, and keeps it while nothing in it changes. GUI thread."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        #: How it is turned and what is in it.
        self._of: tuple[object, ...] = ()
        self._box: Frame | None = None

    def box(self, viewport: Viewport) -> Frame | None:
        """The box of several that are selected, shown and not locked; None without such."""
        ids = self._context.selected
        if len(ids) < 2:
            return None
        found = (self._context.annotations.get(each) for each in ids)
        inside = [each for each in found if each and not each.is_hidden and not each.is_locked]
        of = (viewport.rotation_deg, *inside)
        # By identity, as thousands may be selected.
        is_same = len(of) == len(self._of) and of[0] == self._of[0]
        if not is_same or any(map(is_not, of[1:], self._of[1:])):
            self._of = of
            self._box = common_box(inside, viewport) if len(inside) > 1 else None
        return self._box

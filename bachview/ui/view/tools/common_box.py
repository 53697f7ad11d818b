"""The common box of several selected annotations."""

from bachview.marks.annotation import Frame
from bachview.marks.index import AnnotationIndex
from bachview.ui.view.tools.base import ToolContext
from bachview.ui.view.tools.boxes import common_box
from bachview.viewing.viewport import Viewport


class CommonBox:
    """Finds the box, and keeps it while nothing in it changes. GUI thread.

    It is asked for with every move of the mouse, and thousands may be selected.
    """

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._of: tuple[frozenset[str], AnnotationIndex, int, float] | None = None
        self._box: Frame | None = None

    def box(self, viewport: Viewport) -> Frame | None:
        """The box of several that are selected, shown and not locked; None without such."""
        context, before = self._context, self._of
        ids, index = context.selected, context.drawing.index
        if len(ids) < 2:
            return None
        how = index.version, viewport.rotation_deg
        if before is None or before[0] is not ids or before[1] is not index or before[2:] != how:
            self._of = ids, index, *how
            found = (context.annotations.get(each) for each in ids)
            inside = [each for each in found if each and not each.is_hidden and not each.is_locked]
            self._box = common_box(inside, viewport) if len(inside) > 1 else None
        return self._box

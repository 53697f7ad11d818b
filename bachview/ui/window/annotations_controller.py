"""Connects the list of annotations and their properties with the slide in front."""

from PySide6.QtCore import QObject, QPointF

from bachview.core.geometry import Region
from bachview.marks.annotation import Annotation
from bachview.ui.dialogs.color_dialog import ColorDialog
from bachview.ui.dialogs.modal import ask
from bachview.ui.panels.annotations_panel import AnnotationsPanel
from bachview.ui.session.annotation_edits import AnnotationEdits
from bachview.ui.view.slide_view import SlideView
from bachview.ui.window.messages import Messages
from bachview.ui.window.slide_page import SlidePage
from bachview.viewing.viewport import zoom_limits

#: Of the view, what is left free round an annotation that is jumped to.
_FREE = 0.3
#: How far beside an annotation a click may be, device-independent px.
_REACH_VP = 6
#: A point is looked at with at most this many level-0 px on one of the screen.
_NEAR_POINT = 4.0


class AnnotationsController(QObject):
    """Follows one page at a time. GUI thread only."""

    def __init__(
        self,
        panel: AnnotationsPanel,
        edits: AnnotationEdits,
        messages: Messages,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._panel, self._edits = panel, edits
        self._page: SlidePage | None = None
        edits.noticed.connect(messages.notice)
        panel.list.jumpRequested.connect(self._jump)
        panel.properties.colorRequested.connect(self._ask_color)
        panel.list.left.connect(self._leave)

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        self._panel.keep_typed()
        before, self._page = self._page, page
        if before is not None:
            before.document.pixelSizeChanged.disconnect(self._follow)
        if page is not None:
            page.document.pixelSizeChanged.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        document = None if self._page is None else self._page.document
        self._edits.marks = None if document is None else document.marks
        self._panel.follow(document)

    def _jump(self, annotation: Annotation) -> None:
        if self._page is not None:
            look_at(self._page.view, annotation)

    def _ask_color(self, shown: tuple[int, int, int] | None) -> None:
        if self._page is None:
            return
        dialog = ColorDialog("Colour of annotations", shown, self._page)
        dialog.chosen.connect(self._panel.properties.set_color)
        ask(dialog)

    def _leave(self) -> None:
        if self._page is not None:
            self._page.view.setFocus()


def select_at(page: SlidePage, at: QPointF) -> bool:
    """Select the annotation at a place of the view, unless it is selected; False if there is none.

    If it lies below a selected one, that stays.
    """
    viewport, marks = page.view.viewport, page.document.marks
    if viewport is None:
        return False
    reach = _REACH_VP * viewport.downsample
    there = page.view.annotations.index.at(page.view.point_at(at), reach)
    if there and not any(each.id in marks.selection.ids for each in there):
        marks.selection.set({there[0].id})
    return bool(there)


def look_at(view: SlideView, annotation: Annotation) -> None:
    """Show all of an annotation, in the middle and as large as there is room for."""
    viewport, pyramid = view.viewport, view.pyramid
    if viewport is None or pyramid is None:
        return
    left, top, right, bottom = annotation.bounds
    region = Region.between(left, top, right, bottom)
    width, height = viewport.turned(region)
    finest, coarsest = zoom_limits(pyramid, viewport.size, viewport.pixel_ratio)
    if max(width, height) > 0:
        part = max(width / viewport.size.width, height / viewport.size.height) / (1 - _FREE)
        downsample = max(viewport.downsample * part, finest * 4)
    else:
        downsample = min(viewport.downsample, _NEAR_POINT)
    view.motion.stop()
    there = viewport.centered(region.center)
    view.set_viewport(there.with_downsample(min(max(downsample, finest), coarsest)))

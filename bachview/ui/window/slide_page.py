"""One tab: the slide, its minimap, and what is said about it."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from bachview.core.geometry import Region, Size
from bachview.core.patches import PatchGrid
from bachview.core.pixel_size import PixelSize, contradiction_text
from bachview.errors import BachviewError
from bachview.ui.dialogs.modal import ask
from bachview.ui.dialogs.question_dialog import QuestionDialog
from bachview.ui.session.correcting import Correcting
from bachview.ui.session.document import Document
from bachview.ui.session.services import Services
from bachview.ui.session.slide_memory import SlideMemory
from bachview.ui.session.tool_context import SlideToolContext
from bachview.ui.view.region_drawing import RegionDrawing
from bachview.ui.view.scope_chip import ScopeChip
from bachview.ui.view.slide_view import SlideView
from bachview.ui.view.tools.line import KnownLengthTool
from bachview.ui.window.beside import Beside
from bachview.ui.window.cards import Cards
from bachview.ui.window.hand_selection import HandSelection
from bachview.ui.window.model_notice import ModelNotice
from bachview.ui.window.pixel_size_banner import PixelSizeBanner
from bachview.ui.window.suitability_banner import SuitabilityBanner
from bachview.viewing.overlay import OverlayStyle
from bachview.viewing.viewport import Viewport


class SlidePage(QWidget):
    """Connects a document with the view that shows it. GUI thread only.

    Attributes
    ----------
    tool_context : what tools need of both.

    Signals
    -------
    regionDrawn(Region) : the user drew the region to classify.
    partsFailed(str) : a sentence about parts that cannot be read.
    """

    regionDrawn = Signal(object)
    partsFailed = Signal(str)

    def __init__(
        self,
        document: Document,
        services: Services,
        *,
        managed_colours: bool,
        kinetic: bool,
        style: OverlayStyle,
        viewport: Viewport | None = None,
        is_fitted: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Show a document, at `viewport`, or else where it was left.

        `is_fitted` : the whole slide, at the rotation of `viewport`.
        """
        super().__init__(parent)
        self.document = document
        document.setParent(self)
        self._services = services
        self._managed = managed_colours
        self.view = SlideView(self)
        self.view.input.kinetic_pan = kinetic
        self.view.set_overlay_style(style)
        self.minimap = self.view.minimap
        self.tool_context = SlideToolContext(self.view, document, services)
        self._hand = HandSelection(self.tool_context)
        self.chip = ScopeChip(self.view, self.minimap)
        self.banner = PixelSizeBanner(services.theme, self)
        self.correcting = Correcting(document, self)
        self.suitability = SuitabilityBanner(services.theme, self)
        self.model_notice = ModelNotice(self)
        self._drawing: RegionDrawing | None = None
        self._beside: Beside | None = None
        self._views = QHBoxLayout(self)
        self._views.setContentsMargins(0, 0, 0, 0)
        self._views.setSpacing(0)
        self._views.addWidget(self.view, 1)
        cards = self.banner, self.suitability, self.model_notice
        self.cards = Cards(self.view, self.chip, self.minimap, cards)
        self.setFocusProxy(self.view)
        self.view.setAccessibleName(f"Slide {document.title}")

        self.banner.calibrated.connect(self._on_stated)
        self.banner.cancelled.connect(self.view.setFocus)
        self.banner.rulerRequested.connect(self._measure_known_length)
        self.view.input.toolChanged.connect(
            lambda tool: self.banner.show_ruler_mode(isinstance(tool, KnownLengthTool))
        )
        self.view.viewportChanged.connect(self._on_viewport)
        self.view.partFailed.connect(self._on_part_failed)
        document.pixelSizeChanged.connect(self._on_pixel_size)
        document.predictionChanged.connect(self._on_prediction)
        document.refusalChanged.connect(self._show_suitability)
        self.suitability.anywayRequested.connect(self._classify_anyway)
        self.suitability.closed.connect(document.accept_refusal)
        document.predictionGrew.connect(self.view.refresh_overlay)
        marks = document.marks
        marks.changed.connect(self.view.annotations.change)
        marks.selection.changed.connect(
            lambda: self.view.annotations.set_selected(marks.selection.ids)
        )
        self.correcting.changed.connect(self._show_corrections)
        self.banner.show_pixel_size(document.pixel_size)
        if viewport is None:
            viewport, is_fitted = self._remembered()
        self._show_slide(viewport, is_fitted=is_fitted)

    def _remembered(self) -> tuple[Viewport | None, bool]:
        """Where the slide was left, and whether the whole of it was kept in view."""
        memory, pyramid = self.document.memory, self.document.metadata.pyramid
        if memory is None:
            return None, True
        center = memory.center
        if center is not None and not pyramid.extent.contains(center):
            return None, True
        # The same magnification even on a screen with another pixel ratio.
        ratio = self.view.devicePixelRatioF()
        viewport = Viewport(
            center or pyramid.bounds.center,
            memory.device_downsample * ratio,
            Size(800, 600),
            ratio,
            memory.rotation_deg,
        )
        return viewport, center is None

    def viewport_for(self, other: Document) -> Viewport | None:
        """What is visible, for another picture of the same file; None if that has another size."""
        is_same = other.metadata.pyramid.extent == self.document.metadata.pyramid.extent
        return self.view.viewport if is_same else None

    def _show_slide(self, viewport: Viewport | None, *, is_fitted: bool) -> None:
        self.view.set_slide(
            self.document.reader,
            self._services.cache,
            self.document.pixel_size,
            transform=self.document.transform(managed=self._managed),
            viewport=viewport,
            is_fitted=is_fitted,
        )
        if self._beside is not None:
            self._beside.show_slide(managed=self._managed)
        self.view.set_prediction(self.document.prediction, self.document.thresholds)
        marks = self.document.marks
        self.view.annotations.set_annotations(marks.working_set.annotations)
        self.view.annotations.set_selected(marks.selection.ids)
        self._show_corrections()

    def _show_corrections(self) -> None:
        found, classes = self.correcting.corrected, self.correcting.classes
        if classes is not None:
            for view in self._all_views:
                view.set_corrections(found, classes)

    # -- a second view -------------------------------------------------------------------

    @property
    def beside(self) -> Beside | None:
        """The view beside the first one; None without one."""
        return self._beside

    @property
    def _all_views(self) -> tuple[SlideView, ...]:
        return (self.view,) if self._beside is None else (self.view, self._beside.view)

    def show_beside(self, *, on: bool) -> None:
        """Show the slide in a second view, or only once."""
        if on and self._beside is None:
            self._beside = Beside(self.view, self.document, self._services, self)
            self._views.addWidget(self._beside.edge)
            self._views.addWidget(self._beside.view, 1)
            self._beside.show_slide(managed=self._managed)
            self._show_corrections()
        elif not on and self._beside is not None:
            beside, self._beside = self._beside, None
            self._views.removeWidget(beside.edge)
            self._views.removeWidget(beside.view)
            beside.close(0)
            self.view.setFocus()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Draw predictions like this."""
        for view in self._all_views:
            view.set_overlay_style(style)

    def set_changed(self, cells: npt.NDArray[np.bool_] | None, grid: PatchGrid | None) -> None:
        """Outline cells of a grid; see `SlideView.set_changed`."""
        for view in self._all_views:
            view.set_changed(cells, grid)

    @property
    def has_managed_colours(self) -> bool:
        """Whether the slide's colour profile is applied, if it has one."""
        return self._managed

    def set_managed_colours(self, *, on: bool) -> None:
        """Apply the slide's colour profile, or show raw colours."""
        if on == self._managed:
            return
        self._managed = on
        if self.document.has_profile:
            self._show_slide(self.view.viewport, is_fitted=self.view.is_fitted)

    def draw_region(self) -> None:
        """Let the user draw the region to classify."""
        if self._drawing is not None:
            return
        self._drawing = RegionDrawing(self.view)
        self._drawing.drawn.connect(self.regionDrawn)
        self._drawing.ended.connect(self._on_drawing_ended)

    @property
    def visible_region(self) -> Region | None:
        """The visible region, clipped to the slide; level-0 px."""
        viewport = self.view.viewport
        if viewport is None:
            return None
        return viewport.region.intersection(self.document.metadata.pyramid.extent)

    @property
    def memory(self) -> SlideMemory | None:
        """How the slide is seen now."""
        viewport, document = self.view.viewport, self.document
        if viewport is None:
            return document.memory
        return document.memory_at(viewport, is_fitted=self.view.is_fitted)

    def close_view(self, timeout_s: float) -> bool:
        """Remember the position and end the view's threads; False if one did not end in time."""
        self.document.remember(self.view.viewport, is_fitted=self.view.is_fitted)
        beside, self._beside = self._beside, None
        ended = beside is None or beside.close(timeout_s / 2)
        return self.view.close_slide(timeout_s) and ended

    def _on_drawing_ended(self) -> None:
        self._drawing = None

    def _measure_known_length(self, on: bool) -> None:  # a Qt slot
        if on:
            tool = KnownLengthTool(self.tool_context, self.banner.show_drawn)
            self.view.input.set_tool(tool)
        elif isinstance(self.view.input.tool, KnownLengthTool):
            self.view.input.set_tool(None)

    def _on_part_failed(self, change: str) -> None:
        self.partsFailed.emit(
            change
            or f"Parts of {self.document.title} cannot be read; they are hatched on the slide. "
            "Press F5 to try again; if that does not help, copy the file from its source again."
        )

    def _on_viewport(self, viewport: Viewport) -> None:
        self.document.run.set_view(viewport.region)

    def _on_stated(self, pixel_size: PixelSize) -> None:
        """Use it; what contradicts the file only when the user has read by how much."""
        document = self.document
        doubt = contradiction_text(document.metadata.pixel_size, pixel_size)
        # In a run it cannot be changed, and the document says so.
        if not doubt or pixel_size == document.pixel_size or document.run.status.is_active:
            document.calibrate(pixel_size)
            return
        question = QuestionDialog(
            "Pixel size",
            f"{doubt} Use {pixel_size.text}?",
            f"Use {pixel_size.text}",
            "Do not use it",
            self,
        )
        question.accepted.connect(lambda: document.calibrate(pixel_size))
        ask(question)

    def _on_pixel_size(self) -> None:
        pixel_size: PixelSize = self.document.pixel_size
        self.banner.show_pixel_size(pixel_size)
        self._measure_known_length(False)
        for view in self._all_views:
            view.set_pixel_size(pixel_size)
        self.view.setFocus()  # the field that had it may be gone

    def _on_prediction(self) -> None:
        shown = self.document.prediction is not None
        self.model_notice.show_model(self.document.bundle if shown else None)
        self._show_suitability()
        self.view.set_prediction(self.document.prediction, self.document.thresholds)

    def _show_suitability(self) -> None:
        document = self.document
        is_shown = document.prediction is not None
        if document.refusal:
            self.suitability.show_refusal(document.refusal, has_results=is_shown)
        else:
            self.suitability.show_warnings(document.warnings if is_shown else ())

    def _classify_anyway(self) -> None:
        self.view.setFocus()  # the button is about to be hidden
        try:
            self.document.classify_anyway()
        except BachviewError as error:
            self.document.failed.emit(str(error))


def as_page(widget: QObject | None) -> SlidePage | None:
    """`widget`, if it is a page."""
    return widget if isinstance(widget, SlidePage) else None

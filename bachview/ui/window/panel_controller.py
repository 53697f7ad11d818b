"""Connects the panel and the status bar with the current slide."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from bachview.core.geometry import Point, Region
from bachview.core.pixel_size import PixelSize
from bachview.core.summary import Summary, summarize
from bachview.ui.panels.cursor_reading import CursorReading, cell_at, reading_at
from bachview.ui.panels.overlay_amounts import (
    MOVING,
    NO_AMOUNTS,
    Amounts,
    AmountsOf,
    amounts_of,
)
from bachview.ui.panels.side_panel import SidePanel
from bachview.ui.session.activation_maps import ActivationMaps
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.document import Document
from bachview.ui.session.run_status import RunStatus
from bachview.ui.session.services import Services
from bachview.ui.window.chip_text import chip_text
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.status_line import StatusLine
from bachview.viewing.activation import ActivationMap
from bachview.viewing.viewport import Viewport

_NO_MODEL = "Choose a model first (Classify, Model)."
_ROTATED = "The view is rotated: this is the upright rectangle around it."
#: Areas are summed at most this often: a large slide takes some 20 ms.
_AMOUNTS_MS = 700


class PanelController(QObject):
    """Follows one page at a time. GUI thread only.

    Signals
    -------
    statusChanged(RunStatus) : of the slide on the screen.
    """

    statusChanged = Signal(object)

    def __init__(
        self,
        panel: SidePanel,
        status: StatusLine,
        selector: BundleSelector,
        services: Services,
        device: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`device` returns the device for activation maps if no ensemble is loaded yet."""
        super().__init__(parent)
        self._panel = panel
        self._status = status
        self._selector = selector
        self._device = device
        self._page: SlidePage | None = None
        self._links: list[tuple[SignalInstance, Callable[..., Any]]] = []
        self._point: Point | None = None
        # The cell under the cursor, in the grid of the prediction shown.
        self._cell: tuple[int, int] | None = None
        self._class_name = ""  # of that cell, if it is classified
        self._maps = ActivationMaps(services, self._is_moving, self)
        self._maps.found.connect(self._on_map)
        self._maps.failed.connect(self._on_no_map)
        self._maps.delayed.connect(self._on_delayed_map)
        self._amounts_told = NO_AMOUNTS
        self._amounts = QTimer(self)
        self._amounts.setSingleShot(True)
        self._amounts.setInterval(_AMOUNTS_MS)
        self._amounts.timeout.connect(self._show_amounts)
        panel.overlay.styleChanged.connect(self._on_style)
        panel.result.amountsOfChanged.connect(self._show_amounts)
        panel.at_cursor.activationMapToggled.connect(self._on_map_toggled)
        selector.changed.connect(self.show_bundle)
        selector.prepared.connect(self.show_bundle)

    @property
    def page(self) -> SlidePage | None:
        """The page that is followed."""
        return self._page

    @property
    def class_name(self) -> str:
        """Of the cell under the cursor; empty if it has no class."""
        return self._class_name

    def show_page(self, page: SlidePage | None) -> None:
        """Follow another page, or none."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links.clear()
        self._maps.forget()
        if self._page is not None:
            self._page.view.set_field(None)
            self._page.view.expect_activation_map(None)
        self._page = page
        self._point = page.view.cursor_point if page else None
        self._cell = None
        self._show_reading(None)
        self._show_position()
        if page is None:
            self._status.show_magnification(None)
            self._on_status(RunStatus())
            self.show_bundle()
            return
        document, view = page.document, page.view
        self._link(view.cursorMoved, self._on_cursor)
        self._link(view.viewportChanged, self._on_viewport)
        self._link(document.predictionChanged, self._on_prediction)
        self._link(document.predictionGrew, self._on_grew)
        self._link(document.pixelSizeChanged, self._on_pixel_size)
        self._link(document.run.statusChanged, self._on_status)
        self._link(page.correcting.changed, self._on_corrections)
        page.set_overlay_style(self._panel.overlay.style_now)
        self._on_viewport(view.viewport)
        self._on_status(document.run.status)
        self._on_prediction()

    def _link(self, signal: SignalInstance, slot: Callable[..., Any]) -> None:
        signal.connect(slot)
        self._links.append((signal, slot))

    def show_bundle(self) -> None:
        """Set up legend and votes for the prediction shown, or else for the bundle in use."""
        document = self._page.document if self._page else None
        self._panel.show_contents(
            has_slide=document is not None,
            has_prediction=document is not None and document.prediction is not None,
        )
        in_use = self._selector.of(document.path if document else None)
        bundle = (document.bundle if document else None) or in_use
        if bundle is not None:
            self._panel.show_bundle(bundle)
        if self._page is None:
            self._show_amounts()
            why = "Open a slide first."
        elif in_use is None:
            why = "The model is still being read." if self._selector.is_loading else _NO_MODEL
        elif not self._page.document.pixel_size.is_plausible:
            why = "State the pixel size first (on the slide)."
        else:
            why = ""
        self._panel.show_obstacle(why)

    def _on_prediction(self) -> None:
        self.show_bundle()
        self._show_amounts()
        # Another prediction may have another grid, in which the same cell is another place.
        self._look_under_cursor(is_new=True)

    def _on_grew(self) -> None:
        if not self._amounts.isActive():
            self._amounts.start()
        document = self._page.document if self._page else None
        if self._cell is not None and document and document.prediction is not None:
            was = self._class_name
            self._show_cell(self._cell)
            if self._class_name != was:
                self._want_map()

    def _on_corrections(self) -> None:
        self._show_corrections()
        self._show_cell(self._cell)

    def _show_corrections(self) -> None:
        """Count them, and offer to hide them where there are any."""
        found = None if self._page is None else self._page.correcting.agreement
        self._panel.result.corrections.show_agreement(found)
        self._panel.overlay.offer_corrections(on=found is not None)

    def _on_pixel_size(self) -> None:
        self.show_bundle()
        self._show_amounts()
        self._show_position()
        self._look_under_cursor(is_new=True)
        self._on_viewport(self._page.view.viewport if self._page else None)

    def _show_amounts(self) -> None:
        """Sum up anew: the slide for its chip, and what the legend is of."""
        self._amounts.stop()
        page, amounts = self._page, NO_AMOUNTS
        self._panel.result.offer_region(on=page is not None and page.document.region is not None)
        if page is not None:
            whole = _summary_of(page.document)
            page.chip.show_text(chip_text(page.document, whole))
            amounts = self._amounts_on(page, whole)
            is_region = (
                amounts is not NO_AMOUNTS and self._panel.result.amounts_of is AmountsOf.REGION
            )
            page.view.set_counted(page.document.region if is_region else None)
        self._tell_amounts(amounts)
        self._show_corrections()

    def _amounts_on(self, page: SlidePage, whole: Summary | None) -> Amounts:
        """What the legend shall show of a page; `whole` is the summary of its slide."""
        document, of, summary = page.document, self._panel.result.amounts_of, whole
        if of is not AmountsOf.SLIDE:
            region = page.visible_region if of is AmountsOf.VIEW else document.region
            summary = None if region is None else _summary_of(document, region)
        if summary is None or document.prediction is None:
            return NO_AMOUNTS
        amounts = amounts_of(summary, document.prediction, document.pixel_size)
        viewport = page.view.viewport
        if of is AmountsOf.VIEW and viewport is not None and viewport.rotation_deg % 90:
            return replace(amounts, coverage=f"{amounts.coverage}. {_ROTATED}")
        return amounts

    def _tell_amounts(self, amounts: Amounts) -> None:
        self._amounts_told = amounts
        self._panel.show_amounts(amounts)

    def _on_viewport(self, viewport: Viewport | None) -> None:
        if self._panel.result.amounts_of is AmountsOf.VIEW:
            if self._amounts_told is not MOVING:
                self._tell_amounts(MOVING)
            self._amounts.start()
        if self._page is None or viewport is None:
            self._status.show_magnification(None)
        else:
            known = self._page.document.pixel_size
            self._status.show_magnification(viewport.magnification(known), known.remark)

    def _on_status(self, status: RunStatus) -> None:
        self._panel.show_status(status)
        self._status.show_run(status)
        if not status.is_active:
            self._show_amounts()
        self.statusChanged.emit(status)

    def _on_cursor(self, point: Point | None) -> None:
        self._point = point
        self._show_position()
        self._look_under_cursor(is_new=False)

    def _show_position(self) -> None:
        known = self._page.document.pixel_size if self._page else PixelSize.unknown()
        self._status.show_position(self._point, known)

    def _look_under_cursor(self, *, is_new: bool) -> None:
        """Show the cell under the cursor, if it or the prediction has changed."""
        prediction = self._page.document.prediction if self._page else None
        cell = None
        if prediction is not None and self._point is not None:
            cell = cell_at(prediction.grid, self._point)
        if is_new or cell != self._cell:
            self._cell = cell
            self._show_cell(cell)
            self._want_map()

    def _show_cell(self, cell: tuple[int, int] | None) -> None:
        page = self._page
        document = page.document if page else None
        self._class_name = ""
        if page is None or document is None:
            return
        prediction, thresholds = document.prediction, document.thresholds
        if cell is None or prediction is None or thresholds is None:
            self._show_reading(None)
            page.view.set_field(None)
            return
        reader = page.correcting.reader_at(cell)
        reading = reading_at(prediction, thresholds, document.pixel_size, cell, reader)
        self._show_reading(reading)
        if reading.patch_result is None:
            page.view.set_field(None)
        else:
            top = int(reading.patch_result.probabilities.argmax())
            self._class_name = prediction.classes[top].name
            page.view.set_field(prediction.field(*cell), prediction.grid.cell(*cell))

    def _show_reading(self, reading: CursorReading | None) -> None:
        self._panel.show_reading(reading)

    def _on_style(self, style: object) -> None:
        if self._page is not None:
            self._page.set_overlay_style(self._panel.overlay.style_now)

    # -- activation map ------------------------------------------------------------------

    def _on_map_toggled(self) -> None:
        self._want_map()

    def _want_map(self) -> None:
        page = self._page
        if page is None:
            return
        self._maps.forget()
        wants_map = self._panel.at_cursor.wants_map
        is_wanted = wants_map and self._cell is not None and self._class_name
        page.view.expect_activation_map(self._class_name if is_wanted else None)
        if self._cell is not None and is_wanted:
            self._maps.want(page.document, self._cell, self._device())

    def _is_moving(self) -> bool:
        view = self._page.view if self._page else None
        return view is not None and (view.motion.is_moving or view.input.is_dragging)

    def _on_delayed_map(self) -> None:
        if self._page is not None:
            self._page.view.expect_activation_map(self._class_name, is_delayed=True)

    def _on_map(self, found: ActivationMap) -> None:
        if self._page is not None and self._panel.at_cursor.wants_map:
            self._page.view.set_activation_map(found)

    def _on_no_map(self, message: str) -> None:
        self._panel.at_cursor.set_wants_map(False)
        if self._page is not None:
            self._page.document.failed.emit(message)


def _summary_of(document: Document, region: Region | None = None) -> Summary | None:
    """Of the prediction shown, or of a level-0 `region` of it; None without a prediction."""
    prediction, thresholds = document.prediction, document.thresholds
    if prediction is None or thresholds is None or not document.pixel_size.is_plausible:
        return None
    return summarize(prediction, document.pixel_size, thresholds, region=region)

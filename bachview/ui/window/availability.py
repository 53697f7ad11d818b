"""Which commands do something now, and why the others do not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, SignalInstance

from bachview.ui.panels.overlay_panel import OverlayPanel
from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.run_status import RUNNING, RunState, RunStatus
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.commands import Command
from bachview.ui.window.file_commands import FileCommands
from bachview.ui.window.panel_controller import PanelController
from bachview.ui.window.place_commands import PlaceCommands
from bachview.ui.window.results_commands import ResultsCommands
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs
from bachview.ui.window.teach_commands import TeachCommands
from bachview.ui.window.view_commands import ViewCommands
from bachview.ui.window.window_commands import WindowCommands

NO_PIXEL_SIZE: Final = (
    "Off, because the pixel size of this slide is not known: state it on the slide"
)
NO_MODEL: Final = "Off, because there is no model: choose one in the Classify menu"
NO_MODEL_YET: Final = "Off, because the model is still being read"
NO_FAILED_CELLS: Final = "Off, because no cell of this slide failed to be read"
NO_DAMAGE: Final = "Off, because no part of this slide failed to be read"
NO_RESULTS: Final = "Off, because this slide has no results: classify it first"
NO_SAVED: Final = "Off, because no results of this slide are saved"
NO_PROFILE: Final = "Off, because this slide has no colour profile"
NO_IMAGES: Final = "Off, because this file has no label or overview image"
UPRIGHT: Final = "Off, because the slide is upright"
HIDDEN: Final = "Off, because the overlay is hidden"
OPAQUE: Final = "Off, because the overlay covers the tissue already"
CLEAR: Final = "Off, because the overlay is already transparent"
ONE_SLIDE: Final = "Off, because only one slide is open"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the commands depend on; the slide is the one in front.

    Attributes
    ----------
    no_model : why there is no model for the slide; empty if there is one.
    opacity : of the overlay, 0..1.
    """

    state: RunState = RunState.IDLE
    knows_pixel_size: bool = True
    no_model: str = ""
    has_results: bool = False
    has_saved: bool = False
    has_failed_cells: bool = False
    has_damage: bool = False
    has_profile: bool = False
    has_images: bool = False
    is_upright: bool = True
    is_overlay_shown: bool = True
    opacity: float = 0.5
    slides: int = 1


def no_start(now: Situation) -> str:
    """Why no run can be started; empty if one can."""
    if RunStatus(now.state).is_active:
        return RUNNING
    return NO_PIXEL_SIZE if not now.knows_pixel_size else now.no_model


def no_retry(now: Situation) -> str:
    """Why no failed cells can be classified again."""
    return no_start(now) or ("" if now.has_failed_cells else NO_FAILED_CELLS)


def no_overlay(now: Situation) -> str:
    """Why there is no overlay to show or hide."""
    return "" if now.has_results else NO_RESULTS


def no_opacity(now: Situation, *, more: bool) -> str:
    """Why the overlay cannot be made more or less opaque."""
    at_end = now.opacity >= 1 if more else now.opacity <= 0
    end = OPAQUE if more else CLEAR
    return no_overlay(now) or ("" if now.is_overlay_shown else HIDDEN) or (end if at_end else "")


class Availability(QObject):
    """Switches the commands of a window on and off. GUI thread only.

    Every command that can be without effect has a row in `_rules`; what only needs a slide has not.
    """

    def __init__(
        self,
        file: FileCommands,
        view: ViewCommands,
        classify: ClassifyCommands,
        results: ResultsCommands,
        teach: TeachCommands,
        place: PlaceCommands,
        other: WindowCommands,
        *,
        controller: PanelController,
        overlay: OverlayPanel,
        selector: BundleSelector,
        tabs: SlideTabs,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._controller, self._overlay = controller, overlay
        self._selector, self._tabs = selector, tabs
        self._last: Situation | None = None
        self._links: list[tuple[SignalInstance, Callable[..., object]]] = []
        self._rules: Mapping[Command, Callable[[Situation], str]] = {
            **dict.fromkeys((*classify.starts, place.classify_cell), no_start),
            classify.failed_patches: no_retry,
            classify.pause: lambda now: RunStatus(now.state).no_pause,
            classify.cancel: lambda now: RunStatus(now.state).no_cancel,
            classify.export_results: no_overlay,
            teach.teach: lambda now: teach.obstacle or no_start(now),
            results.results: lambda now: "" if now.has_saved else NO_SAVED,
            **dict.fromkeys(
                view.magnifications,
                lambda now: "" if now.knows_pixel_size else NO_PIXEL_SIZE,
            ),
            view.upright: lambda now: UPRIGHT if now.is_upright else "",
            view.activation_map: no_overlay,
            view.more_opaque: lambda now: no_opacity(now, more=True),
            view.less_opaque: lambda now: no_opacity(now, more=False),
            view.correct_pixel_size: lambda now: RUNNING if RunStatus(now.state).is_active else "",
            view.colour_management: lambda now: "" if now.has_profile else NO_PROFILE,
            view.retry_failed: lambda now: "" if now.has_damage else NO_DAMAGE,
            file.associated_images: lambda now: "" if now.has_images else NO_IMAGES,
            other.next_slide: lambda now: "" if now.slides > 1 else ONE_SLIDE,
            other.previous_slide: lambda now: "" if now.slides > 1 else ONE_SLIDE,
        }
        controller.statusChanged.connect(lambda _: self.renew())
        overlay.styleChanged.connect(lambda _: self.renew())
        for signal in (selector.changed, selector.failed, selector.prepared, tabs.pagesChanged):
            signal.connect(lambda *_: self.renew())
        view.retry_failed.triggered.connect(lambda _: self.renew())

    @property
    def commands(self) -> Iterable[Command]:
        """Those that it switches."""
        return self._rules.keys()

    def follow(self, page: SlidePage | None) -> None:
        """Another slide has come to the front, or none; all commands for slides were switched."""
        for signal, slot in self._links:
            signal.disconnect(slot)
        self._links.clear()
        self._last = None
        if page is not None:
            document, view = page.document, page.view
            for signal in (
                document.predictionChanged,
                document.savedChanged,
                document.pixelSizeChanged,
            ):
                self._link(signal, self.renew)
            self._link(view.partFailed, lambda _: self.renew())
            self._link(view.viewportChanged, self._on_viewport)
        self.renew()

    def _link(self, signal: SignalInstance, slot: Callable[..., object]) -> None:
        signal.connect(slot)
        self._links.append((signal, slot))

    def _on_viewport(self) -> None:
        """Often: only the rotation counts."""
        page = self._controller.page
        if page is not None and (self._last is None or _is_upright(page) != self._last.is_upright):
            self.renew()

    def renew(self) -> None:
        """Switch what has to be switched."""
        page = self._controller.page
        if page is None:
            return  # all commands for slides are off
        now = self._situation(page, page.document.run.status)
        if now != self._last:
            self._last = now
            for command, rule in self._rules.items():
                why_not = rule(now)
                command.allow(not why_not, why_not)

    def _situation(self, page: SlidePage, status: RunStatus) -> Situation:
        document, selector = page.document, self._selector
        no_model = ""
        if selector.of(document.path) is None:
            no_model = NO_MODEL_YET if selector.is_loading else NO_MODEL
        return Situation(
            status.state,
            document.pixel_size.is_plausible,
            no_model,
            document.export_source is not None,
            document.has_saved,
            not status.is_active and document.failed_in(None) > 0,
            page.view.has_damage,
            document.has_profile,
            bool(document.metadata.associated_images),
            _is_upright(page),
            self._overlay.is_overlay_shown,
            self._overlay.opacity,
            len(self._tabs.pages),
        )


def _is_upright(page: SlidePage) -> bool:
    viewport = page.view.viewport
    return viewport is None or viewport.rotation_deg % 360 == 0

"""Readies the bundle in use for the open slides: earlier results, waiting runs, the ensemble."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from bachview.ui.session.bundles import BundleSelector
from bachview.ui.session.ensemble_service import EnsembleChoice
from bachview.ui.session.services import Services
from bachview.ui.window.classify_commands import ClassifyCommands
from bachview.ui.window.messages import Messages, Offer
from bachview.ui.window.slide_page import SlidePage
from bachview.ui.window.tabs import SlideTabs

#: Delay between opening a slide, or choosing a bundle, and loading the ensemble for it.
_WARM_UP_MS = 700


class BundleFollower(QObject):
    """Follows what `selector` says, for all open slides. GUI thread only."""

    def __init__(
        self,
        tabs: SlideTabs,
        selector: BundleSelector,
        classify: ClassifyCommands,
        messages: Messages,
        services: Services,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._tabs, self._selector, self._classify = tabs, selector, classify
        self._messages, self._services = messages, services
        self._is_stopped = False
        self._waiting: set[Path] = set()
        # Not at once: the first picture has priority.
        self._warm_up = QTimer(self, singleShot=True, interval=_WARM_UP_MS)
        self._warm_up.timeout.connect(self._load_ensemble)
        selector.changed.connect(self._on_bundle)
        selector.prepared.connect(self._on_prepared)
        bridge, remember = services.bridge, selector.remember
        services.service.on_ready = lambda choice: bridge.call(remember, choice.sha256)

    def restore(self) -> None:
        """Use the bundle of the last session, unless loading it ended the program."""
        ended = self._services.marker.left_over()
        self._selector.restore(avoid=ended)
        for bundle in ended:
            message = self._messages.problem(
                f"bachview ended while loading the model {Path(bundle).name}, so it was not "
                "loaded again.",
                Offer("Load it again", partial(self._selector.choose, bundle)),
            )
            self._selector.choosing.connect(message.withdraw)

    def classify_when_ready(self, path: Path) -> None:
        """Start a run of this slide as soon as slide and bundle are ready."""
        self._waiting.add(path)

    def give_up(self, path: Path) -> bool:
        """Start no run of this slide by itself any more; whether one was waiting."""
        was_waiting = path in self._waiting
        self._waiting.discard(path)
        return was_waiting

    def take(self, page: SlidePage) -> None:
        """A slide has been opened: do for it what can be done by now, and load the ensemble."""
        self._ready(page)
        self._warm_up.start()

    def classify_waiting(self, page: SlidePage) -> None:
        """Start the run that waits for this slide, if there is one and all is ready."""
        path = page.document.path
        if path not in self._waiting or self._selector.of(path) is None:
            return
        self._waiting.discard(path)
        if page.document.pixel_size.is_plausible and self._tabs.page is page:
            self._classify.classify()

    def show_saved(self, page: SlidePage) -> None:
        """Show earlier results of the bundle in use."""
        bundle = self._selector.of(page.document.path)
        if bundle is not None:
            page.document.show_saved(bundle)

    def stop(self) -> None:
        """Load no ensemble any more: the window is closing."""
        self._is_stopped = True

    def _on_bundle(self) -> None:
        if self._selector.current is not None:
            self._services.annotation_classes.take_model(self._selector.current.classes)
        for page in self._tabs.pages:
            self._ready(page)
        self._warm_up.start()

    def _on_prepared(self, path: Path) -> None:
        page = self._tabs.page_of(path)
        if page is not None:
            self.take(page)

    def _ready(self, page: SlidePage) -> None:
        self.show_saved(page)
        self.classify_waiting(page)

    def _load_ensemble(self) -> None:
        """Load the ensemble while the user looks around.

        Without a slide, only a bundle that was just chosen, as it is remembered once it has been
        loaded.
        """
        page, services = self._tabs.page, self._services
        bundle = self._selector.of(page.document.path if page else None)
        if bundle is None or not services.warms_up or self._is_stopped:
            return
        if page is None and self._selector.is_remembered:
            return
        choice = EnsembleChoice(bundle.path, bundle.sha256, self._classify.devices.in_use)
        # A bundle that cannot be loaded is reported when it is needed.
        services.bridge.watch(services.service.warm_up(choice), lambda _: None, lambda _: None)

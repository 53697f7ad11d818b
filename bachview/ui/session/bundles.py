"""The bundle in use: which one the user chose, and what is known about it."""

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.core.classes import ClassSet
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BachviewError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.policy.in_force import in_force
from bachview.ui.bridge import Bridge
from bachview.ui.session.demo import DEMO_BUNDLE, is_demo
from bachview.ui.session.load_marker import LoadMarker
from bachview.ui.session.settings import DEFAULT_BUNDLE, SettingsFile


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What the window needs to know about a bundle without keeping it open.

    Attributes
    ----------
    choice : the installed name or the path by which it was chosen.
    is_for_tissue : whether it was trained on tissue; otherwise it only serves to check the program.
    measured : one sentence for users on how often it was right; empty if nothing is stated.
    unseen : one sentence if it cannot say what it has not seen; else empty.
    """

    choice: str
    path: Path
    name: str
    version: str
    sha256: str
    intended_use: str
    is_for_tissue: bool
    measured: str
    unseen: str
    classes: ClassSet
    geometry: PatchGeometry
    thresholds: Thresholds
    member_names: tuple[str, ...]
    model_card: str


def read_summary(choice: str) -> BundleSummary:
    """Open the bundle, check its hashes, and collect what the window needs. Any thread; slow.

    Raises
    ------
    BundleError
        It is missing or damaged.
    """
    # Imported here: pydantic is not needed to open the viewer.
    from bachview.models.bundle.installed import resolve_bundle
    from bachview.models.bundle.opened import open_bundle

    path = resolve_bundle(choice)
    bundle = open_bundle(path)
    try:
        return BundleSummary(
            choice,
            path,
            bundle.manifest.name,
            str(bundle.manifest.version),
            bundle.sha256,
            bundle.manifest.intended_use,
            bundle.manifest.is_for_tissue,
            bundle.manifest.measured,
            bundle.manifest.unseen,
            bundle.classes,
            bundle.geometry,
            bundle.thresholds,
            bundle.member_names,
            bundle.model_card,
        )
    finally:
        bundle.close()


class BundleSelector(QObject):
    """The bundle that new runs use. GUI thread only; bundles are read in the io lane.

    Attributes
    ----------
    current : the user's choice; None until it has been read.

    Signals
    -------
    choosing : the user has chosen another one, which is going to be read.
    changed : `current` has changed (or has been read).
    prepared(Path) : the bundle that classifies this slide is known.
    failed : a sentence; the previous bundle stays in use.
    """

    choosing = Signal()
    changed = Signal()
    prepared = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        settings: SettingsFile,
        bridge: Bridge,
        lane: Lane,
        marker: LoadMarker,
        parent: QObject | None = None,
    ) -> None:
        """`marker` : lets the next start know of a bundle whose reading ended this process."""
        super().__init__(parent)
        self._marker = marker
        self._settings = settings
        self._bridge = bridge
        self._lane = lane
        self._demo: BundleSummary | None = None
        self.current: BundleSummary | None = None
        self.is_loading = False

    def restore(self, *, avoid: Collection[str] = ()) -> None:
        """Use the bundle of the last session, or the default one; only one that is locked.

        Parameters
        ----------
        avoid : paths of bundles that are only used if the user chooses them.
        """
        for choice in dict.fromkeys((self._last, *_fallbacks())):
            if not any(choice in (path, Path(path).stem) for path in avoid):
                self._choose(choice, is_restored=True)
                return

    def choose(self, choice: str) -> None:
        """Use the installed bundle of this name, or the one at this path."""
        self.choosing.emit()
        self._choose(choice, is_restored=False)

    @property
    def is_remembered(self) -> bool:
        """Whether the next session starts with `current`."""
        return self.current is not None and self.current.choice == self._last

    @property
    def _last(self) -> str:
        return self._settings.now.bundle

    def remember(self, sha256: str) -> None:
        """Remember `current` for the next session, if this is its hash: it has been loaded.

        Not earlier: a bundle that cannot be loaded would fail at every start.
        """
        if self.current is not None and self.current.sha256 == sha256:
            self._settings.now = replace(self._settings.now, bundle=self.current.choice)

    def of(self, slide: Path | None) -> BundleSummary | None:
        """The bundle that classifies a slide: the user's choice, but the demo slide has its own.

        The demo is drawn in the stains of that bundle, which mean nothing to other bundles.
        """
        return self._demo if slide is not None and is_demo(slide) else self.current

    def prepare(self, slide: Path) -> None:
        """Read the demo's bundle, if this is the demo slide and it is not known yet."""
        if self._demo is not None or not is_demo(slide):
            return

        def on_done(summary: BundleSummary) -> None:
            self._demo = summary
            self.prepared.emit(slide)

        self._bridge.watch(
            self._reading(DEMO_BUNDLE), on_done, lambda error: self.failed.emit(str(error))
        )

    def _reading(self, choice: str) -> "Future[BundleSummary]":
        def read(token: CancelToken) -> BundleSummary:
            token.check()
            with self._marker.during(Path(choice)):
                return read_summary(choice)

        return self._lane.submit(read)

    def _choose(self, choice: str, *, is_restored: bool) -> None:
        def read(token: CancelToken) -> BundleSummary:
            from bachview.models.bundle.installed import bundle_in_use

            token.check()
            bundle_in_use(choice)  # raises where the policy allows another only
            with self._marker.during(Path(choice)):
                return read_summary(choice)

        def on_finished() -> None:
            self.is_loading = False

        def on_done(summary: BundleSummary) -> None:
            self.current = summary
            self.changed.emit()

        def on_error(error: BachviewError) -> None:
            self.failed.emit(str(error))
            fallbacks = _fallbacks()
            if is_restored and choice != DEFAULT_BUNDLE and fallbacks:
                # The bundle of the last session may have been deleted; the built-in one is always
                # there.
                after = choice in fallbacks
                self._choose(fallbacks[-1 if after else 0], is_restored=True)

        self.is_loading = True
        self._bridge.watch(
            self._lane.submit(read), on_done, on_error, on_finished=on_finished, topic=self
        )


def _fallbacks() -> tuple[str, ...]:
    """What to use instead of the bundle of the last session, in this order."""
    policy = in_force()
    if policy.is_locked("bundle"):
        return ()
    usual = (policy.bundle,) if policy.bundle is not None else ()
    return (*usual, DEFAULT_BUNDLE)

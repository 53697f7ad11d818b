"""The bundle in use: which one the user chose, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from bachview.core.classes import ClassSet
from bachview.core.patches import PatchGeometry
from bachview.core.uncertainty import Thresholds
from bachview.errors import BachviewError
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.ui.bridge import Bridge
from bachview.ui.settings import Settings

DEFAULT = "default"
_KEY = "classify/bundle"


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What the window needs of a bundle without keeping it open.

    Attributes
    ----------
    choice : the installed name or the path that led to it.
    judges_tissue : whether its classes say anything of tissue; else it only checks the program.
    measured : one sentence of how often it was right, for its users; empty where nothing is stated.
    """

    choice: str
    path: Path
    name: str
    version: str
    sha256: str
    intended_use: str
    judges_tissue: bool
    measured: str
    classes: ClassSet
    geometry: PatchGeometry
    thresholds: Thresholds
    member_names: tuple[str, ...]
    model_card: str


def read_summary(choice: str) -> BundleSummary:
    """Open the bundle, check its hashes, note what the window needs. Any thread; slow.

    Raises
    ------
    BundleError
        It is not there, or damaged.
    """
    # Imported here: pydantic is not needed to open the viewer.
    from bachview.models.bundle import open_bundle
    from bachview.models.installed import resolve_bundle

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
            bundle.manifest.judges_tissue,
            _measured(bundle.manifest.training.metrics),
            bundle.classes,
            bundle.geometry,
            bundle.thresholds,
            bundle.member_names,
            bundle.model_card,
        )
    finally:
        bundle.close()


def _measured(metrics: Mapping[str, float]) -> str:
    """Of the metrics that `bachview train` writes into a manifest."""
    accuracy, low, high = (metrics.get(f"cv_photo_accuracy{end}") for end in ("", "_low", "_high"))
    if accuracy is None:
        return ""
    interval = (
        "" if low is None or high is None else f" (95 %: {100 * low:.0f} to {100 * high:.0f} %)"
    )
    return f"In cross-validation it was right on {100 * accuracy:.0f} % of photos{interval}."


class BundleShelf(QObject):
    """The bundle that new runs use. GUI thread only; reading happens in the io lane.

    Signals
    -------
    changed : `current` is another one (or is known at last).
    failed : a sentence; the bundle before stays in use.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(
        self, settings: Settings, bridge: Bridge, lane: Lane, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._bridge = bridge
        self._lane = lane
        self._choice = DEFAULT
        self._stand_in: str | None = None
        self.current: BundleSummary | None = None
        self.is_loading = False

    @property
    def is_ready(self) -> bool:
        """Whether `current` is there, and no other one on its way."""
        return self.current is not None and not self.is_loading

    def restore(self) -> None:
        """Take the bundle of the last session, or the default one."""
        self._choice = self._kept()
        self._read(self._choice, falls_back=True)

    def choose(self, choice: str) -> None:
        """Use the installed bundle of this name, or the one at this path, from now on."""
        self._choice = choice
        self._read(choice)

    def stand_in(self, choice: str | None) -> None:
        """Use another bundle for a while, beside the user's choice; None gives that back."""
        if choice == self._stand_in:
            return
        self._stand_in = choice
        if choice is None:
            self._read(self._choice, falls_back=True)
        else:
            self._read(choice, is_chosen=False)

    def _kept(self) -> str:
        return self._settings.text(_KEY, DEFAULT)

    def _read(self, choice: str, *, is_chosen: bool = True, falls_back: bool = False) -> None:
        def read(token: CancelToken) -> BundleSummary:
            token.check()
            return read_summary(choice)

        def on_finished() -> None:
            self.is_loading = False

        def on_done(summary: BundleSummary) -> None:
            self.current = summary
            if is_chosen:
                self._stand_in = None
                self._settings.put(_KEY, choice)
            self.changed.emit()

        def on_error(error: BachviewError) -> None:
            self.failed.emit(str(error))
            if not is_chosen:
                return
            self._choice = self._kept()
            if falls_back and choice != self._choice:
                self._read(self._choice, falls_back=True)
            elif falls_back and choice != DEFAULT:
                # The bundle of the last session may be gone; the built-in one is not.
                self.choose(DEFAULT)

        self.is_loading = True
        self._bridge.watch(
            self._lane.submit(read), on_done, on_error, on_finished=on_finished, topic=self
        )

"""All saved results of a slide, with their log, as the dialog of results lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bachview.core.geometry import Region
from bachview.core.pixel_size import PixelSize
from bachview.errors import BundleError
from bachview.jobs.tokens import CancelToken
from bachview.policy.in_force import in_force
from bachview.policy.values import LOCKED_TEXT
from bachview.slide.reader import SlideMetadata
from bachview.store.listing import SavedGrid, saved_grids
from bachview.ui.session.bundles import BundleSummary, read_summary
from bachview.ui.session.exporting import ExportSource
from bachview.ui.session.slide_results import SlideResults, difference


@dataclass(frozen=True, slots=True)
class ListedResults:
    """The cells of one grid, the runs that filled them, and what this window can do with them.

    Attributes
    ----------
    grid : what is saved.
    scanned : area of the slide, level-0 px.
    export_source : for writing them; None if their model is not there.
    choice : the model that shows them, as `BundleSelector.choose` takes it; empty if none does.
    obstacle : why nothing shows them; empty if `choice` does.
    """

    grid: SavedGrid
    scanned: Region
    export_source: ExportSource | None
    choice: str
    obstacle: str

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known of them, one sentence each."""
        is_of_region = self.grid.earlier_region(self.scanned) is not None
        scope = f"{self.grid.scope(self.scanned)}." if is_of_region else ""
        return tuple(text for text in (scope, self.grid.note) if text)


def local_time(utc: str) -> str:
    """An ISO 8601 time as date and time on this computer, e.g. ``2026-11-27 18:05``."""
    return f"{datetime.fromisoformat(utc).astimezone():%Y-%m-%d %H:%M}"


def list_results(
    results: SlideResults,
    metadata: SlideMetadata,
    pixel_size: PixelSize,
    in_use: BundleSummary | None,
    token: CancelToken,
) -> tuple[ListedResults, ...]:
    """Everything that is saved of a slide. Any thread but the GUI thread; reads all models.

    Parameters
    ----------
    in_use : the model of the window, which need not be an installed one.

    Raises
    ------
    StoreError
        The results cannot be read.
    Cancelled
        `token` was cancelled.
    """
    store = results.existing()
    if store is None:
        return ()
    bundles = _installed(in_use, token)
    return tuple(_listed(grid, metadata, pixel_size, bundles) for grid in saved_grids(store))


def _installed(in_use: BundleSummary | None, token: CancelToken) -> Sequence[BundleSummary]:
    """The model in use, those of the program, and those that the user has taught."""
    from bachview.models.bundle.installed import installed_bundles, own_bundles

    found = [] if in_use is None else [in_use]
    for name in (*installed_bundles(), *own_bundles()):
        token.check()
        try:
            found.append(read_summary(name))
        except BundleError:  # it shows nothing; whoever chooses it is told why
            continue
    return found


def _listed(
    grid: SavedGrid,
    metadata: SlideMetadata,
    pixel_size: PixelSize,
    bundles: Sequence[BundleSummary],
) -> ListedResults:
    from bachview.inference.plan import make_plan

    record = grid.record
    source: ExportSource | None = None
    choice, obstacle = "", f"Its model, {record.key.bundle_name}, is not installed."
    for bundle in bundles:
        if bundle.sha256 != record.key.bundle_sha256:
            continue
        source = ExportSource(
            record.grid_id,
            record.key.grid.region,
            grid.pixel_size,
            bundle.thresholds,
            bundle.measured,
            record.provenance.icc_applied,
        )
        if not pixel_size.is_plausible:
            obstacle = "The pixel size of the slide is not known."
            continue
        plan = make_plan(metadata, pixel_size, bundle)
        if plan.id == record.key.plan_id:
            choice, obstacle = bundle.choice, ""
            if in_force().is_locked("bundle") and bundle is not bundles[0]:
                choice, obstacle = "", f"{LOCKED_TEXT}: another model is in use."
            break
        obstacle = f"Results of {difference(record, plan)}."
    return ListedResults(grid, metadata.pyramid.bounds, source, choice, obstacle)

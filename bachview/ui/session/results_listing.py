"""All saved results of a slide, with their log, as the dialog of results lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bachview.core.pixel_size import Origin, PixelSize
from bachview.core.scope import scope_text
from bachview.core.units import whole_percent_text
from bachview.errors import BundleError
from bachview.jobs.tokens import CancelToken
from bachview.slide.reader import SlideMetadata
from bachview.store.log import LoggedRun, Outcome
from bachview.store.records import GridRecord
from bachview.ui.session.bundles import BundleSummary, read_summary
from bachview.ui.session.exporting import ExportSource
from bachview.ui.session.slide_results import SlideResults, difference

_OUTCOMES = {
    Outcome.RUNNING: "going on",
    Outcome.FINISHED: "finished",
    Outcome.CANCELLED: "cancelled",
    Outcome.FAILED: "stopped by an error",
    Outcome.INTERRUPTED: "interrupted",
}


@dataclass(frozen=True, slots=True)
class ListedResults:
    """The cells of one grid, and the runs that filled them.

    Attributes
    ----------
    runs : the latest first.
    is_of_region : the grid is that of a region, by an earlier version; it cannot be shown.
    export_source : for writing them; None if their model is not there.
    choice : the model that shows them, as `BundleSelector.choose` takes it; empty if none does.
    obstacle : why nothing shows them; empty if `choice` does.
    """

    record: GridRecord
    runs: tuple[LoggedRun, ...]
    is_of_region: bool
    export_source: ExportSource | None
    choice: str
    obstacle: str

    @property
    def is_running(self) -> bool:
        """Whether a process is computing them now."""
        return any(run.outcome is Outcome.RUNNING for run in self.runs)

    @property
    def pixel_size(self) -> PixelSize:
        """That they were computed with."""
        return _pixel_size(self.record)

    @property
    def coverage(self) -> str:
        """E.g. ``37 % of 1,234 patches, 2 of them not readable``."""
        record = self.record
        if not record.total:
            return "no tissue recognised as H&E"
        dealt_with = record.done + record.failed
        share = "all" if record.is_complete else whole_percent_text(dealt_with / record.total)
        failed = f", {record.failed:,} of them not readable" if record.failed else ""
        return f"{share} of {record.total:,} patches{failed}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known of them, one sentence each."""
        found = []
        if self.is_of_region:
            region = self.record.key.grid.region
            found.append(f"{scope_text(region, self.pixel_size)} (earlier version).")
        if self.record.warnings is None:
            found.append("The slide was not checked before it was classified.")
        elif self.record.warnings:
            found.append(f"Classified although: {' '.join(self.record.warnings)}")
        return tuple(found)

    def run_texts(self, run: LoggedRun) -> tuple[str, ...]:
        """When, what was asked for, patches, rate, device and end of one of its runs."""
        rate = f"{run.cells_per_second:.1f} patches/s" if run.cells_per_second else "–"
        return (
            local_time(run.started),
            scope_text(run.region, self.pixel_size),
            f"{run.cells:,}",
            rate,
            " · ".join((run.provenance.device, run.provenance.precision)),
            _OUTCOMES[run.outcome],
        )


def _pixel_size(record: GridRecord) -> PixelSize:
    used = record.provenance
    return PixelSize(used.mpp_x, used.mpp_y, Origin(used.mpp_origin))


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
    return tuple(
        _listed(record, store.runs(record.grid_id), metadata, pixel_size, bundles)
        for record in store.grids()
    )


def _installed(in_use: BundleSummary | None, token: CancelToken) -> Sequence[BundleSummary]:
    """The model in use and those that come with the program."""
    from bachview.models.bundle.installed import installed_bundles

    found = [] if in_use is None else [in_use]
    for name in installed_bundles():
        token.check()
        try:
            found.append(read_summary(name))
        except BundleError:  # it shows nothing; whoever chooses it is told why
            continue
    return found


def _listed(
    record: GridRecord,
    runs: tuple[LoggedRun, ...],
    metadata: SlideMetadata,
    pixel_size: PixelSize,
    bundles: Sequence[BundleSummary],
) -> ListedResults:
    from bachview.inference.plan import make_plan

    is_of_region = record.key.grid.region != metadata.pyramid.bounds
    source: ExportSource | None = None
    choice, obstacle = "", f"Its model, {record.key.bundle_name}, is not installed."
    for bundle in bundles:
        if bundle.sha256 != record.key.bundle_sha256:
            continue
        source = ExportSource(
            record.grid_id,
            record.key.grid.region,
            _pixel_size(record),
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
            break
        obstacle = f"Results of {difference(record, plan)}."
    return ListedResults(record, runs, is_of_region, source, choice, obstacle)

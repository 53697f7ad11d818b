"""``bachview classify``: a run without a window, and its files."""

import concurrent.futures
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bachview.cli.classify_report import print_report, write_files
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, tell, time_text
from bachview.cli.policy_options import settled_device, settled_names, settled_results
from bachview.cli.progress import ProgressLine, spinning
from bachview.core.pixel_size import Origin, contradiction_text
from bachview.core.stack import USUAL, Choice
from bachview.errors import (
    BachviewError,
    Cancelled,
    ExportError,
    PixelSizeError,
    UnsuitableSlideError,
    UsageError,
)
from bachview.export.formats import ExportFormat, check_kinds, usual_kinds
from bachview.export.options import ExportOptions
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken
from bachview.store.log import Outcome

if TYPE_CHECKING:
    from bachview.api.slides import Slide
    from bachview.inference.run import RunStart
    from bachview.inference.slides import SlideRun
    from bachview.store.log import LoggedRun
    from bachview.store.results import ResultStore

#: How long we wait for a cancelled run to end; it normally needs half a second.
_END_S = 10.0
_REDRAW_S = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """The user's request, as given on the command line.

    Attributes
    ----------
    region : x, y, width, height in level-0 px; None for the whole slide.
    stride_um, mpp : None for the values of the bundle and the slide.
    icc : apply the slide's colour profile where it has one.
    store : folder of the results store; None for the user's data folder.
    bundle, device, names : None for what the administrator has set, or the usual.
    retry_failed : retry patches that could not be read in an earlier run.
    names : write the slide's name into the files.
    anyway : classify although the check of the slide speaks against it.
    kinds : which files to write.
    options : of the files.
    choice : which of several images, focal planes and time points in the file.
    """

    slide: Path
    bundle: str | None
    output: Path
    region: tuple[float, float, float, float] | None = None
    stride_um: float | None = None
    mpp: float | None = None
    engine: str = "openvino"
    device: str | None = None
    precision: str = "auto"
    icc: bool = True
    store: Path | None = None
    retry_failed: bool = False
    names: bool | None = None
    anyway: bool = False
    kinds: tuple[ExportFormat, ...] = usual_kinds()  # frozen
    options: ExportOptions = ExportOptions()  # noqa: RUF009  # frozen
    choice: Choice = USUAL


def classify_slide(request: Request, *, as_json: bool) -> int:
    """Classify, write the files and print the report.

    Ctrl-C ends the run within half a second; the files then hold what was finished.

    Raises
    ------
    BachviewError
        The slide, the bundle, the engine, the store or the output folder is not usable.
    Cancelled
        Ctrl-C before anything was classified.
    """
    import bachview
    from bachview.models.bundle.installed import bundle_in_use

    if request.region is not None and not min(request.region[2:]) > 0:
        raise UsageError("--region takes X Y W H in level-0 pixels, with W and H above 0.")
    request = replace(
        request,
        device=settled_device(request.device),
        store=settled_results(request.store),
        names=settled_names(request.names),
    )
    bundle_in_use(request.bundle)  # before the slide is opened
    with bachview.open_slide(request.slide, mpp=request.mpp, **asdict(request.choice)) as slide:
        if slide.stack.text:
            tell(f"{request.slide.name} has {slide.stack.text}.")
        _check_pixel_size(slide)
        check_kinds(request.kinds, slide.path, names=bool(request.names))
        prepare_output(request.output)
        with clean_stdout():
            document, was_cancelled = _run_and_write(request, slide)
    if as_json:
        print_json(document)
    else:
        print_report(document)
    if was_cancelled:
        tell(
            f"Cancelled; {document['patches']:,} cells are done and kept. Run the same command "
            "again to resume."
        )
        return ExitCode.CANCELLED
    if failed := document["failed"]["patches"]:
        how_many = f"{failed:,} of {document['patches'] + failed:,} cells"
        tell(
            f"{how_many} could not be read; copy {request.slide.name} again from its source, and "
            "add --retry-failed."
        )
    return ExitCode.BAD_INPUT if failed and not document["patches"] else ExitCode.DONE


def _run_and_write(request: Request, slide: "Slide") -> tuple[dict[str, Any], bool]:
    """The document of the report, and whether the run was cancelled."""
    import bachview
    from bachview.api.slides import region_of
    from bachview.inference.slides import SlideRun
    from bachview.store.of_slide import open_results

    reader = slide.reader
    with spinning("Loading and checking the bundle"):
        loaded = bachview.load_ensemble(
            request.bundle,
            engine=request.engine,
            device=request.device,
            precision=request.precision,
        )
    with loaded as ensemble:
        manifest = ensemble.bundle.manifest
        if not manifest.is_for_tissue:
            tell(
                f"The model {manifest.name} was not trained on tissue: its class names say nothing "
                f"about this slide. {manifest.intended_use}"
            )
        assert request.store is not None, "settled"  # noqa: S101
        with contextlib.closing(
            open_results(request.store, reader.metadata.fingerprint, reader.metadata.former)
        ) as store:
            if store.notice:
                tell(store.notice)
            with SlideRun(
                reader,
                ensemble,
                store,
                pixel_size=slide.pixel_size,
                region=region_of(request.region),
                stride_um=request.stride_um,
                icc=request.icc,
            ) as run:
                was_cancelled = _work(
                    run, store, retry_failed=request.retry_failed, anyway=request.anyway
                )
                if run.prediction is None:
                    raise Cancelled
                if run.warnings:
                    tell(f"Every file says: Classified although: {' '.join(run.warnings)}")
                document = write_files(
                    request.output,
                    reader,
                    run,
                    ensemble.bundle.thresholds,
                    kinds=request.kinds,
                    slide_name=request.slide.name if request.names else None,
                    measured=manifest.measured,
                    options=request.options,
                )
    return document, was_cancelled


def _work(run: "SlideRun", store: "ResultStore", *, retry_failed: bool, anyway: bool) -> bool:
    """Classify on the inference lane, showing progress here; whether it was cancelled.

    Raises
    ------
    BachviewError
        As of `SlideRun.work`.
    """

    def on_start(start: "RunStart") -> None:
        if text := _found_text(start, store.runs(start.grid_id)):
            tell(text)

    def job(token: CancelToken) -> None:
        run.work(token, on_start=on_start, retry_failed=retry_failed, anyway=anyway)

    token = CancelToken()
    lane = Lane("inference", low_priority=True)
    try:
        future = lane.submit(job, token)
        with ProgressLine("Classifying", "cells") as line, _interruptible(token):
            while not concurrent.futures.wait([future], _REDRAW_S).done:
                if run.progress is not None:
                    line.show(run.progress)
        if not concurrent.futures.wait([future], _END_S).done:
            raise Cancelled
        try:
            future.result()
        except Cancelled:
            return True
        except UnsuitableSlideError as error:
            raise BachviewError(f"{error} (--anyway does; every file then says so.)") from error
        return False
    finally:
        lane.close(_END_S)


def _found_text(start: "RunStart", runs: "Sequence[LoggedRun]") -> str:
    """What earlier runs have left to do, as a sentence; empty if there were none.

    Parameters
    ----------
    runs : of the same cells, the latest first.
    """
    if not start.restored:
        return ""
    where = "" if start.region is None else " in the region"
    if start.restored == start.total:
        done = f"all {start.total:,} cells{where} were classified before"
        if start.failed:
            done = (
                f"{start.total - start.failed:,} of {start.total:,} cells{where} were classified "
                f"before, {start.failed:,} could not be read (--retry-failed)"
            )
        return f"Nothing left to do: {done}; bachview results clear removes them."
    how = "."
    if runs and runs[0].outcome is Outcome.INTERRUPTED:
        how = f", the last by a run that was interrupted at {time_text(runs[0].updated)}."
    elif runs and runs[0].outcome is Outcome.RUNNING:
        how = "; another run goes on, and no patch is computed twice once it is saved."
    return (
        f"{start.restored - start.failed:,} of {start.total:,} cells{where} were already "
        f"classified{how} "
        "Continuing from there."
    )


@contextlib.contextmanager
def _interruptible(token: CancelToken) -> Iterator[None]:
    """Turn Ctrl-C within the context into a cancelled token; the caller awaits the end."""
    try:
        yield
    except KeyboardInterrupt:
        token.cancel()


def _check_pixel_size(slide: "Slide") -> None:
    """Require a pixel size before the ensemble is loaded; say so if the file states another.

    Raises
    ------
    PixelSizeError
        None was given, and the slide's is missing or implausible.
    """
    known, of_file = slide.pixel_size, slide.reader.metadata.pixel_size
    if known.is_plausible:
        doubt = contradiction_text(of_file, known)
        if doubt:
            tell(f"{doubt} {known.text} is used.")
        return
    stated = "states no pixel size"
    if known.origin is not Origin.UNKNOWN:
        stated = f"states an implausible pixel size of {known.sides} µm"
    raise PixelSizeError(
        f"{slide.path.name} {stated}, and the models need to know it; "
        "add --mpp with the micrometres per pixel, e.g. --mpp 0.5."
    )


def prepare_output(folder: Path) -> None:
    """Create the output folder now: better to fail before an hour of work than after it.

    Raises
    ------
    ExportError
        It cannot be created or written to.
    """
    probe = folder / ".bachview-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ExportError(
            f"The output folder {folder} cannot be written to ({error.strerror}); "
            "choose another with --output."
        ) from error

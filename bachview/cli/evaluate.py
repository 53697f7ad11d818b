"""``bachview evaluate``: how good a bundle is on labelled photos and annotated slides."""

from pathlib import Path
from typing import TYPE_CHECKING

from bachview.cli.evaluate_report import print_tables
from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, tell
from bachview.cli.policy_options import settled_device
from bachview.cli.progress import spinning
from bachview.cli.waiting import END_S, awaited
from bachview.errors import UsageError
from bachview.jobs.lanes import Lane

if TYPE_CHECKING:
    from bachview.api.measuring import Measurement
    from bachview.datasets.samples import Dataset
    from bachview.models.ensemble import Ensemble

_MOST_PROBLEMS = 10


def evaluate(
    bundle: str,
    dataset: Path,
    *,
    output: Path | None,
    split: Path | None,
    part: str | None,
    mpp: float | None,
    patients: Path | None,
    device: str | None,
    as_json: bool,
    with_slides: bool = True,
) -> int:
    """Evaluate a bundle; print tables or one JSON document, and write the report.

    A slide that cannot be measured is named and skipped, and the exit code is that of bad input.
    Ctrl-C ends the command within half a second; nothing is written then.

    Parameters
    ----------
    bundle : path, or the name of an installed bundle.
    output : path of the HTML report; None: no report.
    split : CSV that states which photos the bundle was trained on; None: not known.
    part : measure only the photos of this part of `split`.
    mpp : um/px of all photos; None: what each file states.
    patients : CSV ``file,patient``; None: blocks of neighbouring numbers.

    Raises
    ------
    BachviewError
        The data set, the bundle, the split or the location of the report cannot be used.
    Cancelled
        Ctrl-C.
    """
    import bachview
    from bachview.api.measuring import check_report_names, chosen_photos, not_for_tissue
    from bachview.models.bundle.installed import bundle_in_use

    if part is not None and split is None:
        raise UsageError("--part names a part of a split; give the split file with --split.")
    path, device = bundle_in_use(bundle), settled_device(device)
    if output is not None:
        check_report_names()
        _prepare(output)
    with clean_stdout():
        with spinning("Reading the data set"):
            found = bachview.read_dataset(dataset, mpp=mpp, patients=patients)
        _tell_problems(found)
        # Report what is wrong with the request before loading a bundle for it.
        _, warnings = chosen_photos(found, split, part)
        for sentence in warnings:
            tell(sentence)
        with spinning("Loading and checking the bundle"):
            loaded = bachview.load_ensemble(path, device=device)
        with loaded as ensemble:
            if not ensemble.bundle.manifest.is_for_tissue:
                warnings.append(not_for_tissue(ensemble))
                tell(warnings[-1])
            measured = _measured(ensemble, found, split, part, with_slides=with_slides)
        for sentence in measured.warnings[len(warnings) :]:
            tell(sentence)
        if output is not None:
            measured.write_report(output)
    if as_json:
        report = None if output is None else str(output)
        print_json({**measured.to_document(), "report": report})
    else:
        print_tables(measured.evaluation, measured.slides, measured.bundle_name)
    if output is not None:
        tell(f"Wrote {output}.")
    return ExitCode.BAD_INPUT if measured.failures else ExitCode.DONE


def _measured(
    ensemble: "Ensemble",
    dataset: "Dataset",
    split: Path | None,
    part: str | None,
    *,
    with_slides: bool,
) -> "Measurement":
    """Measure on a lane, and show its progress here."""
    import bachview

    lane = Lane("inference", low_priority=True)
    try:
        return awaited(
            lane,
            lambda token, told: bachview.evaluate(
                ensemble,
                dataset,
                split=split,
                part=part,
                with_slides=with_slides,
                progress=told,
                cancel=token,
            ),
        )
    finally:
        lane.close(END_S)


def _prepare(output: Path) -> None:
    """Create the report's folder now: better to fail before the work than after it.

    Raises
    ------
    UsageError
        It is not the name of an HTML file.
    ExportError
        It cannot be written.
    """
    from bachview.files import check_writable

    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"The report is an HTML file; give --output a name such as {output.stem}.html."
        )
    check_writable(output)


def _tell_problems(dataset: "Dataset") -> None:
    for problem in dataset.problems[:_MOST_PROBLEMS]:
        tell(f"{problem.file}: {problem.message}")
    if len(dataset.problems) > _MOST_PROBLEMS:
        tell(
            f"{len(dataset.problems) - _MOST_PROBLEMS} more files have problems; "
            "see: bachview dataset check"
        )

"""``bachview teach``: a model fitted again on what was marked on slides."""

import concurrent.futures
from pathlib import Path
from typing import Any

from bachview.cli.exits import ExitCode
from bachview.cli.output import clean_stdout, print_json, print_table, tell
from bachview.cli.policy_options import settled_device, settled_results
from bachview.cli.progress import ProgressLine, spinning
from bachview.errors import Cancelled
from bachview.jobs.lanes import Lane
from bachview.jobs.tokens import CancelToken

_REDRAW_S = 0.2
#: A fit of one member cannot be interrupted.
_END_S = 60.0


def teach_model(
    slides: list[Path],
    output: Path,
    *,
    bundle: str | None,
    name: str | None,
    mpp: float | None,
    device: str | None,
    store: Path | None,
    as_json: bool,
) -> int:
    """Teach a model, keep it as `output`, and print what came of it.

    Raises
    ------
    BachviewError
        As of `bachview.teach`.
    Cancelled
        Ctrl-C; nothing was written.
    """
    import bachview
    from bachview.training.taught_bundle import (
        agreement_text,
        calibration_text,
        left_out_text,
        thresholds_text,
    )

    folder, device = settled_results(store), settled_device(device)
    token, lane = CancelToken(), Lane("teaching", low_priority=True)
    latest: list[tuple[str, int, int]] = []
    with clean_stdout():
        with spinning("Loading and checking the model"):
            ensemble = bachview.load_ensemble(bundle, device=device)
        with ensemble:
            future = lane.submit(
                lambda own: bachview.teach(
                    slides,
                    ensemble,
                    output,
                    name=name,
                    mpp=mpp,
                    store=folder,
                    progress=lambda *step: latest.append(step),
                    cancel=own,
                ),
                token,
            )
            try:
                with ProgressLine("Teaching", "steps") as line:
                    while not concurrent.futures.wait([future], _REDRAW_S).done:
                        if latest:
                            line.update(*latest[-1][1:])
            except KeyboardInterrupt:
                token.cancel()
                concurrent.futures.wait([future], _END_S)
                raise Cancelled from None
            finally:
                lane.close(_END_S)
            kept = future.result()
    taught = kept.taught
    for skipped in kept.skipped:
        tell(f"{skipped} has no marks with a class of the model's: skipped.")
    left_out = left_out_text(taught)
    if left_out:
        tell(left_out)
    if as_json:
        print_json(_document(kept))
        return ExitCode.DONE
    names = {entry.key: entry.name for entry in taught.manifest.classes}
    print_table(
        "What was taught",
        [("Class", False), ("Cells", True)],
        [(names[key], f"{count:,}") for key, count in taught.counts.items()],
    )
    print(agreement_text(taught))
    print(calibration_text(taught))
    print(thresholds_text(taught.manifest.name))
    if taught.kept:
        print(f"Not fitted again: {', '.join(taught.kept)}.")
    print(f"Wrote {kept.path}; the model that was taught is unchanged.")
    return ExitCode.DONE


def _document(kept: Any) -> dict[str, Any]:
    taught = kept.taught
    agreement, interval = taught.agreement, taught.agreement.after_interval
    return {
        "bundle": str(kept.path),
        "sha256": kept.sha256,
        "cells": taught.counts,
        "slides": list(taught.slides),
        "refitted": list(taught.refitted),
        "kept": list(taught.kept),
        "agreement": {
            "cells": agreement.total,
            "neighbourhoods": agreement.neighbourhoods,
            "before": agreement.before,
            "after": agreement.after,
            "after_interval": None if interval is None else list(interval),
        },
        "golden": {"cells": taught.golden_total, "same": taught.golden_same},
        "calibration": taught.calibration,
        "thresholds": "unknown",
        "skipped": list(kept.skipped),
        "contradictory": kept.contradictory,
        "unread": kept.unread,
        "damaged": kept.damaged,
    }

"""What a report states about how its figures were obtained."""

from collections import Counter
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bachview.config import RESEARCH_USE
from bachview.datasets.samples import Photo
from bachview.evaluation.report import ReportFacts
from bachview.models.ensemble import Ensemble
from bachview.store.provenance import library_versions, now_text


def report_facts(
    ensemble: Ensemble,
    photos: Sequence[Photo],
    *,
    split: Path | None,
    part: str | None,
    warnings: Sequence[str],
) -> ReportFacts:
    """How the figures were obtained. No folder or patient names."""
    manifest, info = ensemble.bundle.manifest, ensemble.info
    geometry = ensemble.bundle.geometry
    pixels = Counter(f"{photo.mpp:.4g}" for photo in photos)
    versions = [*library_versions(), ("matplotlib", metadata.version("matplotlib"))]
    limits = ensemble.bundle.thresholds
    return ReportFacts(
        manifest.name,
        (
            ("bundle", f"{manifest.name} {manifest.version}"),
            ("bundle_sha256", ensemble.bundle.sha256),
            ("trained_on", manifest.training.data),
            ("trained_split", manifest.training.split),
            ("patches", f"{geometry.input_px} px at {geometry.mpp:g} µm/px"),
            ("stride", f"{geometry.stride_um:g} µm"),
            (
                "thresholds",
                f"confidence {limits.confidence:g}, disagreement {limits.disagreement:g}",
            ),
            ("photo_mpp", ", ".join(f"{mpp} ({count})" for mpp, count in sorted(pixels.items()))),
            ("split", "none" if split is None else split.name),
            ("part", "all" if part is None else part),
            ("engine", info.name),
            ("device", info.device),
            ("precision", info.precision),
            ("versions", ", ".join(f"{name} {version}" for name, version in versions)),
            ("time", now_text()),
            ("research_use", RESEARCH_USE),
        ),
        tuple(warnings),
    )

"""A taught model becomes a bundle of its own, beside the one that it was made from."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bachview import audit
from bachview.errors import ExportError
from bachview.file_names import BUNDLE_SUFFIX, ESCAPED
from bachview.files import atomic_path, scratch_folder
from bachview.models.bundle import manifest as schema
from bachview.models.bundle.golden import Golden, read_golden
from bachview.models.bundle.writer import check_written, file_hashes, pack_folder
from bachview.models.classifiers import dump_classifier
from bachview.models.engines.base import CnnOutputs
from bachview.models.engines.graph_heads import write_with_heads
from bachview.models.ensemble import vote
from bachview.store.provenance import now_text
from bachview.training.refit import RESISTANCE, TAUGHT_WEIGHT
from bachview.version import __version__

if TYPE_CHECKING:
    from bachview.models.bundle.opened import Bundle
    from bachview.training.lesson import Taught

#: What a taught bundle was fitted with; the rest is of the bundle that it was made from.
_LIBRARIES: Final = ("numpy", "openvino", "scikit-learn", "skops")


def write_taught(output: Path, bundle: "Bundle", taught: "Taught", name: str) -> str:
    """Write the bundle of what was taught and return its hash.

    The networks' answers to the golden patches are those of the new heads, so that a bundle that
    was taught verifies like any other. Weights for the tensorflow engine are left out.

    Parameters
    ----------
    output : a new file with the suffix ``.bachmodel``.
    bundle : that was taught; open.
    name : of the new one.

    Raises
    ------
    ExportError
        There is a file of this name, it has another suffix, the name cannot be one, or the file
        cannot be written.
    BundleError
        The bundle that was taught has changed; or the new one does not give its golden answers, and
        nothing is left behind.
    """
    name = name.strip()
    if not 1 <= len(name) <= schema.LONGEST_NAME:
        raise ExportError(f"A model's name has 1 to {schema.LONGEST_NAME} characters.")
    check_output(output)
    with scratch_folder(output) as folder:
        folder.mkdir(exist_ok=True)
        _fill(folder, bundle, taught, name)
        with atomic_path(output) as packed:
            pack_folder(folder, packed)
        sha256 = _sha256(folder)
    audit.record("teach", model=name, sha256=sha256, parent_sha256=bundle.sha256)
    return sha256


def check_output(output: Path) -> None:
    """Check, before anything is computed, that a taught model can be written there.

    Raises
    ------
    ExportError
        There is a file of this name, it has another suffix than a model, or its folder cannot be
        made.
    """
    if output.suffix != BUNDLE_SUFFIX:
        raise ExportError(f"{output.name} is no name of a model file: end it with {BUNDLE_SUFFIX}.")
    if output.exists():
        raise ExportError(f"{output.name} already exists: choose another name for the model.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{output.name} cannot be written to {output.parent} ({error.strerror}); choose "
            "another folder."
        ) from error


def _sha256(folder: Path) -> str:
    import hashlib

    return hashlib.sha256((folder / schema.MANIFEST_FILE).read_bytes()).hexdigest()


def _fill(folder: Path, bundle: "Bundle", taught: "Taught", name: str) -> None:
    manifest, members = taught.manifest, taught.members
    for file in manifest.needed_files:
        if not file.startswith("keras/"):
            (folder / file).write_bytes(bundle.read(file))
    moved = [
        head if cnn.name in taught.refitted else None
        for cnn, head in zip(manifest.cnns, members.heads, strict=True)
    ]
    if any(head is not None for head in moved):
        linear = tuple(None if head is None else (head.kernel, head.bias) for head in moved)
        write_with_heads(bundle, linear, folder)
    for member, classifier in zip(manifest.classifiers, members.classifiers, strict=True):
        if member.name in taught.refitted:
            (folder / member.file).write_bytes(dump_classifier(classifier.fitted))
    golden = read_golden(bundle)
    answered = _answered(golden, taught)
    (folder / schema.GOLDEN_FILE).write_bytes(answered.to_bytes())
    card = _card(bundle, taught, name)
    (folder / schema.MODEL_CARD_FILE).write_text(card, encoding="utf-8", errors=ESCAPED)
    whole = _manifest(bundle, taught, name, file_hashes(folder))
    (folder / schema.MANIFEST_FILE).write_bytes(whole.to_json())
    check_written(folder)


def _answered(golden: Golden, taught: "Taught") -> Golden:
    """The golden patches with the answers of the taught members."""
    manifest = taught.manifest
    networks = [place for place, m in enumerate(manifest.members) if m.kind == "cnn"]
    outputs = CnnOutputs(
        golden.members[:, networks], golden.features, np.zeros((0, 0, 0, 0, 0), np.float32)
    )
    votes = taught.members.votes(manifest, outputs)
    return Golden(
        golden.class_keys,
        golden.class_names,
        golden.labels,
        golden.patches,
        votes,
        vote(manifest, votes),
        golden.features,
    )


def _manifest(
    bundle: "Bundle", taught: "Taught", name: str, hashes: dict[str, str]
) -> schema.Manifest:
    values: dict[str, Any] = taught.manifest.model_dump(exclude_unset=True)
    values["schema_version"] = schema.SCHEMA_VERSION
    values["name"] = name
    values["version"] = "1"
    values["patch"]["cells_per_side"] = taught.manifest.patch.cells_per_side
    for member in values["members"]:
        if member["kind"] == "cnn":
            member["weights_file"] = None
    cells, earlier = sum(taught.counts.values()), taught.manifest.taught
    values["training"]["data"] = (
        f"{cells} cells of {len(taught.slides)} slides, taught by a reader, and what "
        f"{bundle.name} knew: {taught.manifest.training.data}"
    )
    values["training"]["split"] = (
        f"agreement with what was taught cross-fitted by neighbourhood; {bundle.name}: "
        f"{taught.manifest.training.split}"
    )
    values["training"]["metrics"] = _metrics(taught)
    values["taught"] = {
        "parent_name": bundle.name,
        "parent_sha256": bundle.sha256,
        "date": now_text(),
        "cells": taught.counts,
        "slides": taught.slides,
        "earlier_slides": () if earlier is None else (*earlier.earlier_slides, *earlier.slides),
        "refitted": taught.refitted,
        "kept": taught.kept,
        "calibration": taught.calibration,
    }
    values["versions"] = {
        **taught.manifest.versions,
        "bachview": __version__,
        **{library: version(library) for library in _LIBRARIES},
    }
    values["files"] = hashes
    return schema.Manifest.model_validate(values)


def _metrics(taught: "Taught") -> dict[str, float]:
    """What was measured of the taught model; figures of the one before are none of it."""
    agreement = taught.agreement
    found = {"taught_agreement_before": round(agreement.before / agreement.total, 4)}
    if agreement.after is not None and agreement.after_interval is not None:
        found["taught_agreement"] = round(agreement.after / agreement.total, 4)
        found["taught_agreement_low"] = round(agreement.after_interval.low, 4)
        found["taught_agreement_high"] = round(agreement.after_interval.high, 4)
    found["golden_agreement"] = round(taught.golden_same / taught.golden_total, 4)
    return found


def _card(bundle: "Bundle", taught: "Taught", name: str) -> str:
    classes = "\n".join(
        f"| {entry.name} | {taught.counts[entry.key]} |" for entry in bundle.classes
    )
    kept = f" Not fitted again: {', '.join(taught.kept)}." if taught.kept else ""
    left_out = left_out_text(taught)
    left_out = f"\n{left_out}\n" if left_out else ""
    return f"""# {name}

Made on {now_text()[:10]} from **{bundle.name}** (hash `{bundle.sha256}`), which a reader
has taught.

## What it was taught

| Class | Cells |
|---|---|
{classes}

Slides: {len(taught.slides)}, known by their fingerprints in the manifest. Fitted again:
{", ".join(taught.refitted)}.{kept}
Each taught cell weighs {TAUGHT_WEIGHT:g} times one of the support vectors of {bundle.name}, with
which the classifiers were fitted again, or less where all together would weigh more than these; the
networks' heads were moved against a resistance of {RESISTANCE:g}.

## What is known of it

{agreement_text(taught)}

{calibration_text(taught)} {thresholds_text(bundle.name)}
{left_out}
**How often it is right on slides of other patients was not measured.** The figures below are those
of {bundle.name}, and are not valid for this model.

---

{bundle.model_card}
"""


def agreement_text(taught: "Taught") -> str:
    """How well it agrees with what was taught and with the golden patches, in two sentences."""
    agreement = taught.agreement
    total = agreement.total
    if agreement.known_slides:
        slides = _slides_text(agreement.known_slides)
        cells = (
            f"{agreement.before} of {total} taught cells were judged as the reader did before, by "
            f"a model that {slides} of these had taught already; how many would be after it "
            "without having been taught them cannot be said."
        )
    elif agreement.after is None or agreement.after_interval is None:
        cells = (
            f"{agreement.before} of {total} taught cells were judged as the reader did before; how "
            "many would be after it cannot be said, as all of them lie together."
        )
    else:
        low, high = (100 * value for value in agreement.after_interval)
        cells = (
            f"{agreement.before} of {total} taught cells were judged as the reader did before, and "
            f"{agreement.after} ({100 * agreement.after / total:.0f} %, 95 % interval {low:.0f} to "
            f"{high:.0f} %) after it, by members that were not taught the cell's neighbourhood "
            f"(there are {agreement.neighbourhoods}; neighbouring cells are alike, so that the "
            "interval is too narrow)."
        )
    return (
        f"{cells} {taught.golden_same} of {taught.golden_total} cells of the model's golden "
        "patches keep their class."
    )


def calibration_text(taught: "Taught") -> str:
    """Whether its probabilities mean anything, a sentence."""
    if taught.calibration == "fitted":
        return (
            "The probabilities were calibrated on the taught cells, cross-fitted; the reader chose "
            "these, so that they are no fair sample of a slide."
        )
    if taught.agreement.known_slides:
        return (
            "Whether its probabilities are calibrated is not known: the model that was taught knew "
            f"{_slides_text(taught.agreement.known_slides)} before."
        )
    return (
        "Whether its probabilities are calibrated is not known: for that, too few cells were "
        "taught, or not of all classes."
    )


def thresholds_text(parent: str) -> str:
    """Whether its limits of "uncertain" mean anything, a sentence; `parent` : that was taught."""
    return (
        f"The limits from which a cell is uncertain are those of {parent}: how often this model is "
        "right within them is not known."
    )


def left_out_text(taught: "Taught") -> str:
    """What was marked and has taught nothing, in sentences; empty for nothing."""
    left, found = taught.left_out, []
    if left.contradictory:
        found.append(
            f"{cells_text(left.contradictory)} in annotations of several classes: left out."
        )
    if left.unread:
        found.append(f"{cells_text(left.unread)} could not be read: left out.")
    if left.damaged:
        marks = "1 saved mark" if left.damaged == 1 else f"{left.damaged:,} saved marks"
        found.append(f"{marks} cannot be read: what they would teach is not known.")
    return " ".join(found)


def cells_text(count: int) -> str:
    """E.g. ``1 cell``, ``1,200 cells``."""
    return f"{count:,} {'cell' if count == 1 else 'cells'}"


def _slides_text(count: int) -> str:
    return "1 slide" if count == 1 else f"{count:,} slides"

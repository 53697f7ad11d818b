"""Adds the statistics of its training material to a bundle that was written without them.

::

    python -m tools.add_seen BUNDLE.bachmodel PHOTOS OUTPUT.bachmodel

reads the photos that the bundle was trained on, as ``bachview predict`` does, runs its networks on
them, and writes the bundle once more with ``seen.npz``; nothing else in it changes but the list of
files in the manifest. `bachview train` writes the statistics itself.
"""

import argparse
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bachview.datasets.reading import read_dataset
from bachview.files import atomic_path
from bachview.inference.photo_patches import read_photo
from bachview.models.bundle.manifest import MANIFEST_FILE, SEEN_FILE, parse_manifest
from bachview.models.loading import load_ensemble
from bachview.models.seen import SeenMaterial
from bachview.training.cross_fitting import ROUNDS, group_folds
from bachview.training.rows import Rows
from bachview.training.seen_material import fit_seen

#: Patches of a photo, which overlap where the stride is short.
MOST_PATCHES = 24


def rows_of_photos(bundle: Path, photos: Path, *, seed: int = 0) -> Rows:
    """Features of the photos' patches as they are seen at inference, at most some of each.

    Raises
    ------
    BachviewError
        The bundle or the photos cannot be used.
    """
    random = np.random.default_rng(seed)
    dataset = read_dataset(photos)
    features, networks, labels, patients, sources = [], [], [], [], []
    with load_ensemble(bundle) as ensemble:
        for number, photo in enumerate(dataset.photos):
            if photo.label is None:
                continue
            read = read_photo(photo.path, photo.mpp, ensemble.bundle.geometry, anyway=True)
            chosen = np.sort(random.permutation(len(read.pixels))[:MOST_PATCHES])
            outputs, counts = ensemble.outputs(read.pixels[chosen]), read.counts[chosen].ravel()
            features.append(outputs.concatenated[counts])
            networks.append(outputs.probabilities[counts])
            cells = int(counts.sum())
            labels += [photo.label] * cells
            patients += [photo.patient] * cells
            sources += [number] * cells
        widths = tuple(cnn.features for cnn in ensemble.bundle.manifest.cnns)
    return Rows(
        np.concatenate(features),
        widths,
        np.concatenate(networks),
        np.array(labels, np.int64),
        np.array(patients),
        np.array(sources, np.int64),
        np.ones(len(labels), np.bool_),
    )


def fitted(rows: Rows, *, seed: int = 0) -> SeenMaterial:
    """The statistics of all rows, the limit cross-fitted by patient."""
    return fit_seen(rows.features, rows.labels, group_folds(rows, ROUNDS, seed), seed=seed)


def with_statistics(bundle: Path, seen: SeenMaterial, output: Path) -> None:
    """Write a packed bundle again, with the statistics.

    Raises
    ------
    BundleError
        The result would not be a bundle.
    """
    content = seen.to_bytes()
    with zipfile.ZipFile(bundle) as old, atomic_path(output) as part:
        document = json.loads(old.read(MANIFEST_FILE))
        document["files"][SEEN_FILE] = hashlib.sha256(content).hexdigest()
        manifest = parse_manifest(json.dumps(document).encode(), output.name).to_json()
        with zipfile.ZipFile(part, "w") as new:
            for entry in old.infolist():
                is_manifest = entry.filename == MANIFEST_FILE
                new.writestr(entry, manifest if is_manifest else old.read(entry))
            added = zipfile.ZipInfo(SEEN_FILE, (1980, 1, 1, 0, 0, 0))
            added.external_attr = 0o644 << 16
            new.writestr(added, content)
    output.chmod(0o644)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tools.add_seen", description=__doc__)
    for name in ("bundle", "photos", "output"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args(arguments)
    rows = rows_of_photos(given.bundle, given.photos)
    seen = fitted(rows)
    with_statistics(given.bundle, seen, given.output)
    distances: npt.NDArray[np.float32] = seen.distances(rows.features)
    print(f"{len(distances):,} patches, {(distances > 1).mean():.1%} of them beyond the limit")
    return 0


if __name__ == "__main__":
    sys.exit(main())

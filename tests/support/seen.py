"""Bundles that know their training material."""

import hashlib
from pathlib import Path

import numpy as np

from bachview.models.bundle.manifest import GOLDEN_FILE, SEEN_FILE
from bachview.models.seen import SeenMaterial
from tests.support.bundles import edit_manifest


def seen_golden(folder: Path, reach: float = 0.4) -> SeenMaterial:
    """Of an unpacked bundle: all within `reach` of the features of its golden patches.

    Of the self-test bundle, these are its stains.
    """
    with np.load(folder / GOLDEN_FILE) as golden:
        names = sorted(name for name in golden.files if name.startswith("features_"))
        features = np.concatenate([golden[name] for name in names], axis=1)
    width = features.shape[1]
    unit = np.eye(width, dtype=np.float32)
    ones = np.ones(width, np.float32)
    return SeenMaterial(0 * ones, ones, unit, unit, features, 1.0, reach)


def with_seen(folder: Path, seen: SeenMaterial | None = None) -> Path:
    """Add statistics to an unpacked bundle; by default, of its golden patches."""
    content = (seen or seen_golden(folder)).to_bytes()
    (folder / SEEN_FILE).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return edit_manifest(folder, lambda document: document["files"].update({SEEN_FILE: digest}))

"""Statistics added to a bundle that has none."""

import zipfile
from pathlib import Path

import numpy as np

from bachview.models.bundle.opened import open_bundle
from bachview.models.loading import Loading
from bachview.training.rows import Rows
from tests.support.bundles import selftest_path, unpacked
from tests.support.seen import seen_golden
from tools.add_seen import fitted, with_statistics


def test_the_bundle_gets_statistics_and_stays_what_it_was(tmp_path: Path) -> None:
    output = tmp_path / "known.bachmodel"
    seen = seen_golden(unpacked(tmp_path / "folder"))
    with_statistics(selftest_path(), seen, output)
    with Loading(
        output, engine="openvino", device="CPU", precision="f32", is_trusted=True
    ) as loading:
        loading.take_all()
    with zipfile.ZipFile(selftest_path()) as before, zipfile.ZipFile(output) as after:
        same = set(before.namelist()) - {"manifest.json"}
        assert set(after.namelist()) - {"manifest.json"} == same | {"seen.npz"}
        assert all(before.read(name) == after.read(name) for name in same)
    with open_bundle(selftest_path()) as old, open_bundle(output) as new:
        assert new.manifest.has_seen
        assert not old.manifest.has_seen
        files = {**old.manifest.files, "seen.npz": new.manifest.files["seen.npz"]}
        assert new.manifest == old.manifest.model_copy(update={"files": files})
        assert new.sha256 != old.sha256


def test_the_limit_is_fitted_across_patients() -> None:
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(20), 10)
    features = random.normal(size=(200, 6)) + random.normal(size=(20, 6))[patients]
    rows = Rows(
        features.astype(np.float32),
        (6,),
        np.full((200, 1, 2), 0.5, np.float32),
        (patients % 2).astype(np.int64),
        patients.astype(str),
        patients.astype(np.int64),
        np.ones(200, np.bool_),
    )
    seen = fitted(rows)
    assert (seen.distances(rows.features) > 1).mean() < 0.04
    assert (seen.distances(rows.features + 9) > 1).all()

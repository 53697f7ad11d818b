"""Rows of features: once for a whole training where the networks learn no label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS
from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.models.architectures import build_cnn
from bachview.models.bundle.writer import Cnn
from bachview.training.images import TrainingImage, load_sources
from bachview.training.recipe import Recipe
from bachview.training.rows import Rows, kept_rows, rows_of
from tests.support.tiny_training import listed_photo, write_recipe


def small(folder: Path) -> tuple[list[Cnn], list[TrainingImage], Recipe]:
    """A patch stands for 4 x 4 of its 8 x 8 cells; photos of 12 x 10 cells."""
    recipe = write_recipe(folder / "recipe.toml")
    patch = recipe.patch.model_copy(update={"stride_um": 8.0, "cells_per_side": 4})
    rng = np.random.default_rng(0)
    photos = []
    for label, entry in enumerate(BACH_CLASSES):
        noise = rng.normal(0, 10, (80, 96, 3))
        pixels = np.clip(np.array(STAIN_COLORS[entry.key]) + noise, 0, 255).astype(np.uint8)
        photos.append(replace(listed_photo(folder, pixels, f"{label}.png"), label=label))
    sources = load_sources(photos, 1.0, least_px=8, token=CancelToken())
    cnn = Cnn("One", "constructed", build_cnn("constructed", input_px=64, class_count=4))
    return [cnn], sources, recipe.model_copy(update={"patch": patch})


def test_the_graph_gives_the_rows_that_keras_gives(tmp_path: Path) -> None:
    cnns, sources, recipe = small(tmp_path)
    told: list[tuple[int, int]] = []
    kept = kept_rows(
        cnns,
        sources,
        recipe,
        tmp_path / "features",
        key="a",
        class_count=4,
        token=CancelToken(),
        on_source=lambda done, total: told.append((done, total)),
    )
    straight = rows_of(
        cnns,
        sources,
        recipe,
        seed=recipe.seed,
        token=CancelToken(),
        on_batch=lambda done, total: None,
    )
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)
    for name in ("labels", "patients", "sources", "is_plain"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(straight, name))
    assert kept.widths == straight.widths
    # Of 120 cells about half; two of each of four views.
    assert 50 <= (kept.is_plain & (kept.sources == 2)).sum() <= 75
    assert (~kept.is_plain & (kept.sources == 2)).sum() == 2 * recipe.classifiers.views
    spread = straight.features.std()
    np.testing.assert_allclose(kept.features, straight.features, atol=0.05 * spread)


def test_what_was_kept_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cnns, sources, recipe = small(tmp_path)
    token = CancelToken()

    def asked(key: str, token: CancelToken, last: int = 9) -> Rows:
        def on_source(done: int, total: int) -> None:
            if done == last:
                token.cancel()

        return kept_rows(
            cnns,
            sources,
            recipe,
            tmp_path / "features",
            key=key,
            class_count=4,
            token=token,
            on_source=on_source,
        )

    with pytest.raises(Cancelled):
        asked("a", token, last=2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "features").iterdir()}
    assert len(before) == 2
    first = asked("a", CancelToken())
    assert len(list((tmp_path / "features").iterdir())) == 4
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    monkeypatch.setattr("bachview.training.rows.graph_features", None)
    again = asked("a", CancelToken())
    np.testing.assert_array_equal(first.features, again.features)
    with pytest.raises(TypeError):  # with other weights, say, all is computed anew
        asked("b", CancelToken())


def test_rows_of_some_images_are_numbered_anew() -> None:
    sources = np.array([0, 0, 1, 2, 2, 3])
    rows = Rows(
        np.arange(6, dtype=np.float32)[:, None],
        (1,),
        np.zeros((6, 1, 4), np.float32),
        sources % 4,
        np.array(list("aabccd")),
        sources,
        np.ones(6, np.bool_),
    )
    some = rows.of_sources([0, 2])
    np.testing.assert_array_equal(some.features[:, 0], [0, 1, 3, 4])
    np.testing.assert_array_equal(some.sources, [0, 0, 1, 1])
    np.testing.assert_array_equal(some.labels, [0, 0, 2, 2])

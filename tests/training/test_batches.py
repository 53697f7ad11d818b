"""Batches as Keras gets them: balanced, repeatable, and no thread stays behind."""

import threading
from typing import Any

import numpy as np
import pytest

from bachview.training.batches import one_hot, training_batches
from bachview.training.images import TrainingImage
from tests.support.tiny_training import only

COUNTS = (1, 30, 4)


@pytest.fixture(scope="module")
def sources() -> list[TrainingImage]:
    """Flat pictures: red is the class, green the source."""
    return [
        TrainingImage(
            np.full((40, 50, 3), (100 * label, number, 0), np.uint8), label, f"{label}-{number}"
        )
        for label, count in enumerate(COUNTS)
        for number in range(count)
    ]


def batches(sources: list[TrainingImage], **changes: Any) -> Any:
    settings: dict[str, Any] = {
        "batch": 16,
        "steps": 20,
        "seed": 3,
        "epoch": 0,
        "input_px": 32,
        "augmentation": only(scale=0.2),
    }
    return training_batches(sources, one_hot(sources, 4), **(settings | changes))


def test_a_batch_is_what_a_network_takes(sources: list[TrainingImage]) -> None:
    drawn = batches(sources)
    assert len(drawn) == 20
    patches, wanted = drawn[0]
    assert (patches.shape, patches.dtype) == ((16, 32, 32, 3), np.uint8)
    assert (wanted.shape, wanted.dtype) == ((16, 4), np.float32)
    assert (wanted.sum(1) == 1).all()
    # Each patch has the target of its own class.
    assert (patches[:, 0, 0, 0] == 100 * wanted.argmax(1)).all()


def test_some_patches_reach_over_the_edge_where_the_recipe_says_so(
    sources: list[TrainingImage],
) -> None:
    drawn = batches(sources, augmentation=only(scale=0.2, glass=0.5))
    edges = [(drawn[i][0][..., 2].max((1, 2)) > 200).mean() for i in range(20)]
    assert 0.2 < np.mean(edges) < 0.6
    # Blue is 0 in all sources.
    assert all(batches(sources)[i][0][..., 2].max() == 0 for i in range(20))


def test_every_class_is_drawn_equally_often_and_in_it_every_source(
    sources: list[TrainingImage],
) -> None:
    drawn = batches(sources, steps=60)
    patches = np.concatenate([drawn[i][0][:, 0, 0] for i in range(60)])
    shares = [np.mean(patches[:, 0] == 100 * label) for label in range(len(COUNTS))]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.06)
    for label, count in enumerate(COUNTS):
        assert len(np.unique(patches[patches[:, 0] == 100 * label, 1])) == count


def test_an_item_depends_on_seed_epoch_and_index_only(sources: list[TrainingImage]) -> None:
    rng = np.random.default_rng(0)
    noisy = [
        TrainingImage(rng.integers(0, 255, (40, 50, 3)).astype(np.uint8), label, "a")
        for label in (0, 1, 2)
    ]
    first = batches(noisy)
    backwards = {i: first[i] for i in reversed(range(4))}
    again = batches(noisy, steps=4)
    for i in range(4):
        assert all(np.array_equal(a, b) for a, b in zip(again[i], backwards[i], strict=True))
    others = [batches(noisy, seed=4)[0], batches(noisy, epoch=1)[0], first[1]]
    assert all(not np.array_equal(other[0], first[0][0]) for other in others)


def test_a_fit_sees_each_batch_once_and_ends_its_threads(sources: list[TrainingImage]) -> None:
    import keras

    before = threading.active_count()
    seen = []
    model = keras.Sequential(
        [
            keras.layers.Input((32, 32, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy")

    class Count(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            seen.append(batch)

    for epoch in range(2):
        model.fit(batches(sources, steps=5, epoch=epoch), verbose=0, callbacks=[Count()])
    assert seen == [0, 1, 2, 3, 4] * 2
    # The fixture that looks for leftover threads counts those of a whole test only.
    assert threading.active_count() <= before + 1

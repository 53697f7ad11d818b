"""Descriptors: what they tell apart, and what they are blind to."""

import numpy as np
import numpy.typing as npt
import pytest

from bachview.errors import Cancelled
from bachview.jobs.tokens import CancelToken
from bachview.training.descriptors import STEP, describe, descriptor_maps
from bachview.training.images import Crop


def textured(seed: int, cell: int) -> npt.NDArray[np.uint8]:
    """Purple dots on pink, `cell` px apart."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:160, 0:200]
    dots = np.sin(y * 2 * np.pi / cell) * np.sin(x * 2 * np.pi / cell) > 0.3
    pixels = np.where(dots[..., None], (110, 60, 140), (230, 170, 200)).astype(np.float64)
    return np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255).astype(np.uint8)


def crop(x: float = 100.0, y: float = 80.0, side: float = 64.0) -> Crop:
    return Crop(np.zeros((1, 1, 3), np.uint8), x, y, side, np.eye(2))


def test_maps_lie_on_the_source_at_half_its_resolution() -> None:
    pixels = np.full((41, 60, 3), 240, np.uint8)
    pixels[:, 30:] = (90, 40, 130)
    maps = descriptor_maps(pixels)
    assert maps.shape[1:] == (41 // STEP, 60 // STEP)
    assert np.isfinite(maps).all()
    nuclei = maps[0].astype(np.float32)
    assert nuclei[:, 16:].mean() > nuclei[:, :14].mean() + 0.3


def test_targets_tell_textures_apart_and_are_the_same_all_over_one() -> None:
    sources = [textured(seed, cell) for seed, cell in enumerate((8, 8, 24, 24))]
    told: list[tuple[int, int]] = []
    described = describe(
        sources,
        side=64,
        seed=0,
        token=CancelToken(),
        on_source=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    targets = described.targets([crop(), crop(70, 60), crop(), crop()], [0, 0, 1, 2])
    assert targets.shape == (4, described.whitening.axes.shape[1])
    strongest = targets[:, 0]
    assert abs(strongest[0] - strongest[3]) > 5 * abs(strongest[0] - strongest[2])
    assert abs(strongest[0] - strongest[1]) < 0.5 * abs(strongest[0] - strongest[3])
    assert described.whitening.importance.mean() == pytest.approx(1, abs=1e-3)
    assert (np.diff(described.whitening.importance) <= 1e-6).all()


def test_describing_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        describe([textured(0, 8)], side=64, seed=0, token=token, on_source=lambda done, total: None)

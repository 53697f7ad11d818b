"""The colours of the classes can be told apart, on tissue and by every eye."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from bachview.core.classes import BACH_CLASSES
from bachview.core.stains import STAIN_COLORS

Floats = npt.NDArray[np.float64]

#: Machado, Oliveira and Fernandes 2009, severity 1.0; linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])


def _lab(color: npt.ArrayLike, vision: Floats) -> Floats:
    """CIELAB of an sRGB colour as that eye sees it."""
    c = np.asarray(color, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = _XYZ @ np.clip(vision @ linear, 0, 1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", VISION)
def test_every_eye_tells_them_apart(eye: str) -> None:
    for one, other in itertools.combinations(BACH_CLASSES, 2):
        distance = np.linalg.norm(_lab(one.color, VISION[eye]) - _lab(other.color, VISION[eye]))
        assert distance > 20, f"{one.name} and {other.name}"


@pytest.mark.parametrize("opacity", [0.5, 0.6])
@pytest.mark.parametrize(
    "tissue", [*STAIN_COLORS.values(), (150, 110, 170), (210, 150, 190)], ids=str
)
def test_over_tissue_each_is_nearest_to_its_own_swatch(
    tissue: tuple[int, int, int], opacity: float
) -> None:
    usual = VISION["usual"]
    for shown in BACH_CLASSES:
        blend = np.array(shown.color) * opacity + np.array(tissue) * (1 - opacity)
        # By hue and chroma: how dark it is depends on the tissue.
        nearest = min(
            BACH_CLASSES,
            key=lambda c: float(np.linalg.norm((_lab(c.color, usual) - _lab(blend, usual))[1:])),
        )
        assert nearest is shown

"""The veil of a class activation map: neutral, and darker where less was contributed."""

import numpy as np
import pytest

from bachview.core.geometry import Region
from bachview.viewing.activation import VEIL_GREY, ActivationMap, shares, veil_of, within


def test_shares_are_of_the_largest_and_what_spoke_against_the_class_is_nothing() -> None:
    values = np.array([[0, 1], [-3, 2], [np.nan, 0.5]], np.float32)
    np.testing.assert_array_equal(shares(values), np.array([[0, 0.5], [0, 1], [0, 0.25]]))
    assert not shares(np.full((2, 2), -1, np.float32)).any()


def test_nothing_is_left_of_what_lies_outside_a_window() -> None:
    values = np.ones((3, 4), np.float32)
    kept = within(values, (slice(1, 3), slice(0, 2)))
    assert np.argwhere(kept).tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]
    assert values.all()


def _lightness(colour: np.ndarray) -> float:
    """L* of sRGB, 0 to 100."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 903.3 * luminance if luminance <= 0.008856 else 116 * luminance ** (1 / 3) - 16


@pytest.mark.parametrize(
    "tissue",
    [
        pytest.param((255, 255, 255), id="glass"),
        pytest.param((244, 220, 232), id="stroma"),
        pytest.param((226, 150, 190), id="eosin"),
        pytest.param((160, 90, 150), id="epithelium"),
        pytest.param((92, 60, 130), id="nuclei"),
        pytest.param((60, 40, 90), id="dense nuclei"),
    ],
)
def test_on_any_stain_more_contribution_is_lighter_and_the_hue_stays(
    tissue: tuple[int, int, int],
) -> None:
    alpha = veil_of(np.linspace(0, 1, 50, dtype=np.float32))[:, None] / 255
    seen = alpha * VEIL_GREY + (1 - alpha) * np.array(tissue)
    lightness = [_lightness(colour / 255) for colour in seen]
    assert all(np.diff(lightness) > 0)
    assert tuple(seen[-1].round()) == tissue  # the most is not covered at all
    assert lightness[-1] - lightness[0] > 10  # about 1 can just be told apart
    assert (np.argsort(seen[0], kind="stable") == np.argsort(tissue, kind="stable")).all()


def test_a_map_has_a_veil_for_each_of_its_places() -> None:
    found = ActivationMap(np.eye(7, dtype=np.float32), Region(0, 0, 70, 70), "Benign")
    assert found.veil.shape == (7, 7)
    assert (found.veil == 0).sum() == 7

"""A hundred of the made TIFF files of `make test-tiff`."""

from pathlib import Path

import pytest

from tests.support.tiff_product import made, verdict


@pytest.mark.parametrize("first", [0, 25, 50, 75])
def test_a_tiff_is_shown_as_others_show_it_or_refused(tmp_path: Path, first: int) -> None:
    equal = 0
    for number in range(first, first + 25):
        file = made(number)
        kind, why = verdict(file, tmp_path / "a.tif", number)
        assert kind != "different", f"{number}: {why}: {file.what}"
        equal += kind == "equal"
    assert equal >= 12, "most of them are refused"

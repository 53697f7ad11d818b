"""Where a photo's pixel size comes from."""

from pathlib import Path

import pytest

from bachview.datasets.photo_mpp import first_contradiction, photo_mpp
from bachview.errors import DatasetError, UsageError
from tests.support.photo_folders import write_photo


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_the_files_density_counts_where_it_is_plausible(tmp_path: Path, ending: str) -> None:
    photo = write_photo(tmp_path / f"n001{ending}", 1, dpi=(45_357, 45_357))
    mpp, origin = photo_mpp(photo, None)
    assert (round(mpp, 3), str(origin)) == (0.56, "file")
    assert photo_mpp(photo, 0.3) == (0.3, "given")


@pytest.mark.parametrize("dpi", [None, (72, 72), (96, 96), (300, 300)])
def test_bachs_layout_is_known_by_size_and_ending(
    tmp_path: Path, dpi: tuple[float, float] | None
) -> None:
    size = (2048, 1536)
    assert photo_mpp(write_photo(tmp_path / "n.tif", 1, size=size, dpi=dpi)) == (0.42, "bach")
    for other in (
        write_photo(tmp_path / "n.png", 1, size=size, dpi=dpi),
        write_photo(tmp_path / "m.tif", 1, size=(1536, 2048), dpi=dpi),
    ):
        with pytest.raises(DatasetError, match=rf"{other.name}.*--mpp"):
            photo_mpp(other)


def test_what_is_no_pixel_size_or_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="between"):
        photo_mpp(write_photo(tmp_path / "n.png", 1), 0)
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(DatasetError, match=r"text\.png"):
        photo_mpp(text)


def test_a_given_pixel_size_is_compared_with_those_of_the_files(tmp_path: Path) -> None:
    photos = [
        write_photo(tmp_path / f"n00{n}.png", n, dpi=(dpi, dpi))
        for n, dpi in enumerate((72, 45_357, 45_357))
    ]
    text = tmp_path / "text.png"
    text.write_text("no picture")
    photos.insert(0, text)
    said = (
        "The file states 0.56 µm per pixel; you stated 0.42 µm, 25 % smaller. 1 more photo "
        "contradicts it too. 0.42 µm is used."
    )
    # 72 dpi are the default of a program, not a statement.
    assert first_contradiction(photos, 0.42) == (tmp_path / "n001.png", said)
    assert first_contradiction(photos, 0.55) is None
    assert first_contradiction(photos, None) is None

"""Where a photo's pixel size comes from."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from bachview.datasets.photo_mpp import first_contradiction, photo_mpp
from bachview.errors import DatasetError, UsageError
from bachview.slide.opening import opened_slide
from tests.support.photo_folders import write_photo


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_the_files_density_counts_where_it_is_plausible(tmp_path: Path, ending: str) -> None:
    photo = write_photo(tmp_path / f"n001{ending}", 1, dpi=(45_357, 45_357))
    known = photo_mpp(photo, None)
    assert (round(known.value, 3), known.origin) == (0.56, "file")
    given = photo_mpp(photo, 0.3)
    assert (given.value, given.origin, given.of_file) == (0.3, "given", known.of_file)


@pytest.mark.parametrize("dpi", [None, (72, 72), (96, 96), (300, 300)])
def test_bachs_layout_is_known_by_size_and_ending(
    tmp_path: Path, dpi: tuple[float, float] | None
) -> None:
    size = (2048, 1536)
    known = photo_mpp(write_photo(tmp_path / "n.tif", 1, size=size, dpi=dpi))
    assert (known.value, known.origin) == (0.42, "bach")
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
    # 72 dpi are the default of a program, not a statement.
    photos = [
        write_photo(tmp_path / f"n00{n}.png", n, dpi=(dpi, dpi))
        for n, dpi in enumerate((72, 45_357, 45_357))
    ]
    text = tmp_path / "text.png"
    text.write_text("no picture")
    stated = [(photo, photo_mpp(photo, 0.42).of_file) for photo in (text, *photos)]
    said = (
        "The file states 0.56 µm per pixel; you stated 0.42 µm, 25 % smaller. 1 more photo "
        "contradicts it too. 0.42 µm is used."
    )
    assert first_contradiction(stated, 0.42) == (tmp_path / "n001.png", said)
    assert first_contradiction(stated, 0.55) is None
    assert first_contradiction(stated, None) is None


BACH_SHAPE = (1536, 2048, 3)


@pytest.mark.parametrize(
    ("name", "per_unit", "options"),
    [
        ("ome.ome.tif", None, {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}),
        ("nm.ome.tif", None, {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm"}
         | {"PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}),
        ("micron.tif", 4, {"unit": "micron"}),
        ("mm.tif", 4000, {"unit": "mm"}),
        ("density.tif", 101_600, None),
    ],
)  # fmt: skip
def test_a_file_of_bachs_size_is_believed_by_every_reader(
    tmp_path: Path, name: str, per_unit: int | None, options: dict[str, object] | None
) -> None:
    path = tmp_path / name
    tifffile.imwrite(
        path,
        np.full(BACH_SHAPE, 200, np.uint8),
        photometric="rgb",
        imagej=bool(per_unit and options),
        resolution=(per_unit, per_unit) if per_unit else None,
        resolutionunit="inch" if options is None else None,
        metadata=options,
        rowsperstrip=64,
    )
    known = photo_mpp(path)
    assert (round(known.value, 6), known.origin) == (0.25, "file")
    with opened_slide(path) as reader:
        assert reader.metadata.pixel_size.mpp == known.value
    found = first_contradiction([(path, known.of_file)], 0.42)
    assert found is not None
    assert "The file states 0.25 µm per pixel; you stated 0.42 µm" in found[1]


CASES = Path(__file__).parents[3] / "shared" / "data" / "cases"


@pytest.mark.parametrize("folder", ["photo-pixel-size", "imagej-units"])
def test_photos_made_after_public_reports_have_a_quarter_micrometre(folder: str) -> None:
    photos = sorted((CASES / folder).glob("*.tif"))
    if not photos:
        pytest.skip("the files made after public reports are not here")
    for photo in photos:
        known = photo_mpp(photo)
        assert (round(known.value, 6), known.origin) == (0.25, "file")

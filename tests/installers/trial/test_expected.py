from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bachview.export.page import PICTURE_BOX
from tools.installers.errors import InstallerError
from tools.installers.trial.expected import PICTURE, TABLE, TrialSlide, compare


def written(folder: Path, *, number: str = "0.25", pixel: int = 7, legend: int = 0) -> Path:
    folder.mkdir()
    (folder / TABLE).write_text(f"x,prob_Normal\n0.00,{number}\n", "utf-8")
    pixels = np.zeros((9, 6, 4), np.uint8)
    pixels[2, 3, 1] = pixel
    pixels[-2, 3, 1] = legend
    notes = PngInfo()
    notes.add_text(PICTURE_BOX, "1, 1, 5, 4")
    Image.fromarray(pixels).save(folder / PICTURE, pnginfo=notes)
    return folder


@pytest.fixture
def slide(tmp_path: Path) -> TrialSlide:
    return TrialSlide(Path("a.svs"), written(tmp_path / "expected"))


def test_the_same_numbers_and_pixels_pass(slide: TrialSlide, tmp_path: Path) -> None:
    assert (
        compare(slide, written(tmp_path / "a", legend=9))
        == "1 cells and 5 × 4 pixels of a.svs as by the source"
    )


def test_another_number_fails(slide: TrialSlide, tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match=r"of 2 rows of predictions\.csv, 1 differ"):
        compare(slide, written(tmp_path / "a", number="0.250001"))


def test_another_pixel_fails_even_where_it_is_transparent(
    slide: TrialSlide, tmp_path: Path
) -> None:
    with pytest.raises(InstallerError, match=r"overlay\.png differs"):
        compare(slide, written(tmp_path / "a", pixel=8))

"""What was saved about a slide is found again for that slide, and not for an edited copy."""

import os
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile

import bachview
from bachview.phantom.writer import write_phantom
from bachview.slide import fingerprint
from bachview.slide.formats import openslide_adapter
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB

SIDE, PART = 1024, 256


def _write(path: Path, pixels: RGB, coarse: RGB) -> Path:
    with tifffile.TiffWriter(path) as file:
        for level, flag in ((pixels, 0), (coarse, 1)):
            file.write(
                level,
                photometric="rgb",
                tile=(PART, PART),
                subfiletype=flag,
                compression="zlib",
                metadata=None,
                resolution=(20_000, 20_000),
                resolutionunit="CENTIMETER",
            )
    return path


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A slide, and a copy with two parts of level 0 overwritten; their coarse level is one."""
    folder = tmp_path_factory.mktemp("identity")
    write_phantom(folder / "phantom.tiff", width=2048, height=2048)
    with closing(open_slide(folder / "phantom.tiff")) as reader:
        pixels = reader.read(0, 512, 512, SIDE, SIDE)
    edited = pixels.copy()
    edited[-PART:, -PART:] = edited[:PART, :PART][::-1]
    edited[:PART, -PART:] = edited[:PART, :PART]
    coarse = pixels[::4, ::4]
    return _write(folder / "first.tif", pixels, coarse), _write(
        folder / "edited.tif", edited, coarse
    )


def _classified(path: Path, keep: Path | None) -> tuple[bachview.Prediction, bool]:
    """The classes of a slide, and whether anything was computed."""
    told: list[int] = []
    with bachview.open_slide(path) as slide, bachview.load_ensemble("selftest") as ensemble:
        found = bachview.classify(
            slide, ensemble, keep=keep or False, progress=lambda done, _: told.append(done)
        )
    return found, bool(told)


def test_an_edited_copy_is_classified_itself(slides: tuple[Path, Path], tmp_path: Path) -> None:
    first, edited = slides
    alone, _ = _classified(edited, None)
    before, _ = _classified(first, tmp_path)
    found, computed = _classified(edited, tmp_path)
    assert computed
    np.testing.assert_array_equal(found.cells.confidence, alone.cells.confidence)
    assert not np.array_equal(found.cells.confidence, before.cells.confidence, equal_nan=True)
    again, computed = _classified(first, tmp_path)
    assert not computed
    np.testing.assert_array_equal(again.cells.confidence, before.cells.confidence)


@pytest.mark.parametrize("edited_later", [True, False])
def test_results_of_an_earlier_version_are_found_by_their_slide_alone(
    slides: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    edited_later: bool,
) -> None:
    first, edited = slides
    with closing(open_slide(first)) as reader, closing(open_slide(edited)) as other:
        former, same = reader.metadata.former, other.metadata.former
    assert former is not None
    assert same is not None
    assert former.fingerprint == same.fingerprint
    with monkeypatch.context() as earlier:
        name = former.fingerprint
        earlier.setattr(openslide_adapter, "slide_fingerprint", lambda files: name)
        before, _ = _classified(first, tmp_path)
    if edited_later:
        os.utime(edited, (time.time() + 60,) * 2)
        _, computed = _classified(edited, tmp_path)
        assert computed
    found, computed = _classified(first, tmp_path)
    assert not computed
    np.testing.assert_array_equal(found.cells.confidence, before.cells.confidence)
    _, computed = _classified(edited, tmp_path)
    assert computed is not edited_later


def test_a_copy_of_a_large_slide_finds_what_was_classified(
    slides: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 0)  # every slide is a large one
    first, copy = slides[0], tmp_path / "copy.tif"
    copy.write_bytes(first.read_bytes())
    os.utime(copy, (time.time() + 60,) * 2)
    _classified(first, tmp_path)
    _, computed = _classified(copy, tmp_path)
    assert not computed

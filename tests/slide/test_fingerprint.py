"""The same content has one fingerprint, other content another."""

import hashlib
import io
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from bachview.slide import fingerprint
from bachview.slide.file_state import FileState
from bachview.slide.fingerprint import content_fingerprint, former_of
from bachview.slide.opening import open_slide
from bachview.slide.reader import RGB, SlideMetadata
from tests.support.dicom import Scan, write_other, write_slide
from tests.support.slides import gradient

SIZE, TILE = 512, 64
PICTURE = gradient(SIZE, SIZE)


def named(path: Path) -> str:
    return content_fingerprint(FileState.of(path))


def facts_of(path: Path) -> SlideMetadata:
    with closing(open_slide(path)) as reader:
        return reader.metadata


def pyramid(pixels: RGB, coarse: RGB, compression: str | None) -> bytes:
    """A TIFF pyramid; OpenSlide's quickhash-1 covers its coarse level alone."""
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as file:
        for level, flag in ((pixels, 0), (coarse, 1)):
            file.write(
                level,
                photometric="rgb",
                tile=(TILE, TILE),
                subfiletype=flag,
                compression=compression,
                metadata=None,
            )
    return data.getvalue()


@pytest.mark.parametrize("size", [0, 1, 1 << 20, 5_000_000])
@pytest.mark.parametrize("bound", [fingerprint.WHOLE_BYTES, 0])
def test_the_name_does_not_count_and_the_content_does(
    tmp_path: Path, size: int, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", bound)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(bytes(size))
    second.write_bytes(bytes(size))
    known = named(first)
    assert known == named(second)
    assert known.startswith("c2:")
    assert len(known) == 3 + 64
    second.write_bytes(bytes(size) + b"\1")
    assert named(second) != known
    if size:
        second.write_bytes(bytes(size - 1) + b"\1")
        assert named(second) != known


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    column=st.integers(0, SIZE // TILE - 1),
    row=st.integers(0, SIZE // TILE - 1),
    side=st.integers(1, TILE),
    compression=st.sampled_from([None, "zlib", "jpeg"]),
)
def test_a_copy_edited_in_any_tile_has_another_fingerprint(
    tmp_path: Path, column: int, row: int, side: int, compression: str | None
) -> None:
    coarse, edited = PICTURE[::4, ::4], PICTURE.copy()
    edited[row * TILE :, column * TILE :][:side, :side] ^= 255
    found = []
    for name, pixels in (("first", PICTURE), ("edited", edited), ("copy", PICTURE)):
        path = tmp_path / f"{name}.tif"
        path.write_bytes(pyramid(pixels, coarse, compression))
        with closing(open_slide(path)) as reader:
            found.append(reader.metadata)
    first, other, copy = found
    assert first.former is not None
    assert other.former is not None
    assert first.former.fingerprint == other.former.fingerprint  # as it was before
    assert first.fingerprint == copy.fingerprint
    assert first.fingerprint != other.fingerprint


@settings(max_examples=32, deadline=None)
@given(place=st.integers(0, (SIZE // TILE) ** 2 - 1), kind=st.sampled_from(["zlib", "jpeg"]))
def test_a_large_copy_whose_tile_has_another_length_has_another_fingerprint(
    tmp_path_factory: pytest.TempPathFactory, place: int, kind: str
) -> None:
    """No sample needs to hit the tile: the directories tell."""
    folder = tmp_path_factory.mktemp("large")
    noise = np.random.default_rng(1).integers(0, 256, PICTURE.shape, np.uint8)
    edited = noise.copy()
    row, column = divmod(place, SIZE // TILE)
    edited[row * TILE :, column * TILE :][:TILE, :TILE] = 200
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fingerprint, "WHOLE_BYTES", 0)
        patched.setattr(fingerprint, "_SAMPLE_BYTES", 0)
        found = []
        for name, pixels in (("first", noise), ("edited", edited), ("copy", noise)):
            path = folder / f"{name}.tif"
            data = pyramid(pixels, PICTURE[::4, ::4], kind)
            path.write_bytes(data + bytes(2_000_000 - len(data)))  # all of one size
            found.append(named(path))
    assert found[0] == found[2] != found[1]


def test_a_large_file_without_tiles_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 0)
    path = tmp_path / "a"
    data = bytearray(64 * 16_384)
    path.write_bytes(data)
    known = named(path)
    for place in range(0, len(data), 16_384):
        data[place] = 1
        path.write_bytes(data)
        assert named(path) != known
        data[place] = 0


def test_every_file_of_a_slide_counts(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.mrxs", tmp_path / "a"
    folder.mkdir()
    path.write_bytes(b"index")
    (folder / "Data0000.dat").write_bytes(b"pixels")
    known = named(path)
    (folder / "Data0000.dat").write_bytes(b"pixelz")
    assert named(path) != known


def test_what_earlier_versions_called_a_slide_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    os.utime(path, (5, 1234))
    files = FileState.of(path)
    assert former_of(files, "abc").fingerprint == "q1:abc"
    assert former_of(files).changed_s == 1234
    # As version 0.1 wrote it, of a small file and of a large one.
    assert former_of(files, "").fingerprint == (
        "s1:028f0df5b8596fbcd10c9720b7a4784f8e7e04f629bd5a62bfbdf139678b6624"
    )
    path.write_bytes(bytes(range(256)) * 8192)
    assert former_of(FileState.of(path)).fingerprint == (
        "s1:f2c6cac7cd68ff17d443a3ee5ca4b9292636f50c114e67dbc2909ee45f567be4"
    )


def test_what_names_the_series_of_a_dicom_slide_is_no_part_of_it(tmp_path: Path) -> None:
    scan, folder = Scan(), tmp_path / "case"
    path = write_slide(folder, scan)
    alone = facts_of(path)
    assert alone.former is not None
    assert alone.former.with_others is None
    named_series = Dataset()
    named_series.SeriesInstanceUID = scan.series
    report = write_other(folder / "report.dcm", "1.2.840.10008.5.1.4.1.1.88.33", "SR")
    made = dcmread(report)
    made.ReferencedSeriesSequence = [named_series]
    made.save_as(report)
    # Another slide, such as a section beside it in another stain.
    Scan().write(folder / "other slide.dcm", ReferencedSeriesSequence=[named_series])
    beside = facts_of(path)
    assert beside.fingerprint == alone.fingerprint
    # Earlier versions counted all of them.
    digests = sorted(hashlib.sha256(file.read_bytes()).digest() for file in folder.iterdir())
    earlier = f"c2:{hashlib.sha256(b''.join(digests)).hexdigest()}"
    assert beside.former is not None
    assert beside.former.fingerprints == (earlier, alone.former.fingerprint)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    path = tmp_path / "none"
    path.write_bytes(b"x")
    files = FileState.of(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        content_fingerprint(files)

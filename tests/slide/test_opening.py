"""Whatever is opened, the answer is a slide or one clear sentence."""

import os
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bachview.core.pixel_size import Origin
from bachview.errors import Cancelled, SlideChangedError, SlideOpenError, SlideReadError
from bachview.jobs.tokens import CancelToken
from bachview.slide import opening as slide_opening
from bachview.slide.opening import open_in_time, open_slide, opened_slide
from bachview.slide.suffixes import PICTURE_SUFFIXES, SLIDE_SUFFIXES, file_filter
from tests.stuck_files import StuckFiles
from tests.support.real_data import SHARED, shared_file
from tests.support.slides import gradient, write_pyramid


def refusal(path: Path) -> str:
    """The sentence with which `path` is refused."""
    with pytest.raises(SlideOpenError) as caught:
        open_slide(path).close()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert path.name in sentence
    assert str(path.parent) not in sentence
    return sentence


def test_real_slides_open() -> None:
    slide = open_slide(shared_file("slides/CMU-1-Small-Region.svs"))
    facts = slide.metadata
    assert (facts.vendor, facts.objective_power, facts.pixel_size.mpp_x) == ("aperio", 20, 0.499)
    assert facts.former is not None
    assert facts.former.fingerprint == (
        "q1:6335ea0e6cc54c2cba64bb265d3c713a50cd84484924e3a9c109558c13521d5c"
    )
    assert facts.associated_images == ("label", "macro", "thumbnail")
    assert slide.read_associated("label").shape == (463, 387, 3)
    with pytest.raises(SlideReadError, match="no image called barcode"):
        slide.read_associated("barcode")
    slide.close()


def test_the_real_ome_tiff_that_openslide_refuses() -> None:
    slide = open_slide(shared_file("slides/OS-1-detail.ome.tif"))
    facts = slide.metadata
    assert facts.format_name == "ome-tiff"
    assert facts.pixel_size.mpp_x == pytest.approx(0.2270972430394695)
    assert facts.pixel_size.mpp_y == pytest.approx(0.22710240047237298)
    assert facts.pixel_size.origin is Origin.FILE
    picture = slide.read(0, 0, 0, 1101, 1101)
    # Stained tissue on light glass, in the right colour order: red and blue above green.
    means = picture.reshape(-1, 3).mean(0)
    assert means[1] < means[0]
    assert means[1] < means[2]
    slide.close()


def test_a_dicom_file_and_its_folder() -> None:
    file = shared_file("slides/multi_frame_jpeg_camelyon_challenge_image.dcm")
    slide = open_slide(file)
    assert slide.metadata.format_name == "dicom"
    assert slide.metadata.pixel_size.mpp_x == pytest.approx(28.969)
    assert not slide.metadata.pixel_size.is_plausible
    picture = slide.read(0, 0, 0, 1152, 700)
    slide.close()
    folder = open_slide(file.parent)
    assert folder.metadata.path == file.parent
    assert folder.metadata.fingerprint == slide.metadata.fingerprint
    assert (folder.read(0, 0, 0, 1152, 700) == picture).all()
    folder.close()


def test_an_implausible_pixel_size_is_kept_as_the_files() -> None:
    slide = open_slide(shared_file("slides/boxes.tiff"))
    pixel_size = slide.metadata.pixel_size
    assert pixel_size.origin is Origin.FILE
    assert pixel_size.mpp_x == pytest.approx(352.7778)
    assert not pixel_size.is_plausible
    assert slide.metadata.icc_profile is not None
    slide.close()


def test_bad_files_are_refused_when_they_are_opened() -> None:
    assert "52479" in refusal(shared_file("bad/unopenable.tiff"))
    assert "syntax" in refusal(shared_file("bad/sm_image_jpegls.dcm"))


def test_a_bad_file_that_opens_fails_when_it_is_read_each_time() -> None:
    path = shared_file("bad/unreadable.svs")
    slide = open_slide(path)
    for _ in range(3):
        with pytest.raises(SlideReadError, match=re.escape(path.name)):
            slide.read(0, 0, 0, 16, 16)
    slide.close()


def test_what_is_no_slide(tmp_path: Path) -> None:
    assert "was not found" in refusal(tmp_path / "missing.svs")
    empty = tmp_path / "empty.svs"
    empty.touch()
    assert "empty" in refusal(empty)
    text = tmp_path / "notes.tiff"
    text.write_text("not a slide")
    assert "known format" in refusal(text)
    noise = tmp_path / "noise.jpg"
    noise.write_bytes(b"\xff\xd8\xff" + os.urandom(5000))
    refusal(noise)
    bare = tmp_path / "bare.tif"
    bare.write_bytes(b"II*\0")
    refusal(bare)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.svs")
    assert "not a file" in refusal(tmp_path / "pipe.svs")


def test_a_folder_without_a_slide_is_refused_with_advice(tmp_path: Path) -> None:
    assert "without a DICOM slide" in refusal(tmp_path)
    data = tmp_path / "slide"
    data.mkdir()
    (data / "Slidedat.ini").write_text("[GENERAL]")
    assert ".mrxs" in refusal(data)


def test_a_file_without_the_right_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pyramid(tmp_path / "secret.tiff", gradient(64, 64), factors=())

    def refuse(self: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "open", refuse)  # root, as in containers, may read everything
    assert "may not be read" in refusal(path)


def test_files_named_in_any_script_can_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "Größe" / "日本 語"
    folder.mkdir(parents=True)
    path = write_pyramid(folder / "スライド.svs", gradient(600, 400))
    slide = open_slide(path)
    assert (slide.read(0, 0, 0, 600, 400) == gradient(600, 400)).all()
    slide.close()


REAL = (
    "slides/CMU-1-Small-Region.svs",
    "slides/OS-1-detail.ome.tif",
    "slides/boxes.tiff",
    "slides/small.svs",
    "slides/multi_frame_jpeg_camelyon_challenge_image.dcm",
    "bach-photos/Photos/Benign/b001.jpg",
)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_truncated_real_files_fail_or_show_what_the_whole_file_shows(
    name: str, share: float, tmp_path: Path
) -> None:
    """Each is refused, or fails where it is cut, or shows there what the whole file shows."""
    original = shared_file(name)
    data = original.read_bytes()
    copy = tmp_path / original.name
    copy.write_bytes(data[: int(len(data) * share)])
    whole = open_slide(original)
    try:
        cut = open_slide(copy)
    except SlideOpenError as error:
        assert copy.name in str(error)  # noqa: PT017
        whole.close()
        return
    size = whole.metadata.pyramid.size
    for x in range(0, size.width, 400):
        for y in range(0, size.height, 400):
            try:
                found = cut.read(0, x, y, 400, 400)
            except SlideReadError as error:
                assert copy.name in str(error)  # noqa: PT017
            else:
                assert (found == whole.read(0, x, y, 400, 400)).all()
    cut.close()
    whole.close()


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Contents of small files of every kind, some of them real."""
    folder = tmp_path_factory.mktemp("small")
    picture = gradient(80, 60)
    ome, plain, png, jpeg = (folder / name for name in ("a.ome.tif", "b.tif", "c.png", "d.jpg"))
    facts = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(ome, picture, photometric="rgb", tile=(32, 32), metadata=facts)
    tifffile.imwrite(plain, picture, photometric="rgb", compression="lzw", predictor=True)
    Image.fromarray(picture).save(png)
    Image.fromarray(picture).save(jpeg)
    real = [SHARED / "slides" / name for name in ("boxes.tiff", "small.svs")]
    return [path.read_bytes() for path in (ome, plain, png, jpeg, *real) if path.exists()]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_get_past_the_known_errors(
    data: st.DataObject,
    small_files: list[bytes],
    tmp_path: Path,
    expects_log: pytest.LogCaptureFixture,
) -> None:
    """A few bytes changed at random places, the header's more often. A broken profile is logged."""
    content = bytearray(data.draw(st.sampled_from(small_files)))
    for _ in range(data.draw(st.integers(1, 6))):
        end = data.draw(st.sampled_from([min(512, len(content)), len(content)]))
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "flipped"
    path.write_bytes(content)
    try:
        slide = open_slide(path)
    except SlideOpenError:
        return
    try:
        slide.read(0, 0, 0, 64, 64)
    except SlideReadError:
        pass
    finally:
        slide.close()


def test_other_slides_go_on_beside_a_bad_one(tmp_path: Path) -> None:
    good = open_slide(write_pyramid(tmp_path / "good.tiff", gradient(600, 400)))
    bad = open_slide(shared_file("bad/unreadable.svs"))
    with pytest.raises(SlideReadError):
        bad.read(0, 0, 0, 16, 16)
    bad.close()
    assert np.abs(good.read(0, 0, 0, 600, 400).astype(int) - gradient(600, 400)).max() == 0
    good.close()


def test_a_slide_whose_file_is_replaced_by_rubbish(tmp_path: Path) -> None:
    path = Path(shutil.copy(shared_file("slides/CMU-1-Small-Region.svs"), tmp_path))
    slide = open_slide(path)
    slide.read(0, 0, 0, 10, 10)
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(SlideReadError, match=re.escape(path.name)):
        slide.read(0, 1500, 1500, 500, 500)
    slide.close()


def test_the_file_filter_names_every_ending() -> None:
    shown = file_filter()
    assert all(f"*{suffix}" in shown for suffix in (*SLIDE_SUFFIXES, *PICTURE_SUFFIXES))
    assert shown.endswith(";;All files (*)")


def test_a_file_that_does_not_open_is_given_up(
    tmp_path: Path, stuck: StuckFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_pyramid(tmp_path / "stuck.tiff", gradient(64, 64))
    monkeypatch.setattr(slide_opening, "LIMIT_S", 0.3)
    with pytest.raises(SlideOpenError, match=r"stuck\.tiff did not open within 0\.3 s; check"):
        open_in_time(path)
    assert not stuck.readers
    stuck.release.set()
    while not stuck.readers or stuck.closed != stuck.readers:  # what it opens after all
        time.sleep(0.01)
    open_in_time(path).close()


def test_waiting_for_a_file_to_open_is_cancelled(tmp_path: Path, stuck: StuckFiles) -> None:
    path = write_pyramid(tmp_path / "stuck.tiff", gradient(64, 64))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        open_in_time(path, token)


def test_a_reading_of_two_contents_does_not_count(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(64, 64))

    def read() -> None:
        with opened_slide(path) as reader:
            reader.read(0, 0, 0, 8, 8)
            write_pyramid(path, gradient(64, 64)[::-1])

    with pytest.raises(SlideChangedError, match=r"slide\.tiff has changed"):
        read()


@pytest.mark.parametrize(("is_changed", "said"), [(True, "has changed"), (False, "damaged tile")])
def test_a_change_is_named_where_it_is_why_reading_failed(
    is_changed: bool, said: str, tmp_path: Path
) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(64, 64))

    def read() -> None:
        with opened_slide(path):
            if is_changed:
                path.write_bytes(b"something else")
            raise SlideReadError("slide.tiff has a damaged tile.")

    with pytest.raises(SlideReadError, match=said):
        read()

"""``bachview info`` on made and on real slides."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bachview.slide import opening as slide_opening
from tests.stuck_files import StuckFiles
from tests.support.cli import Cli, check_schema
from tests.support.real_data import shared_file
from tests.support.slides import gradient, write_pyramid


def test_the_document_tells_what_was_written(cli: Cli, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "Größe 日本.tiff", gradient(1200, 900), mpp=0.25)
    answer = cli("info", path, "--json")
    assert answer.code == 0
    check_schema("info", answer.document)
    document = answer.document
    assert document["path"] == str(path)
    assert document["levels"][0] == {"width": 1200, "height": 900, "downsample": 1.0}
    assert document["levels"][1]["downsample"] == pytest.approx(4, rel=0.01)
    assert document["mpp_x"] == pytest.approx(0.25, rel=1e-3)
    assert document["mpp_origin"] == "file"
    assert document["icc"] is False


def test_of_several_planes_it_says_which_is_shown(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "stack.ome.tif"
    pixels = np.zeros((2, 3, 64, 64, 3), np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", metadata={"axes": "TZYXS"})
    first = cli("info", path, "--json").document
    assert first["stack"]["text"] == "3 focal planes, 2 time points; plane 1, time point 1 shown"
    answer = cli("info", path, "--plane", "2", "--time-point", "2", "--json")
    check_schema("info", answer.document)
    assert answer.document["stack"]["plane"] == answer.document["stack"]["time_point"] == 2
    assert answer.document["fingerprint"] == f"{first['fingerprint']}:z2t2"
    assert "plane 2, time point 2 shown" in cli("info", path, "--plane", 2, "--time-point", 2).out
    refused = cli("info", path, "--plane", 4)
    assert refused.code == 2
    assert "stack.ome.tif has no focal plane 4; it has 3 focal planes" in refused.err


def test_an_unknown_pixel_size_is_null(cli: Cli, tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "slide.tiff", gradient(600, 600), mpp=None)
    document = cli("info", path, "--json").document
    check_schema("info", document)
    assert (document["mpp_x"], document["mpp_origin"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("name", "mpp", "images"),
    [
        ("CMU-1-Small-Region.svs", 0.499, ["label", "macro", "thumbnail"]),
        ("multi_frame_jpeg_camelyon_challenge_image.dcm", 28.97, []),
        ("OS-1-detail.ome.tif", 0.2271, []),
        ("boxes.tiff", 352.78, []),
    ],
)
def test_real_slides_tell_their_pixel_size_and_associated_images(
    cli: Cli, name: str, mpp: float, images: list[str]
) -> None:
    document = cli("info", shared_file(f"slides/{name}"), "--json").document
    check_schema("info", document)
    assert document["mpp_x"] == pytest.approx(mpp, rel=1e-3)
    assert sorted(document["associated_images"]) == images


def test_the_route_is_told_of_every_kind_of_file(cli: Cli, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(gradient(90, 60)).save(photo)
    ome = tmp_path / "slide.ome.tif"
    tifffile.imwrite(ome, gradient(90, 60), photometric="rgb", ome=True)
    slide = write_pyramid(tmp_path / "slide.tiff", gradient(1200, 900))
    for path, words in (
        (photo, "decoded as a whole: Pillow"),
        (ome, "imagecodecs"),
        (slide, "OpenSlide; tiles of levels 0, 1 decoded directly"),
    ):
        assert words not in cli("info", path).out
        assert words in " ".join(cli("info", path, "--verbose").out.split())
        assert words in cli("info", path, "--json").document["route"]


def test_the_table_says_what_an_implausible_pixel_size_means(cli: Cli) -> None:
    answer = cli("info", shared_file("slides/boxes.tiff"))
    assert answer.code == 0
    assert "implausible" in answer.out
    assert "--mpp" in answer.out


@pytest.mark.parametrize("name", ["unopenable.tiff", "sm_image_jpegls.dcm"])
def test_bad_files_are_named_in_one_sentence(cli: Cli, name: str) -> None:
    answer = cli("info", shared_file(f"bad/{name}"))
    assert answer.code == 3
    assert name in answer.err
    assert len(answer.err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["info", "classify --output out"])
def test_a_file_that_does_not_open_in_time_is_given_up(
    command: str,
    cli: Cli,
    tmp_path: Path,
    stuck: StuckFiles,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slide_opening, "LIMIT_S", 0.3)
    path = write_pyramid(tmp_path / "stuck.tiff", gradient(64, 64))
    answer = cli(*command.split(), path)
    assert answer.code == 3
    assert "stuck.tiff did not open within 0.3 s" in answer.err


def test_empty_files_and_folders_are_bad_input(cli: Cli, tmp_path: Path) -> None:
    empty, folder = tmp_path / "empty.svs", tmp_path / "folder"
    empty.touch()
    folder.mkdir()
    for path in (empty, folder):
        answer = cli("info", path)
        assert answer.code == 3
        assert path.name in answer.err

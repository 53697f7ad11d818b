"""Headers that lie are refused before a library follows them; odd real ones are not."""

import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.formats.tiff_structure import check_tiff
from bachview.slide.opening import open_slide
from tests.support.real_data import shared_file

#: In a process of its own: what is tried here has ended processes.
_OPEN = """
import sys
from pathlib import Path
from bachview.errors import SlideOpenError, SlideReadError
from bachview.slide.opening import open_slide
try:
    open_slide(Path(sys.argv[1])).close()
except SlideOpenError as refusal:
    print(refusal)
"""


def pyramid(path: Path, *, big: bool = False, order: str = "<", sub: int = 0) -> Path:
    """Three tiled levels, either in a row or the smaller ones below the first."""
    pixels = np.full((192, 256, 3), 200, np.uint8)
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as tif:
        tif.write(
            pixels, tile=(64, 64), photometric="rgb", compression="zlib", subifds=sub, metadata=None
        )
        for step in (2, 4):
            tif.write(
                pixels[::step, ::step],
                tile=(16, 16),
                photometric="rgb",
                compression="zlib",
                metadata=None,
                subfiletype=1,
            )
    return path


def value_place(path: Path, page: int, tag: int) -> tuple[int, str]:
    """Where the value of a tag lies, and its `struct` format with the file's byte order."""
    with tifffile.TiffFile(path) as tif:
        found = tif.pages[page].tags[tag]
        letter = {1: "B", 3: "H", 4: "I", 16: "Q"}[found.dtype]
        return found.valueoffset, tif.byteorder + letter


def set_value(path: Path, page: int, tag: int, value: int) -> None:
    """Write `value` as the first (or only) number of a tag."""
    at, form = value_place(path, page, tag)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack(form, value))


def set_values(path: Path, page: int, tags: tuple[int, ...], value: int) -> None:
    for tag in tags:
        set_value(path, page, tag, value)


def link_places(path: Path) -> list[int]:
    """Where a classic little-endian file says where its directories lie, in order."""
    data = path.read_bytes()
    places = [4]
    while at := struct.unpack_from("<I", data, places[-1])[0]:
        places.append(at + 2 + 12 * struct.unpack_from("<H", data, at)[0])
    return places


def set_link(path: Path, number: int, value: int) -> None:
    with path.open("r+b") as file:
        file.seek(link_places(path)[number])
        file.write(struct.pack("<I", value))


def first_directory(path: Path) -> int:
    (at,) = struct.unpack_from("<I", path.read_bytes(), 4)
    return int(at)


def refusal(path: Path) -> str:
    with pytest.raises(SlideOpenError) as caught:
        check_tiff(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path.name} is damaged (")
    assert sentence.endswith("; copy it again from its source.")
    return sentence


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("sub", [0, 2])
def test_true_headers_pass(tmp_path: Path, order: str, big: bool, sub: int) -> None:
    check_tiff(pyramid(tmp_path / "true.tif", big=big, order=order, sub=sub))


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_planes_and_strips_pass(tmp_path: Path, planar: str) -> None:
    pixels = np.zeros((100, 70, 3) if planar == "contig" else (3, 100, 70), np.uint8)
    for name, more in (("tiles.tif", {"tile": (32, 32)}), ("strips.tif", {"rowsperstrip": 7})):
        path = tmp_path / name
        tifffile.imwrite(path, pixels, photometric="rgb", planarconfig=planar, **more)
        check_tiff(path)


def test_real_files_pass() -> None:
    folder = shared_file("slides").parent
    for kind in ("slides", "cases", "other-stains"):
        for path in sorted((folder / kind).rglob("*")):
            if path.suffix in (".svs", ".tif", ".tiff", ".ndpi", ".vsi") and path.is_file():
                check_tiff(path)


_LIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "directories form a circle to the first": (
        lambda path: set_link(path, 3, first_directory(path)),
        "form a circle",
    ),
    "a directory names itself": (
        lambda path: set_link(path, 1, first_directory(path)),
        "form a circle",
    ),
    "a directory lies in another": (
        lambda path: set_link(path, 1, first_directory(path) + 2),
        "",
    ),
    "a directory beyond the end": (lambda path: set_link(path, 3, 2**32 - 9), "beyond its end"),
    "the first directory beyond the end": (
        lambda path: set_link(path, 0, 2**32 - 9),
        "beyond its end",
    ),
    "a tile as long as a country": (
        lambda path: set_values(path, 0, (322, 323), 60_000),
        "bytes per tile",
    ),
    "a tile of no width": (lambda path: set_value(path, 1, 322, 0), "tiles without a size"),
    "a level wider than its tiles": (lambda path: set_value(path, 0, 256, 60_000), "tiles"),
    "too many samples": (lambda path: set_value(path, 0, 277, 60_000), "samples per pixel"),
    "too many bits": (lambda path: set_value(path, 0, 258, 60_000), "bits per sample"),
}


@pytest.mark.parametrize("lie", _LIES)
def test_a_lie_is_refused(tmp_path: Path, lie: str) -> None:
    path = pyramid(tmp_path / "lie.tif")
    change, words = _LIES[lie]
    change(path)
    assert words in refusal(path)


def described(path: Path) -> Path:
    """Four tiles of 192 KiB each, and a text."""
    with tifffile.TiffWriter(path) as tif:
        tif.write(
            np.full((512, 512, 3), 200, np.uint8),
            tile=(256, 256),
            photometric="rgb",
            description="x" * 50,
            metadata=None,
        )
    return path


def claim(path: Path, tag: int, at: int, value: int) -> None:
    """Write 32 bits so far behind where the entry of a tag begins."""
    with tifffile.TiffFile(path) as tif:
        place = tif.pages[0].tags[tag].offset + at
    with path.open("r+b") as file:
        file.seek(place)
        file.write(struct.pack("<I", value))


def test_a_list_of_tiles_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    path = described(tmp_path / "long.tif")
    claim(path, 325, 4, 10_000_000)
    assert "tag 325 is longer than the file" in refusal(path)


def test_a_tile_that_needs_more_room_than_any_has_is_refused(tmp_path: Path) -> None:
    path = described(tmp_path / "long.tif")
    set_value(path, 0, 325, 2**31)
    assert "a tile or strip that is longer than the file" in refusal(path)


@pytest.mark.parametrize(
    ("tag", "at"),
    [(270, 4), (270, 8), (258, 8), (282, 4)],
    ids=["text length", "text place", "bits place", "number of densities"],
)
def test_a_lie_that_costs_nothing_is_let_through(tag: int, at: int, tmp_path: Path) -> None:
    path = described(tmp_path / "lie.tif")
    with tifffile.TiffFile(path) as tif:
        if tag not in tif.pages[0].tags:
            pytest.fail(f"there is no tag {tag}")
    claim(path, tag, at, 2**32 - 1)
    check_tiff(path)
    with suppress(SlideOpenError), closing(open_slide(path)) as slide, suppress(SlideReadError):
        slide.read(0, 0, 0, 300, 300)


def test_a_tile_longer_than_the_file_costs_no_other(tmp_path: Path) -> None:
    path = described(tmp_path / "cut.tif")
    set_value(path, 0, 325, 100 * 2**20)
    with closing(open_slide(path)) as slide:
        with suppress(SlideReadError):
            slide.read(0, 0, 0, 100, 100)
        assert (slide.read(0, 300, 300, 100, 100) == 200).all()


def test_an_ndpi_level_that_needs_gigabytes_of_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "high.ndpi"
    path.write_bytes(shared_file("other-stains/test3-TRITC 2 (560).ndpi").read_bytes())
    set_value(path, 1, 257, 2**31 - 1)
    assert "px per side" in refusal(path)


@pytest.mark.parametrize("name", ["huge_tile_length.svs", "cyclic_directories.tiff"])
def test_slides_that_ended_or_blocked_the_program_get_a_sentence(name: str) -> None:
    path = shared_file(f"bad/{name}")
    answer = subprocess.run(
        [sys.executable, "-c", _OPEN, str(path)], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(f"{name} is damaged (")


def test_dicom_tiles_of_gigabytes_are_refused(tmp_path: Path) -> None:
    content = bytearray(
        shared_file("slides/multi_frame_jpeg_camelyon_challenge_image.dcm").read_bytes()
    )
    for rows_or_columns in (b"\x28\0\x10\0US", b"\x28\0\x11\0US"):
        at = content.index(rows_or_columns) + 8
        content[at : at + 2] = b"\xff\xff"
    path = tmp_path / "huge.dcm"
    path.write_bytes(content)
    with pytest.raises(SlideOpenError, match=r"huge\.dcm is damaged .*tiles of 65,535 by 65,535"):
        open_slide(path)


def test_an_associated_image_that_claims_to_be_huge_is_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "label.svs"
    options = {"photometric": "rgb", "metadata": None, "compression": "zlib"}
    with tifffile.TiffWriter(path) as tif:
        words = "Aperio Image Library v1\n64x64"
        tif.write(np.zeros((64, 64, 3), np.uint8), tile=(64, 64), description=words, **options)
        for kind in (0, 1, 9):  # thumbnail, label, macro
            tif.write(
                np.zeros((32, 32, 3), np.uint8),
                rowsperstrip=1,
                subfiletype=kind,
                description="Aperio Image Library v1\n32x32",
                **options,
            )
    set_values(path, 1, (256, 257), 60_000)
    with closing(open_slide(path)) as slide:
        assert slide.metadata.associated_images == ("label", "macro")


Fields = list[tuple[int, int, int, int]]


def hand_made(path: Path, directories: list[Fields], block: bytes = b"", *, links: int = 4) -> Path:
    """Classic little-endian directories of (tag, type, count, value); `block` lies at 16."""
    start = 16 + len(block) + len(block) % 2
    out = bytearray(struct.pack("<4sQ4x", b"II*\0", start) + block).ljust(start, b"\0")
    for number, fields in enumerate(directories, start=1):
        end = len(out) + 2 + 12 * len(fields) + links
        out += struct.pack("<H", len(fields))
        out += b"".join(struct.pack("<HHII", *field) for field in sorted(fields))
        out += (end if number < len(directories) else 0).to_bytes(links, "little")
    path.write_bytes(out)
    return path


def tiles(width: int, *, kind: int = 4, side: int = 64) -> Fields:
    """A single row of tiles that all lie at 16."""
    sizes: Fields = [(256, kind, 1, width), (257, kind, 1, side)]
    lists: Fields = [(324, 4, -(-width // side), 16), (325, 4, -(-width // side), 16)]
    return [*sizes, (322, 4, 1, side), (323, 4, 1, side), *lists]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ((258, 3, 100_000, 16), "values of tag 258"),
        ((277, 3, 2_000, 16), "values of tag 277"),
        ((330, 4, 20_000, 16), "directories below one"),
    ],
)
def test_a_tag_of_few_numbers_that_holds_many_is_refused(
    field: tuple[int, int, int, int], words: str, tmp_path: Path
) -> None:
    path = hand_made(tmp_path / "many.tif", [[*tiles(128), field]], b"\1\0" * 100_000)
    assert words in refusal(path)


def test_directories_that_name_the_same_list_again_and_again_are_refused(tmp_path: Path) -> None:
    path = hand_made(tmp_path / "same.tif", [tiles(64 * 1_000_000)] * 140, bytes(4_000_000))
    assert "again and again" in refusal(path)


def test_many_directories_below_many_are_refused(tmp_path: Path) -> None:
    below: Fields = [*tiles(64), (330, 4, 10_000, 16)]
    places = b"".join(struct.pack("<I", 16 + 4 * n) for n in range(10_000))
    path = hand_made(tmp_path / "below.tif", [below] * 3, places)
    assert "directories below others" in refusal(path)


def test_a_walk_that_takes_too_long_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachview.slide.formats.tiff_structure._LONGEST_S", -1.0)
    with pytest.raises(SlideOpenError, match=r"true\.tif takes too long to open"):
        check_tiff(pyramid(tmp_path / "true.tif"))


def test_signed_numbers_are_numbers(tmp_path: Path) -> None:
    block = struct.pack("<4I", 16, 16, 16, 16)
    check_tiff(hand_made(tmp_path / "true.tif", [tiles(256, kind=9)], block))
    path = hand_made(tmp_path / "wide.tif", [[*tiles(256, kind=9)[1:], (256, 9, 1, 10**6)]], block)
    assert "tiles where its size needs" in refusal(path)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ((256, 9, 1, 2**32 - 1), "tag 256 is negative"),
        ((277, 8, 1, 2**16 - 1), "tag 277 is negative"),
        ((284, 6, 1, 255), "tag 284 is negative"),
        ((256, 11, 1, 2**30), "tag 256 is not a whole number"),
        ((330, 2, 4, 16), "tag 330 is not a whole number"),
    ],
)
def test_numbers_that_are_none_are_refused(
    field: tuple[int, int, int, int], words: str, tmp_path: Path
) -> None:
    others = [other for other in tiles(256) if other[0] != field[0]]
    assert words in refusal(hand_made(tmp_path / "odd.tif", [[*others, field]], bytes(16)))


def test_a_mark_of_ndpi_does_not_make_tiles_pass(tmp_path: Path) -> None:
    huge = [(tag, kind, count, 60_000 if tag in (322, 323) else value)
            for tag, kind, count, value in tiles(256)]  # fmt: skip
    path = hand_made(
        tmp_path / "mark.svs", [[*huge, (258, 3, 1, 8), (65420, 4, 1, 1)]], bytes(16), links=8
    )
    assert "bytes per tile" in refusal(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_the_headers_ends_soon(tmp_path: Path, data: st.DataObject) -> None:
    path = pyramid(tmp_path / "changed.tif", big=data.draw(st.booleans()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, 1_500))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(SlideOpenError):
        check_tiff(path)


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_get_an_answer(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.tif"
    path.write_bytes(b"II*\0" + content)
    with suppress(SlideOpenError):
        check_tiff(path)

"""Which files count as a slide's own, and when they count as changed."""

import os
import sys
from pathlib import Path

import pytest

from bachview.errors import SlideChangedError, SlideReadError
from bachview.slide.file_state import FileState
from tests.support.real_data import shared_file

_DICOM = bytes(128) + b"DICM" + bytes(100)


def _of_series(number: int, *, typed: bool = True) -> bytes:
    uid = f"1.2.840.{number}.7".encode()
    length = b"UI" + len(uid).to_bytes(2, "little") if typed else len(uid).to_bytes(4, "little")
    return _DICOM + b"\x20\0\x0e\0" + length + uid + b"\0"


def _opened(path: Path, folder: Path) -> FileState:
    """As the adapters do: a folder by one of its files."""
    if path != folder:
        return FileState.of(path)
    return FileState.of(folder / "level.dcm", opened_as=folder)


def _write(path: Path, content: bytes = b"slide") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("opened", "content", "beside"),
    [
        ("case.svs", b"slide", "case/patches.csv"),
        ("case.svs", b"slide", "other.svs"),
        ("case.dcm", _DICOM, "notes.txt"),
        ("case.dcm", _DICOM, "other.svs"),
        (".", b"", "classes.csv"),
        ("case.vms", b"[Virtual]\nImageFile=part.jpg\n", "notes.txt"),
    ],
)
def test_what_lies_beside_a_slide_may_change(
    opened: str, content: bytes, beside: str, tmp_path: Path
) -> None:
    _write(tmp_path / "level.dcm", _DICOM)
    other = _write(tmp_path / beside)
    path = tmp_path if opened == "." else _write(tmp_path / opened, content)
    state = _opened(path, tmp_path)
    other.write_bytes(b"more of it")
    state.check(by_reading=True)
    other.unlink()
    state.check(by_reading=True)


@pytest.mark.parametrize(
    ("opened", "content", "part", "part_content"),
    [
        ("case.mrxs", b"slide", "case/Data0000.dat", b"pixels"),
        ("case.dcm", _DICOM, "level.dcm", _DICOM),
        (".", b"", "level", _DICOM),
        ("case.vms", b"[Virtual]\nImageFile=part.jpg\n", "part.jpg", b"pixels"),
    ],
)
def test_the_other_files_of_a_slide_are_watched(
    opened: str, content: bytes, part: str, part_content: bytes, tmp_path: Path
) -> None:
    other = _write(tmp_path / part, part_content)
    _write(tmp_path / "level.dcm", part_content)
    path = tmp_path if opened == "." else _write(tmp_path / opened, content)
    state = _opened(path, tmp_path)
    other.write_bytes(part_content + b"more")
    with pytest.raises(SlideChangedError, match="has changed since it was opened"):
        state.check()
    other.unlink()
    with pytest.raises(SlideReadError, match="can no longer be read"):
        state.check()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such time")
def test_a_copy_of_the_same_size_that_keeps_the_time_is_noticed(tmp_path: Path) -> None:
    path = _write(tmp_path / "case.svs", b"a" * 1000)
    state, before = FileState.of(path), path.stat()
    with path.open("r+b") as file:
        file.write(b"b" * 1000)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(SlideChangedError):
        state.check()


def test_the_time_of_creation_that_windows_keeps_there_does_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = _write(tmp_path / "case.svs", b"a" * 1000)
    monkeypatch.setattr(sys, "platform", "win32")
    state = FileState.of(path)
    path.chmod(0o600 if path.stat().st_mode & 0o077 else 0o644)  # changes only that time here
    state.check()
    path.write_bytes(b"b" * 1001)
    with pytest.raises(SlideChangedError):
        state.check()


@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("is_folder", [True, False])
def test_only_dicom_files_of_the_same_series_are_the_slides_own(
    tmp_path: Path, typed: bool, is_folder: bool
) -> None:
    path = _write(tmp_path / "case.dcm", _of_series(1, typed=typed))
    level = _write(tmp_path / "level.dcm", _of_series(1, typed=typed))
    other = _write(tmp_path / "other patient.dcm", _of_series(2, typed=typed))
    state = FileState.of(path, opened_as=tmp_path if is_folder else None)
    other.write_bytes(_of_series(3))
    state.check()
    other.unlink()
    state.check()
    level.write_bytes(_of_series(1, typed=typed) + b"more")
    with pytest.raises(SlideChangedError):
        state.check()


def test_a_real_dicom_slide_names_its_series(tmp_path: Path) -> None:
    content = shared_file("slides/multi_frame_jpeg_camelyon_challenge_image.dcm").read_bytes()
    path = _write(tmp_path / "case.dcm", content)
    _write(tmp_path / "level.dcm", content)
    _write(tmp_path / "other patient.dcm", _of_series(2))
    names = [file.name for file, _ in FileState.of(path).marks]
    assert names == ["case.dcm", "level.dcm"]

"""Which files count as a slide's own, and when they count as changed."""

from pathlib import Path

import pytest

from bachview.errors import SlideChangedError, SlideReadError
from bachview.slide.file_state import FileState

_DICOM = bytes(128) + b"DICM" + bytes(100)


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
    state = FileState.of(path)
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
    path = tmp_path if opened == "." else _write(tmp_path / opened, content)
    state = FileState.of(path)
    other.write_bytes(part_content + b"more")
    with pytest.raises(SlideChangedError, match="has changed since it was opened"):
        state.check()
    other.unlink()
    with pytest.raises(SlideReadError, match="can no longer be read"):
        state.check()

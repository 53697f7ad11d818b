"""The table of what takes the room."""

from pathlib import Path, PurePosixPath

import pytest

from tools.installers import sizes
from tools.installers.errors import InstallerError
from tools.installers.places import executable


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """A folder built like a frozen program."""
    folder = tmp_path / "bachview"
    for place, size in (
        ("PySide6/Qt/lib/libQt6Gui.so.6", 3000),
        ("numpy.libs/libblas.so", 2000),
        ("bachview/resources/models/default.bachmodel/cnn.bin", 1000),
    ):
        path = folder / "_internal" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(size))
    (folder / "_internal" / "libQt6Gui.so.6").symlink_to("PySide6/Qt/lib/libQt6Gui.so.6")
    executable(folder).write_bytes(bytes(100))
    return folder


@pytest.mark.parametrize(
    ("place", "group"),
    [
        ("bachview", "bachview and other modules in Python"),
        ("_internal/libpython3.11.so.1.0", "Python"),
        ("_internal/python3.11/lib-dynload/_sqlite3.so", "Python"),
        ("_internal/openvino/libs/libopenvino.so", "OpenVINO"),
        ("_internal/openslide_bin/libopenslide.so.1", "OpenSlide"),
        ("_internal/bachview/resources/models/selftest.bachmodel", "bundles"),
        ("_internal/bachview/resources/icons/open.svg", "bachview's resources and documents"),
        ("_internal/numpy-2.4.6.dist-info/METADATA", "licences and names of packages"),
        ("_internal/libxcb-cursor.so.0", sizes.OTHER),
    ],
)
def test_a_file_belongs_to_a_group(place: str, group: str) -> None:
    assert sizes.group_of(PurePosixPath(place)) == group


def test_parts_are_listed_by_size_and_links_count_nothing(frozen: Path) -> None:
    parts = sizes.measure(frozen)
    assert [(part.name, part.files, part.plain) for part in parts] == [
        ("Qt", 1, 3000),
        ("numpy", 1, 2000),
        ("bundles", 1, 1000),
        ("bachview and other modules in Python", 1, 100),
    ]
    assert all(0 < part.xz < part.plain + 500 for part in parts)


@pytest.mark.parametrize(("budget_mb", "code", "said"), [(250, 0, "kept"), (1e-6, 1, "exceeded")])
def test_the_budget_decides(
    frozen: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    budget_mb: float,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(sizes, "BUDGET_MB", budget_mb)
    assert sizes.main([str(frozen)]) == code
    out = capsys.readouterr().out
    assert "total" in out
    assert f"{said} with xz" in out


def test_a_folder_without_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallerError, match="no frozen program"):
        sizes.measure(tmp_path)

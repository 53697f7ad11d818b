from configparser import ConfigParser
from datetime import UTC, datetime
from pathlib import Path
from subprocess import run

import jinja2
import pytest
from PySide6.QtGui import QImage

from tests.installers.linux.conftest import Needs
from tools.installers.errors import InstallerError
from tools.installers.linux.desktop_files import COMPONENT, desktop_entry, filled, metainfo
from tools.installers.linux.icons import SIZES, write_icons
from tools.installers.linux.mime_types import ALL_TYPES
from tools.installers.places import ROOT
from tools.installers.release import Release

NEWS = [Release("1.0.0", datetime(2026, 1, 1, tzinfo=UTC), ("Slides with <two> & more names.",))]


def test_the_entry_opens_files_of_every_type() -> None:
    parser = ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(desktop_entry())
    entry = parser["Desktop Entry"]
    assert entry["Exec"] == "bachview %F"
    assert entry["MimeType"].split(";") == [*(kind.name for kind in ALL_TYPES), ""]


def test_the_entry_is_valid(tmp_path: Path, needs: Needs) -> None:
    needs("desktop-file-validate")
    path = tmp_path / "bachview.desktop"
    path.write_text(desktop_entry(), "utf-8")
    asked = run(["desktop-file-validate", path], capture_output=True, text=True, check=False)
    assert (asked.returncode, asked.stdout) == (0, "")


@pytest.mark.parametrize("homepage", [None, "https://example.org/bachview/"])
def test_the_component_is_valid(homepage: str | None, tmp_path: Path, needs: Needs) -> None:
    needs("appstreamcli")
    path = tmp_path / f"{COMPONENT}.metainfo.xml"
    path.write_text(metainfo(NEWS, homepage), "utf-8")
    asked = run(
        ["appstreamcli", "validate", "--no-net", "--pedantic", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stdout


def test_the_component_states_screenshots_only_below_an_address() -> None:
    assert "screenshot" not in metainfo(NEWS, None)
    with_address = metainfo(NEWS, "https://example.org/bachview/")
    assert "<image>https://example.org/bachview/docs/images/demo.png</image>" in with_address
    assert "Slides with &lt;two&gt; &amp; more names." in with_address
    for picture in ("demo.png", "mosaic.png"):
        assert (ROOT / "docs" / "images" / picture).is_file()


def test_a_missing_value_of_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        filled("preinst")


def test_icons_are_drawn_in_all_sizes(tmp_path: Path) -> None:
    write_icons(ROOT / "resources" / "icons" / "bachview.svg", tmp_path, name="bachview")
    for size in SIZES:
        image = QImage(str(tmp_path / f"{size}x{size}" / "apps" / "bachview.png"))
        assert (image.width(), image.height()) == (size, size)
        assert image.pixelColor(0, 0).alpha() == 0
        assert image.pixelColor(size // 3, size // 3).alpha() == 255
    assert (tmp_path / "scalable" / "apps" / "bachview.svg").is_file()


@pytest.mark.qt_log_ignore("Cannot read file")
def test_what_is_no_drawing_is_refused(tmp_path: Path) -> None:
    drawing = tmp_path / "bachview.svg"
    drawing.write_text("not a drawing")
    with pytest.raises(InstallerError, match="not an SVG file"):
        write_icons(drawing, tmp_path, name="bachview")

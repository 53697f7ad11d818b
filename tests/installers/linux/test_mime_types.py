from pathlib import Path
from subprocess import run
from xml.etree.ElementTree import Element

import defusedxml.ElementTree

from bachview.file_names import BUNDLE_SUFFIX
from bachview.slide.suffixes import PICTURE_SUFFIXES, SLIDE_SUFFIXES
from tests.installers.linux.conftest import Needs
from tools.installers.linux.mime_types import ALL_TYPES, BUNDLE_TYPE, SLIDE_TYPES, mime_document

SPACE = "{http://www.freedesktop.org/standards/shared-mime-info}"


def test_the_desktop_is_told_of_all_endings_of_slides_and_of_no_others() -> None:
    endings = {f".{suffix.rpartition('.')[2]}" for kind in SLIDE_TYPES for suffix in kind.suffixes}
    assert endings == set(SLIDE_SUFFIXES)
    assert endings.isdisjoint(PICTURE_SUFFIXES)
    assert BUNDLE_TYPE.suffixes == (BUNDLE_SUFFIX,)


def test_the_document_defines_what_the_desktop_does_not_know() -> None:
    root: Element = defusedxml.ElementTree.fromstring(mime_document())
    globs = {
        element.get("type"): {glob.get("pattern") for glob in element.iter(f"{SPACE}glob")}
        for element in root.iter(f"{SPACE}mime-type")
    }
    assert globs["image/x-mirax"] == {"*.mrxs"}
    assert globs["image/x-ome-tiff"] == {"*.ome.tif", "*.ome.tiff", "*.ome.btf"}
    assert set(globs) == {kind.name for kind in ALL_TYPES if not kind.is_known}
    assert "image/tiff" not in globs


def test_the_mime_database_takes_it(tmp_path: Path, needs: Needs) -> None:
    needs("update-mime-database")
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "bachview.xml").write_text(mime_document(), "utf-8")
    run(["update-mime-database", tmp_path], check=True, capture_output=True)
    lines = (tmp_path / "globs2").read_text("utf-8").splitlines()
    assert f"60:{BUNDLE_TYPE.name}:*.bachmodel" in lines
    assert "60:image/x-aperio-svs:*.svs" in lines

"""Addresses of dropped files, as correct and careless programs write them."""

import platform
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl

from bachview.ui.window.dropped_files import dropped_paths


@pytest.mark.parametrize("host", [b"", b"localhost"])
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("a b.tif", b"a%20b.tif"),
        ("a#b.tif", b"a%23b.tif"),
        ("a#b.tif", b"a#b.tif"),
        ("a?b.tif", b"a?b.tif"),
        ("50%.tif", b"50%25.tif"),
        ("50%.tif", b"50%.tif"),
        ("50%25.tif", b"50%2525.tif"),
        ("50%25.tif", b"50%25.tif"),
        ("a b%.tif", b"a%20b%.tif"),
        ("gr\udcf6\udcdfe.tif", b"gr%F6%DFe.tif"),
        ("größe.tif", b"gr%C3%B6%C3%9Fe.tif"),
    ],
)
def test_a_dropped_file_is_found(tmp_path: Path, host: bytes, name: str, address: bytes) -> None:
    (tmp_path / name).touch()
    url = QUrl.fromEncoded(b"file://" + host + bytes(tmp_path) + b"/" + address)
    assert dropped_paths([url]) == [tmp_path / name]


def test_the_correct_reading_comes_first(tmp_path: Path) -> None:
    for name in ("a.tif", "a#1.tif", "a%231.tif", "a"):
        (tmp_path / name).touch()
    url = QUrl.fromLocalFile(str(tmp_path / "a#1.tif"))
    assert dropped_paths([url, QUrl("https://example.org/a.tif")]) == [tmp_path / "a#1.tif"]


def test_a_list_as_browsers_and_file_managers_write_it(tmp_path: Path) -> None:
    for name in ("a b.tif", "c.tif"):
        (tmp_path / name).touch()
    place, here = bytes(tmp_path), platform.node().encode()
    lines = (
        b"# a comment",
        b"file://" + place + b"/a%20b.tif",
        b"http://example.org/d.tif",
        b"smb://server/share/d.tif",
        b"file://server" + place + b"/c.tif",  # of another computer, where this path exists here
        b"file://" + here + place + b"/c.tif",
    )
    dropped = QMimeData()
    dropped.setData("text/uri-list", b"\r\n".join(lines) + b"\r\n")
    assert dropped_paths(dropped.urls()) == [tmp_path / "a b.tif", tmp_path / "c.tif"]


def test_on_windows_a_share_is_a_path_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    url = QUrl("file://server/slides/a%20b.tif")
    assert dropped_paths([url]) == []
    monkeypatch.setattr(sys, "platform", "win32")
    assert dropped_paths([url, QUrl("https://example.org/a.tif")]) == [
        Path("//server/slides/a b.tif")
    ]
    assert dropped_paths([QUrl("file:///C:/slides/a#1.tif")])[0].name == "a#1.tif"

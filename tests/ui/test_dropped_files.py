"""Addresses of dropped files, as correct and careless programs write them."""

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl

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
